#!/usr/bin/env bash
# hostile.sh [ROUNDS]   sends a live Go function what no consumer sends, over 16 connections at once, while Java consumers of both lines
# call it. It passes when none of their calls failed, every frame that can be answered was answered with an error, and the function's
# memory never exceeded what it held idle by more than 4 times the payload limit of 8 MiB. Needs Linux, for the memory's figures.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go interop; do source "$E2E/lib/$part.sh"; done
build_java nacos kit/line3 kit/line27
build_go peer hostile
nacos_start

failed=0
for transport in net getty; do
  stop="$E2E_RUN/hostile.stop"; rm -f "$stop"
  go_up "function-$transport" "$BASE" "$transport" || die "the function did not start"
  pid="${PID[function-$transport]}"
  idle="$(awk '/^VmRSS:/ {printf "%.1f", $2 / 1024}' "/proc/$pid/status")"
  for line in 3 27; do kit "caller-$line" "$line" Caller --mode app --registry "$NACOS_URL" --threads 1 --until "$stop"; done
  for line in 3 27; do await "caller-$line" '^CALLER-READY' 60 || die "the consumer on $line found nothing"; done
  sleep 2
  note "$transport: before its first call the function held $idle MiB"
  "$BIN/hostile" -address "127.0.0.1:$BASE" -pid "$pid" -rounds "${1:-3}" || failed=1
  touch "$stop"
  for line in 3 27; do
    ended "caller-$line" 60 || failed=1
    note "$(line_name "$line"), meanwhile: $(sed -n 's/^CALLS types //p' "$LOGS/caller-$line.log")"
    grep -q '^CALLS types [0-9]* ok, 0 failed' "$LOGS/caller-$line.log" || { failed=1; grep '^FAILED' "$LOGS/caller-$line.log" | head -n 10; }
  done
  running "function-$transport" || { failed=1; note "the function is gone:"; tail -n 20 "$LOGS/function-$transport.err"; }
  halt "function-$transport"
done
[ "$failed" = 0 ] && note "hostile passed" || note "hostile FAILED"
exit "$failed"
