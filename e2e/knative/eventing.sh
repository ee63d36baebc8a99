#!/usr/bin/env bash
# eventing.sh build | up   Knative Eventing for the lab, which only the test `events` needs: its broker on the in-memory channel.
#   build  its programs, images and manifests into $LAB_CACHE, if its sources, its version or Go's version changed; once: 3 minutes on two cores
#   up     into the lab that up.sh has brought up
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

programs=(controller webhook mtchannel_broker broker/filter broker/ingress in_memory/channel_controller in_memory/channel_dispatcher)
images="$LAB_CACHE/eventing" # apart from those that up.sh takes in for every test
# what the lab does not use: it wants more programs, or scales them
unused=(! -name '*hpa*' ! -name request-reply.yaml ! -name job-sink.yaml ! -name pingsource-mt-adapter.yaml)

image_name() { echo "eventing-${1//\//-}"; }

build() {
  local p name want mark="$LAB_CACHE/eventing.done"
  export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false -trimpath"
  want="$({ go version; cat "$LAB/eventing.sh" "$LAB/image.sh" "$LAB/eventing/go.mod" "$LAB/eventing/go.sum"; } | sha256sum)"
  [ "$(cat "$mark" 2>/dev/null)" != "$want" ] || return 0
  note "building eventing"
  mkdir -p "$LAB_BIN" "$images" "$LAB_YAML"
  for p in "${programs[@]}"; do
    name="$(image_name "$p")"
    # the flags of build.sh: static, no debug information
    (cd "$LAB/eventing" && nice -n 19 go build -p "${LAB_JOBS:-$(nproc)}" -gcflags all=-dwarf=false -ldflags "-s -w" -o "$LAB_BIN/$name" "knative.dev/eventing/cmd/$p")
    LAB_IMAGES="$images" "$LAB/image.sh" "$name" "$LAB_BIN/$name"
  done
  manifests
  echo "$want" >"$mark"
}

# manifests   the module's own, as they are but for the images
manifests() {
  local e core broker channel f
  e="$(cd "$LAB/eventing" && go mod download knative.dev/eventing && go list -m -f '{{.Dir}}' knative.dev/eventing)/config"
  core="$e/core" broker="$e/brokers/mt-channel-broker" channel="$e/channels/in-memory-channel"
  documents() { sort | while read -r f; do echo "---"; cat "$f"; done | sed -E 's#ko://knative.dev/eventing/cmd/([a-z_/]+)#dev.local/eventing-\1:lab#; :a; s#(dev.local/eventing-[a-z_-]*)/#\1-#; ta'; }
  { echo "$core/100-namespace.yaml"; find "$core/resources" "$channel/resources" -name '*.yaml'; } | documents >"$LAB_YAML/eventing-1-crds.yaml"
  find "$core"/200-* "$core/roles" "$core/configmaps" "$broker" "$channel" -name '*.yaml' ! -path '*/deployments/*' ! -path '*/resources/*' ! -path '*/webhooks/*' |
    documents >"$LAB_YAML/eventing-2-config.yaml"
  find "$core/webhooks" "$core/deployments" "$broker/deployments" "$channel/deployments" "$channel/webhooks" -name '*.yaml' "${unused[@]}" |
    documents >"$LAB_YAML/eventing-3-run.yaml"
}

apply() { kubectl apply --server-side --force-conflicts -f - >/dev/null; }

up() {
  local p have start=$SECONDS
  have="$(ctr images ls -q)"
  for p in "${programs[@]}"; do
    p="$(image_name "$p")"
    grep -qx "dev.local/$p:lab" <<<"$have" || ctr images import "$images/$p.tar" >/dev/null
  done
  apply <"$LAB_YAML/eventing-1-crds.yaml"
  kubectl wait --for=condition=Established crd -l knative.dev/crd-install=true --timeout=60s >/dev/null
  if ! kubectl -n knative-eventing get deployment eventing-webhook >/dev/null 2>&1; then
    apply <"$LAB_YAML/eventing-2-config.yaml"
    apply <"$LAB/manifests/eventing.yaml"
    apply <"$LAB_YAML/eventing-3-run.yaml"
  fi
  kubectl -n knative-eventing wait --for=condition=Available deployment --all --timeout=300s >/dev/null
  note "Knative Eventing is up after $((SECONDS - start)) s"
}

case "${1:-}" in
  build | up) "$1" ;;
  *) die "eventing.sh: want build or up" ;;
esac
