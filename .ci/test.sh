#!/usr/bin/env bash
# test.sh [STEP…]   all that must hold before a change goes in; with names, only those steps. Each step's full output is in
# build/test/STEP.log; the end is a table of what ran and how long it took.
set -uo pipefail
cd "$(dirname "$0")/.."
LOGS=build/test
rm -rf "$LOGS"; mkdir -p "$LOGS"
MODULES=(. bench bench/service e2e e2e/eventing e2e/collector e2e/promql e2e/console e2e/knative/tools)

STEPS=(build format vet lint arch unit fuzz docs images demo quickstart nacos zookeeper brokers decisions cycles faults doctor newcomer interop import java activator reverse rules trust seata events trace chaos)
TITLE_build="every package of every module compiles"
TITLE_format="gofmt has nothing to change"
TITLE_vet="go vet"
TITLE_lint="golangci-lint, every linter that is on"
TITLE_arch="imports follow the arrows, sources the rules"
TITLE_unit="unit tests"
TITLE_fuzz="every fuzz target, 5 s each"
TITLE_docs="generated pages are up to date, and the dashboard and the alerts are Prometheus's"
TITLE_images="a release and its images, made twice in two folders, are the same bytes"
TITLE_demo="the demo, as a newcomer runs it"
TITLE_quickstart="the page for beginners, command by command, from an empty folder"
TITLE_nacos="the registry suite on a real Nacos"
TITLE_zookeeper="the registry suite on a real ZooKeeper"
TITLE_brokers="events through real NATS and Kafka to a function that is killed, every effect counted; stores in Redis and NATS"
TITLE_newcomer="from an empty folder to the answer of an unchanged Java consumer"
TITLE_interop="Java 2.7.23 and 3.3.6 call a Go function found in Nacos and ZooKeeper"
TITLE_java="what dubbofn java makes compiles, is what the manifest says, and is answered, Java 2.7.23 and 3.3.6"
TITLE_import="interfaces imported from a jar, filled in, called by Java 2.7.23 and 3.3.6"
TITLE_cycles="a function goes to zero and back under load while its processes are killed"
TITLE_faults="activators and Nacos are restarted, functions break, while Java and Go consumers call through two activators"
TITLE_doctor="dubbofn doctor finds planted faults in a real Nacos, and what it prints mends them"
TITLE_activator="Java 2.7.23 and 3.3.6 call a Go function that sleeps behind the activator"
TITLE_reverse="Go calls Java 2.7.23, Java 3.3.6 and Go providers found in Nacos and ZooKeeper"
TITLE_decisions="Java's balancers, routers and configurators decide what the tests compare with"
TITLE_rules="a Go and a Java consumer obey the rules that an operator writes in Nacos"
TITLE_seata="Seata's XID and the trace from Java through Go to Java, both lines"
TITLE_events="events by Knative's channel, the conformance tool and Java's SDK call functions and, through them, Java"
TITLE_trace="one trace from Java through the activator and a function that slept to Java, in SkyWalking; none lost at the end"
TITLE_chaos="a Go consumer under load while providers and registries are killed, ended and stopped"
TITLE_trust="tokens, signatures and TLS between Java 3.3.6 and Go, right and wrong"

run() { echo "\$ $*"; "$@"; }
each_module() { local m; for m in "${MODULES[@]}"; do (cd "$m" && echo "in $m:" && run "$@") || return 1; done; }
# tell TEXT   for the table's last column
tell() { echo "$*" >"$LOGS/told"; }

