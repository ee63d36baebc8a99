#!/usr/bin/env bash
# inside.sh TEST…   runs in the lab's namespaces, where Nacos and the Java consumers are with the pods in one network; see run.sh.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
for part in proc java nacos; do source "$LAB/../lib/$part.sh"; done

export KUBECONFIG="$KUBECONFIG_FILE"
kubectl() { "$LAB_BIN/kubectl" "$@"; } # this is the inside already
dubbofn="$LAB_RUN/bin/dubbofn"
FAILED=()

# deploy_all   the activator, a keeper and greet, in one command, after the Secret that they know each other by
deploy_all() {
  local token namespace
  if ! kubectl get namespace dubbofn >/dev/null 2>&1; then
    kubectl create namespace dubbofn
    token="$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')"
    for namespace in dubbofn default; do kubectl -n "$namespace" create secret generic dubbofn-token --from-literal=token="$token" || die "create the Secret"; done
  fi
  describe greet greet
  {
    "$dubbofn" render activator --image dev.local/dubbofn:lab --registry "nacos://$NODE_IP:$NACOS_PORT" &&
      "$dubbofn" render keeper --image dev.local/dubbofn:lab --registry "nacos://$NODE_IP:$NACOS_PORT" --targets "$POD_CIDR:20880" &&
      "$dubbofn" render function greet --image dev.local/greet:lab --manifest "$E2E_RUN/greet.json"
  } >"$E2E_RUN/all.yaml" || die "render"
  kubectl apply -f "$E2E_RUN/all.yaml" || die "apply"
  for what in deployment/dubbofn-activator daemonset/dubbofn-keeper; do
    kubectl -n dubbofn rollout status "$what" --timeout=120s >/dev/null || die "$what did not get ready: $(kubectl -n dubbofn get pods; kubectl -n dubbofn logs --tail=20 "$what")"
  done
  ready greet
  ADMIN=()
  local ip; for ip in $(kubectl -n dubbofn get pods -l app.kubernetes.io/name=dubbofn-activator -o jsonpath='{.items[*].status.podIP}'); do ADMIN+=(-admin "http://$ip:9090"); done
}

# describe NAME PROGRAM [VARIABLE=VALUE…]   what it offers under those variables
describe() {
  local name="$1" program="$2"; shift 2
  env "$@" DUBBOFN_APP="$name" "$dubbofn" describe "$LAB_RUN/bin/$program" >"$E2E_RUN/$name.json" || die "describe $program"
}

