#!/usr/bin/env bash
# chaos.sh [OPTIONS]   a Go consumer calls an idempotent method of three providers 1000 times a second, while one of them is killed, ended,
# stopped and continued, and while the registry is killed and started again. It passes when no call failed, no provider was tried
# long after it was gone, and each that came back, or is new, was called. A table at the end; times in ms. A call that finds 500 in
# flight begins late, and its time counts from when it should have begun.
#   --providers java|go       only these
#   --registry nacos|zookeeper  only in this one
#   --restarts N              how often each registry is killed (5)
#   --rate N                  calls a second (1000)
#   --quick                   Go providers in Nacos, Java providers in ZooKeeper, each registry killed once
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos zookeeper go interop; do source "$E2E/lib/$part.sh"; done

PROVIDERS=(java go) RESTARTS=5 RATE=1000 QUICK="" PAUSE=5
while [ $# -gt 0 ]; do
  case "$1" in
    --providers) PROVIDERS=("$2"); shift 2 ;;
    --registry) REGISTRIES+=("$2"); shift 2 ;;
    --restarts) RESTARTS="$2"; shift 2 ;;
    --rate) RATE="$2"; shift 2 ;;
    --quick) QUICK=yes RESTARTS=1 PAUSE=2; shift ;;
    *) sed -n 2,11p "$0"; exit 2 ;;
  esac
done
[ "${#REGISTRIES[@]}" -gt 0 ] || REGISTRIES=(nacos zookeeper)

# how the consumer calls; and how long after its end, in ms, a provider may still be tried
SETTINGS=(DUBBOFN_APP=chaos DUBBOFN_MIGRATION=FORCE_APPLICATION DUBBOFN_CALL_TIMEOUT=10s DUBBOFN_TRY_TIMEOUT=500ms)
declare -A BOUND=([killed]=1000 [ended]=1000 [stopped]=1500)
E2E_QUIET=yes

# launch KIND NAME PORT   a provider, not awaited
launch() {
  case "$1" in
    java) kit "$2" 3 Provider --registry "$REGISTRY_URL" --app java3-provider --name "$2" --port "$3" --metadata-type remote ;;
    go) go_launch "$2" "$3" net ;;
  esac
}
ready() { await "$1" '^PROVIDER-READY' 90 || die "provider $1 did not start"; }
up() { launch "$@"; ready "$2"; }

# from FILE COMMAND…
from() { local file="$1"; shift; exec "$@" <"$file"; }
# phase NAME   what happens from now on is told apart in the load's report
phase() { PHASE="$KIND-$REGISTRY-$1"; echo "$PHASE" >&"$MARKS"; await load "^BEGUN $PHASE\$" 60 || die "$PHASE did not begin"; }
# called PORT   until a provider has answered in this phase
called() { await load "^ANSWERED $PHASE 127.0.0.1:$1\$" 60 || die "$PHASE: nothing answered at port $1"; }

load_up() {
  local marks="$E2E_RUN/marks"
  rm -f "$marks"; mkfifo "$marks"; exec {MARKS}<>"$marks"
  spawn load from "$marks" env DUBBOFN_REGISTRY="$REGISTRY_URL" "${SETTINGS[@]}" "$BIN/peer" load -rate "$RATE" -for 15m -phase "$KIND-$REGISTRY-warm-up"
  await load '^LOAD-READY' 60 || die "the load did not begin"
}

load_down() {
  echo end >&"$MARKS"; exec {MARKS}>&-
  ended load 60 || FAULTS=$((FAULTS + 1))
  cp "$LOGS/load.log" "$LOGS/load-$KIND-$REGISTRY.log"; cp "$LOGS/load.err" "$LOGS/load-$KIND-$REGISTRY.err"
  cat "$LOGS/load.log" >>"$REPORT"
}

# losses   one provider after the other is lost, and comes back
losses() {
  phase killed; crash a; sleep "$PAUSE"
  phase back; up "$KIND" a "$BASE"; called "$BASE"
  phase ended; halt b; sleep "$PAUSE"
  [ -n "$QUICK" ] || { phase back-again; up "$KIND" b $((BASE + 1)); called $((BASE + 1)); }
  phase stopped; kill -STOP "${PID[c]}"; sleep "$PAUSE"; sleep "$PAUSE"
  phase continued; kill -CONT "${PID[c]}"; called $((BASE + 2))
}

