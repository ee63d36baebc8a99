#!/usr/bin/env bash
# nacos-restart.sh [TIMES [protected|default]]   kills and restarts Nacos TIMES times (10) under Java consumers of both lines, which call a Go function and,
# as the control, a Java provider. Twice: with enable-empty-protection=true, where no call may fail, and at Java's default, where no
# more calls to the function may fail than to the control. It tells how long the registrations took to come back once the server
# answered; 30 s is the limit.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go interop; do source "$E2E/lib/$part.sh"; done
times="${1:-10}"
build_java nacos kit/line3 kit/line27
build_go peer
E2E_QUIET=yes
FAULTS=0

now() { local t="${EPOCHREALTIME/[.,]/}"; echo $((t / 1000)); }
# registered APP   whether Nacos lists an instance
registered() { http_get "$NACOS_PORT" "/nacos/v1/ns/instance/list?serviceName=$1" 2>/dev/null | grep -q '"instanceId"'; }
# median and maximum of the arguments, in ms
spread() { printf '%s\n' "$@" | sort -n | awk '{v[NR] = $1} END {printf "median %.1f s, maximum %.1f s", v[int((NR + 1) / 2)] / 1000, v[NR] / 1000}'; }

# restart   one kill and start; adds to the times of both registrations
restart() {
  local ready function_back="" control_back="" t
  nacos_kill
  sleep 3
  nacos_start --keep
  ready="$(now)"
  while [ -z "$function_back" ] || [ -z "$control_back" ]; do
    t=$(($(now) - ready))
    [ -n "$function_back" ] || { registered dubbofn-e2e && function_back=$t; }
    [ -n "$control_back" ] || { registered java3-provider && control_back=$t; }
    [ "$t" -lt 90000 ] || break
    sleep 0.05
  done
  function_times+=("${function_back:-90000}") control_times+=("${control_back:-90000}")
  sleep 8 # until consumers have heard of it
}

# pass NAME MAY-FAIL OPTIONS…
pass() {
  local name="$1" may="$2" stop="$E2E_RUN/restart.stop" i line log function control; shift 2
  local function_times=() control_times=()
  rm -f "$stop"
  nacos_start
  go_up function "$BASE" net || die "the function did not start"
  java_up control 3 $((BASE + 1)) --metadata-type remote --ping || die "the control did not start"
  for line in 3 27; do kit "caller-$line" "$line" Caller --mode app --registry "$NACOS_URL" --targets types,ping --threads 1 --until "$stop" $(ping_by "$line") "$@"; done
  for line in 3 27; do await "caller-$line" '^CALLER-READY' 60 || die "the consumer on $line found nothing"; done
  for ((i = 0; i < times; i++)); do restart; done
  touch "$stop"
  note "$name, $times restarts: the function's registration was back after $(spread "${function_times[@]}"); the control's after $(spread "${control_times[@]}")"
  [ "$(printf '%s\n' "${function_times[@]}" | sort -n | tail -n 1)" -le 30000 ] || { FAULTS=1; note "  FAILED: the limit is 30 s"; }
  for line in 3 27; do
    ended "caller-$line" 60 || FAULTS=1
    log="$LOGS/caller-$line.log"; cp "$log" "$LOGS/caller-$line-$may.log"
    function="$(sed -nE 's/^CALLS types .* ok, ([0-9]+) failed.*/\1/p' "$log")" control="$(sed -nE 's/^CALLS ping .* ok, ([0-9]+) failed.*/\1/p' "$log")"
    note "  $(line_name "$line"): function $(sed -n 's/^CALLS types //p' "$log"); control $(sed -n 's/^CALLS ping //p' "$log")"
    if [ "$may" = none ] && [ "$function" != 0 ]; then FAULTS=1; note "  FAILED: no call may fail"; grep '^FAILED types' "$log" | head -n 5; fi
    if [ "$may" = control ] && [ "${function:-1}" -gt "${control:-0}" ]; then FAULTS=1; note "  FAILED: more than the control's"; grep '^FAILED types' "$log" | head -n 5; fi
  done
  halt function control
  nacos_stop
}
# a 3.x provider writes no mapping for 2.7, so there the consumer is told who serves what
ping_by() { [ "$1" = 27 ] && echo "--ping-by java3-provider"; }

[ "${2:-}" = default ] || pass "enable-empty-protection=true" none --empty-protection
[ "${2:-}" = protected ] || pass "at Java's default" control
[ "$FAULTS" = 0 ] && note "nacos-restart passed" || note "nacos-restart FAILED"
exit "$FAULTS"