# deploy NAME IMAGE [FLAGS…] [-- VARIABLE=VALUE…]   a function; the variables are its description's too
deploy() {
  local name="$1" image="$2" flags=() variables=(); shift 2
  while [ $# -gt 0 ] && [ "$1" != -- ]; do flags+=("$1"); shift; done
  [ $# -eq 0 ] || { shift; variables=("$@"); }
  local v; for v in "${variables[@]}"; do flags+=(--env "$v"); done
  describe "$name" "$image" "${variables[@]}"
  "$dubbofn" render function "$name" --image "dev.local/$image:lab" --manifest "$E2E_RUN/$name.json" "${flags[@]}" >"$E2E_RUN/$name.yaml" || die "render $name"
  kubectl apply -f "$E2E_RUN/$name.yaml" || die "apply $name"
}

ready() { kubectl wait --for=condition=Ready "ksvc/$1" --timeout=120s >/dev/null || die "$1 did not get ready: $(kubectl get ksvc "$1" -o jsonpath='{.status.conditions}')"; }
# undeploy NAME   and wait until its pods are gone
undeploy() { kubectl delete ksvc "$1" --wait=true >/dev/null && kubectl wait --for=delete pod -l "serving.knative.dev/service=$1" --timeout=120s >/dev/null; }

# paced NAME LINE SERVICE   sets PACED to what a consumer is started with; each has a relay to Nacos of its own, which counts what it reads
relay=$((NACOS_PORT + 100))
paced() {
  kit_command "$1" "$2" Paced
  PACED=(-- "${KIT[@]}" --mode app --registry "nacos://127.0.0.1:$relay" --relay "$relay:$NACOS_PORT" --service "$3")
  relay=$((relay + 2))
}

measure() {
  local kind="$1" name="$2"; shift 2
  "$LAB_RUN/bin/lab" "$kind" -keys "$PKI" -logs "$LOGS" -service "$name" -host "$name.default.svc.cluster.local" "${ADMIN[@]}" \
    -ingress "$(kubectl -n lab-ingress get service lab-ingress-local -o jsonpath='{.spec.clusterIP}'):80" "$@"
}

# wakes LANE TIMES   "" or "none": where the function dials
wakes() {
  local flags=() consumers=()
  # the same again, or by HTTP alone
  deploy greet greet ${1:+--activator "$1"}; ready greet
  paced "greet-3$1" 3 greet; consumers+=("${PACED[@]}")
  paced "greet-27$1" 27 greet; consumers+=("${PACED[@]}")
  [ -z "$1" ] || flags+=(-lane=false)
  measure wakes greet -wakes "$2" "${flags[@]}" -name 3.3.6 -name 2.7.23 "${consumers[@]}" || FAILED+=("wakes $1")
  undeploy greet
}

run_wakes() { note ""; note "== wakes from zero, with the early lane"; wakes "" "${LAB_WAKES:-40}"; }
run_http() { note ""; note "== wakes from zero, by HTTP alone"; wakes none $((${LAB_WAKES:-40} / 2)); }

run_scale() {
  note ""; note "== 200 calls a second of 100 ms each, then 10"
  local flags=(--target 5 --max-scale 8 --cpu 25m) # two generations of pods find room on a node of two CPUs
  deploy slow slow "${flags[@]}" -- SLOW=100ms; ready slow
  revision rollout "${flags[@]}" -- SLOW=100ms MORE=1
  paced slow-3 3 ping
  measure scale slow -rollout "$E2E_RUN/rollout" -name 3.3.6 "${PACED[@]}" || FAILED+=(scale)
  undeploy slow
}

# revision FILE [FLAGS…] -- VARIABLE=VALUE…   writes a program that makes a new Knative revision of slow
revision() {
  local file="$1" flags=() v; shift
  while [ "$1" != -- ]; do flags+=("$1"); shift; done
  shift
  for v in "$@"; do flags+=(--env "$v"); done
  cat >"$E2E_RUN/$file" <<REVISION
#!/usr/bin/env bash
export KUBECONFIG="$KUBECONFIG_FILE"
env $* DUBBOFN_APP=slow "$dubbofn" describe "$LAB_RUN/bin/slow" |
  "$dubbofn" render function slow --image dev.local/slow:lab --manifest - ${flags[*]} | "$LAB_BIN/kubectl" apply -f -
REVISION
  chmod +x "$E2E_RUN/$file"
}

run_rollout() {
  note ""; note "== Knative revisions that never get ready, under 20 calls a second"
  local flags=(--target 5 --max-scale 4 --cpu 25m)
  deploy slow slow "${flags[@]}" -- SLOW=20ms; ready slow
  revision crashes "${flags[@]}" -- SLOW=20ms MORE=1 BREAK=crash
  revision hangs "${flags[@]}" -- SLOW=20ms MORE=1 BREAK=hang
  revision sound "${flags[@]}" -- SLOW=20ms MORE=1
  paced rollout-3 3 ping; local consumers=("${PACED[@]}")
  paced rollout-27 27 ping; consumers+=("${PACED[@]}")
  measure rollout slow -rate 20 -nacos "http://127.0.0.1:$NACOS_PORT" -bad "$E2E_RUN/crashes" -bad "$E2E_RUN/hangs" -rollout "$E2E_RUN/sound" \
    -name 3.3.6 -name 2.7.23 "${consumers[@]}" || FAILED+=(rollout)
  undeploy slow
}

run_deploy() {
  note ""; note "== dubbofn deploy and its kin: from the folder to Java's answer, and what they refuse"
  spawn oci "$LAB_RUN/bin/oci" "$IMAGE_REGISTRY"; await oci OCI-READY || die "no registry of images"
  kubectl apply -f "$E2E_RUN/all.yaml" >/dev/null || die "apply" # greet as kubectl sets it, which a test before may have taken away
  describe slow slow SLOW=20ms
  sed -n '/^```yaml$/,/^```$/p' "$LAB/../../docs/knative.md" | grep -v '^```' >"$E2E_RUN/rights.yaml"
  paced deploy-3 3 greet
  PATH="$LAB_BIN:$PATH" measure deploy greet -dubbofn "$dubbofn" -folder "$LAB/../../examples/functions/greet" -push "$IMAGE_REGISTRY/team/greet" \
    -crashing dev.local/slow:lab -manifest "$E2E_RUN/slow.json" -role "$E2E_RUN/rights.yaml" -name 3.3.6 "${PACED[@]}" || FAILED+=(deploy)
  halt oci
}

# run_newcomer   from an empty folder to Java's answer. NEWCOMER_OUT, NEWCOMER_TABLE: files for the transcript, and for a line for each command
run_newcomer() {
  note ""; note "== a newcomer's way, on a cluster that is there"
  local dir="$E2E_RUN/newcomer" module lines
  OUT="${NEWCOMER_OUT:-$E2E_RUN/newcomer.txt}"
  source "$LAB/../lib/transcript.sh"
  rm -rf "$dir"; mkdir -p "$dir/empty" "$dir/classes/org" "$dir/home"; : >"$OUT"
  module="$E2E/$(module_of 3)"
  cp -r "$module/target/classes/org/example" "$dir/classes/org/"; cp "$E2E/kit/res/logback.xml" "$dir/classes/"
  javac -d "$dir/classes" -cp "$module/target/classes:$module/target/lib/*" -XDsuppressNotes "$E2E/newcomer/Greeting.java" || die "javac failed on Greeting.java"
  spawn oci "$LAB_RUN/bin/oci" "$IMAGE_REGISTRY"; await oci OCI-READY || die "no registry of images"
  undeploy greet
  newcomer_way "$dir" || { FAILED+=(newcomer); halt oci; return; }
  lines="$(diff -r "$dir/made" "$dir/empty/greet" | grep -c '^[<>]')"
  [ -z "${NEWCOMER_TABLE:-}" ] || printf '%s' "$TABLE" >"$NEWCOMER_TABLE"
  note ""; note "${TABLE%$'\n'}"; note "$COMMANDS commands (goal: at most 5), $lines lines edited (goal: 0)"
  [ "$COMMANDS" -le 5 ] && [ "$lines" -eq 0 ] || FAILED+=(newcomer)
  "$dubbofn" undeploy greet
  halt oci
}

# newcomer_way FOLDER   what is typed
newcomer_way() {
  local PATH="$LAB_RUN/bin/newcomer:$LAB_BIN:$PATH" logs="$1" nacos="nacos://127.0.0.1:$NACOS_PORT"
  cd "$1/empty" || return 1
  tell "# an empty folder; a cluster with Knative, where the activator runs and registers at Nacos; a registry of images; a Java consumer of org.example.GreetService"
  typed "dubbofn new greet" "Go team"
  dubbofn new greet >"$logs/new.log" 2>&1 || { cat "$logs/new.log"; return 1; }
  took; shown "$logs/new.log"
  cp -r greet "$1/made"
  typed "dubbofn deploy greet --push $IMAGE_REGISTRY/greet" "Go team"
  dubbofn deploy greet --push "$IMAGE_REGISTRY/greet" >"$logs/deploy.log" 2>&1 || { cat "$logs/deploy.log"; return 1; }
  took; shown "$logs/deploy.log"
  typed "java -cp …dubbo-3.3.6… Greeting $nacos Ada" "Java team"
  timeout 60 java -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true -Duser.home="$1/home" -DJM.LOG.PATH="$1/home" -Dkit.log=WARN '-Ddubbo.network.interface.ignored=.*' \
    --add-opens java.base/java.lang=ALL-UNNAMED -cp "$1/classes:$E2E/$(module_of 3)/target/lib/*" Greeting "$nacos" Ada >"$logs/answer.log" 2>"$logs/answer.err" ||
    { tail -n 20 "$logs/answer.err"; return 1; }
  took; shown "$logs/answer.log"
  grep -q '^hello: Hello, Ada! ' "$logs/answer.log" && grep -q '^greet: Bonjour, Ada! ' "$logs/answer.log"
}

run_events() {
  note ""; note "== events through a broker of Knative Eventing, to a function at zero"
  local url registry="nacos://$NODE_IP:$NACOS_PORT" brokered=(broker/default trigger/orders trigger/accepted)
  spawn stock env DUBBOFN_APP=stock DUBBOFN_REGISTRY="$registry" DUBBOFN_HOST="$NODE_IP" DUBBOFN_PORT=20990 PORT=20991 "$LAB_RUN/bin/stock"
  deploy order order --cpu 25m -- DUBBOFN_REGISTRY="$registry" # pods that end hold their part of the node's two CPUs
  {
    "$dubbofn" render sink --image dev.local/dubbofn:lab &&
      "$dubbofn" render broker --dead-letter dead-letters --dead-letter-plain &&
      "$dubbofn" render trigger orders --function order --filter type=org.example.order.placed --dead-letter dead-letters --dead-letter-plain
  } >"$E2E_RUN/events.yaml" || die "render"
  kubectl apply -f "$E2E_RUN/events.yaml" -f "$LAB/manifests/accepted.yaml" || die "apply"
  kubectl rollout status deployment/dead-letters --timeout=120s >/dev/null || die "dead-letters did not get ready: $(kubectl logs --tail=20 deployment/dead-letters)"
  ready order
  kubectl wait --for=condition=Ready "${brokered[@]}" --timeout=120s >/dev/null || die "no broker: $(kubectl get "${brokered[@]}" -o jsonpath='{.items[*].status.conditions}')"
  url="$(kubectl get broker default -o jsonpath='{.status.address.url}')"
  "$LAB_RUN/bin/lab" events -keys "$PKI" -service order -broker "$url" -wakes "${LAB_EVENTS:-5}" || FAILED+=(events)
  kubectl delete -f "$E2E_RUN/events.yaml" -f "$LAB/manifests/accepted.yaml" >/dev/null
  undeploy order
  halt stock
}

mkdir -p "$E2E_RUN"
nacos_start
deploy_all
for t in "$@"; do
  declare -F "run_$t" >/dev/null || die "no test $t: want wakes, http, scale, rollout, deploy, events"
  "run_$t"
done
kubectl -n dubbofn logs --prefix --tail=-1 -l app.kubernetes.io/name=dubbofn-activator >"$LOGS/activator.log" 2>&1
note ""
[ ${#FAILED[@]} = 0 ] && note "lab passed" || note "lab FAILED: ${FAILED[*]}"
exit ${#FAILED[@]}