# restarts   the registry is killed and comes back; the first time a provider ends meanwhile, and a new one comes afterwards
restarts() {
  local i
  for ((i = 1; i <= RESTARTS; i++)); do
    phase "registry-down-$i"; crash "$REGISTRY"; sleep "$PAUSE"
    [ "$i" -gt 1 ] || { phase killed-meanwhile; crash a; sleep "$PAUSE"; }
    "${REGISTRY}_start" --keep
    phase "registry-up-$i"
    [ "$i" -gt 1 ] || { up "$KIND" a $((BASE + 3)); called $((BASE + 3)); }
    sleep "$PAUSE"
  done
}

run() {
  KIND="$1"
  registry_start "$2" >/dev/null
  launch "$KIND" a "$BASE"; launch "$KIND" b $((BASE + 1)); launch "$KIND" c $((BASE + 2))
  ready a; ready b; ready c
  load_up
  sleep "$PAUSE"
  phase steady; sleep "$PAUSE"
  losses
  restarts
  load_down
  halt a b c
  registry_stop
}

# table   of the report; it counts what must not be
table() {
  awk -v base="$BASE" -v bounds="killed=${BOUND[killed]} killed-meanwhile=${BOUND[killed]} ended=${BOUND[ended]} stopped=${BOUND[stopped]}" '
    BEGIN {
      n = split(bounds, b, " "); for (i = 1; i <= n; i++) { split(b[i], kv, "="); bound[kv[1]] = kv[2] }
      gone["killed"] = gone["killed-meanwhile"] = base; gone["ended"] = base + 1; gone["stopped"] = base + 2
      printf "%-32s %7s %6s %7s %6s %7s %7s %8s   %s\n", "providers, registry, what", "calls", "failed", "retries", "late", "p50", "p99", "max", "the lost one"
    }
    function event(phase) { sub(/^[a-z]+-[a-z]+-/, "", phase); return phase }
    $1 == "PHASE" { order[++phases] = $2; line[$2] = sprintf("%7d %6d %7d %6d %7.1f %7.1f %8.1f", $4, $6, $8 - $4, $16, $10, $12, $14); if ($6 != 0 || $4 == 0) faults++ }
    $1 == "AT" { e = event($2); sub(/.*:/, "", $3); if (e in gone && gone[e] == $3) { tried[$2] = $5; last[$2] = $11 } if (e == "continued" && $3 == base + 2) again[$2] = $9 }
    $1 == "FAILED" { text[$2] = text[$2] "\n    " substr($0, index($0, $3)) }
    END {
      for (i = 1; i <= phases; i++) {
        p = order[i]; e = event(p); extra = ""
        if (e in gone) {
          extra = tried[p] ? sprintf("tried %d times, last after %.0f", tried[p], last[p]) : "not tried again"
          if (tried[p] && last[p] > bound[e]) { faults++; extra = extra " FAILED: the limit is " bound[e] }
        }
        if (p in again) extra = sprintf("called again after %.0f", again[p])
        printf "%-32s %s   %s%s\n", p, line[p], extra, text[p]
      }
      exit faults > 0
    }' "$REPORT"
}

need=(kit/line3); for r in "${REGISTRIES[@]}"; do need+=("$r"); done
build_java "${need[@]}"
build_go peer
REPORT="$E2E_RUN/chaos.report" FAULTS=0
: >"$REPORT"
for registry in "${REGISTRIES[@]}"; do
  for kind in "${PROVIDERS[@]}"; do
    [ -z "$QUICK" ] || case "$kind-$registry" in go-nacos | java-zookeeper) ;; *) continue ;; esac
    run "$kind" "$registry"
  done
done
table || FAULTS=$((FAULTS + 1))
calls="$(awk '$1 == "PHASE" {n += $4; f += $6} END {print n " calls, " f " failed"}' "$REPORT")"
[ "$FAULTS" = 0 ] && note "chaos passed: $calls" || note "chaos FAILED: $calls"
[ "$FAULTS" = 0 ]