step_build() { each_module go build -o /dev/null ./... && run make --no-print-directory build; }
step_format() {
  local files; files="$(gofmt -l .)" || return 1
  [ -z "$files" ] || { echo "not formatted (make fmt does it):"; echo "$files"; return 1; }
}
step_vet() { each_module go vet ./...; }
step_lint() { run make --no-print-directory lint; }
step_arch() { run go test -count=1 ./internal/archtest && tell "$(go list ./... | wc -l) packages"; }
step_unit() {
  local race=(-race) with=", with the race detector"
  # the race detector links with a C compiler, which a machine with Go alone may not have
  command -v "$(go env CC)" >/dev/null || { race=() with=", without the race detector: no C compiler"; }
  # archtest has a step of its own
  run go test -count=1 -v "${race[@]}" $(go list ./... | grep -v /archtest) || detector_broke || return 1
  # what counts memory is spoilt by the detector's own, and skips itself beside it
  [ ${#race[@]} -eq 0 ] || run go test -count=1 $(git ls-files '*race_off_test.go' | sed 's|^|./|; s|/[^/]*$||') || return 1
  tell "$(grep -cE '^ *--- PASS' "$LOGS/unit.log") tests and examples$with"
}
# detector_broke   whether all that failed is Go 1.26's race detector itself, which may end a test of synctest (golang/go#78156): those packages run again
detector_broke() {
  local failed; failed="$(awk '/^FAIL\t/ {print $2}' "$LOGS/unit.log")"
  [ -n "$failed" ] && grep -q '^ThreadSanitizer: CHECK failed' "$LOGS/unit.log" && ! grep -qE '^ *--- FAIL|WARNING: DATA RACE|^panic:' "$LOGS/unit.log" || return 1
  # shellcheck disable=SC2086
  run go test -count=1 -v -race $failed
}
step_fuzz() { run .ci/fuzz.sh 5s || return 1; tell "$(tail -n 1 "$LOGS/fuzz.log")"; }
step_docs() { run .ci/docs.sh --check && (cd e2e/promql && run go run . ../../templates/grafana/dashboard.json ../../templates/grafana/alerts.yaml); }
step_images() { run .ci/images.sh || return 1; tell "$(tail -n 1 "$LOGS/images.log")"; }
step_demo() { run make --no-print-directory demo; }
step_quickstart() { run e2e/quickstart.sh || return 1; tell "$(tail -n 1 "$LOGS/quickstart.log")"; }
step_nacos() { run e2e/nacos.sh -- env -C "$PWD/e2e" go test -count=1 -v ./registry || return 1; tell "$(grep -cE '^ *--- PASS' "$LOGS/nacos.log") tests"; }
step_zookeeper() { run e2e/zookeeper.sh -- env -C "$PWD/e2e" go test -count=1 -v ./registry/zookeeper || return 1; tell "$(grep -cE '^ *--- PASS' "$LOGS/zookeeper.log") tests"; }
step_brokers() { run e2e/brokers.sh --quick || return 1; tell "$(grep ' tests of brokers' "$LOGS/brokers.log"), 1,000 events through each"; }
step_interop() { run e2e/interop.sh --quick || return 1; tell "$(awk '/passed, 0 failed$/ {cells++; cases += $(NF-3)} END {print cells " cells, " cases " cases"}' "$LOGS/interop.log")"; }
step_newcomer() { run e2e/newcomer.sh || return 1; tell "$(grep ' commands (goal' "$LOGS/newcomer.log")"; }
step_java() { run e2e/java.sh --quick || return 1; tell "$(awk '/ checks passed/ {n += $(NF-4)} / ok / {cells++} END {print cells " cells, " n " checks"}' "$LOGS/java.log")"; }
step_import() { run e2e/import.sh || return 1; tell "$(awk '/passed, 0 failed$/ {cells++; cases += $(NF-3)} END {print cells " cells, " cases " cases"}' "$LOGS/import.log")"; }
step_cycles() { run e2e/cycles.sh --quick --replicas && run e2e/cycles.sh --quick || return 1; tell "$(tail -n 1 "$LOGS/cycles.log")"; }
step_faults() { run e2e/faults.sh --quick || return 1; tell "$(grep ' faults tried in ' "$LOGS/faults.log")"; }
step_doctor() { run e2e/doctor.sh --quick || return 1; tell "$(tail -n 1 "$LOGS/doctor.log")"; }
step_activator() { run e2e/interop.sh --quick --through activator --registry nacos || return 1; tell "$(awk '/passed, 0 failed$/ {cells++; cases += $(NF-3)} END {print cells " cells, " cases " cases"}' "$LOGS/activator.log")"; }
step_reverse() { run e2e/reverse.sh --quick || return 1; tell "$(awk '/passed, 0 failed$/ {cells++; cases += $(NF-3)} END {print cells " cells, " cases " cases"}' "$LOGS/reverse.log")"; }
step_seata() { run e2e/seata.sh || return 1; tell "$(awk '/passed, 0 failed$/ {cells++; cases += $(NF-3)} END {print cells " cells, " cases " cases"}' "$LOGS/seata.log")"; }
step_decisions() { run e2e/decisions/run.sh --check; }
step_rules() { run e2e/rules.sh --registry nacos || return 1; tell "$(grep ' passed, 0 failed$' "$LOGS/rules.log")"; }
step_events() { EVENTS_JAVA_ONLY=yes run e2e/events.sh probes senders chain || return 1; tell "$(grep -c ' ok$' "$LOGS/events.log") findings"; }
step_trace() { run e2e/events.sh wake otlp flush || return 1; tell "$(grep -c ' ok$' "$LOGS/trace.log") findings"; }
step_chaos() { run e2e/chaos.sh --quick || return 1; tell "$(tail -n 1 "$LOGS/chaos.log")"; }
step_trust() { run e2e/trust.sh --quick || return 1; tell "$(tail -n 1 "$LOGS/trust.log")"; }

# excerpt LOG   what a reader needs of a failed step: what go test says of failures, else the end
excerpt() {
  grep -E -B 15 -A 15 '^ *--- FAIL|^panic:|WARNING: DATA RACE|^FAIL.*failed\]|^# ' "$1" | grep -vE '^ *(=== |--- PASS)' | head -n 150
  tail -n 30 "$1" | grep -vE '^ *(=== |--- PASS)'
}

[ $# -eq 0 ] || STEPS=("$@")
table="" passed=0 failed=0 start=$SECONDS
for step in "${STEPS[@]}"; do
  title="TITLE_$step"; [ -n "${!title:-}" ] || { echo "no step $step" >&2; exit 2; }
  printf '%-9s %s … ' "$step" "${!title}"
  rm -f "$LOGS/told"; begin=$SECONDS
  if "step_$step" >"$LOGS/$step.log" 2>&1; then
    result=passed passed=$((passed + 1)); echo "ok"
  else
    result=FAILED failed=$((failed + 1)); echo "FAILED; from $LOGS/$step.log:"
    excerpt "$LOGS/$step.log"
  fi
  table+="$(printf '%-9s  %-6s  %4d s  %s' "$step" "$result" $((SECONDS - begin)) "$(cat "$LOGS/told" 2>/dev/null || echo "${!title}")")"$'\n'
done
printf '\n%s, %s\n' "$(go version | cut -d' ' -f3,4)" "$(java -version 2>&1 | head -n 1)"
printf '%s' "$table"
echo "$((SECONDS - start)) s in all"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
