#!/usr/bin/env bash
# churn.sh [TIMES]   starts and stops a Go function TIMES times (20) under Java consumers of both lines, which call without pause with
# Dubbo's own timeout and retries and have a second instance to turn to. It passes when no call failed, every incarnation was called,
# and each consumer read the function's metadata once: a relay between it and Nacos counts.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go interop; do source "$E2E/lib/$part.sh"; done
times="${1:-20}"
build_java nacos kit/line3 kit/line27
build_go peer
nacos_start

stop="$E2E_RUN/churn.stop"; rm -f "$stop"
go_up steady $((BASE + 1)) net || die "the steady instance did not start"
relay=$((NACOS_PORT + 100))
for line in 3 27; do
  kit "caller-$line" "$line" Caller --mode app --registry "nacos://127.0.0.1:$relay" --relay "$relay:$NACOS_PORT" --until "$stop"
  relay=$((relay + 100))
done
for line in 3 27; do await "caller-$line" '^CALLER-READY' 60 || die "the consumer on $line found nothing"; done

start=$SECONDS
for ((i = 1; i <= times; i++)); do
  go_up "turn-$i" "$BASE" net || die "start $i failed"
  for line in 3 27; do await "caller-$line" "^SERVED-BY turn-$i\$" 30 || die "the consumer on $line never called start $i"; done
  sleep 0.5
  halt "turn-$i"
done
sleep 2
touch "$stop"

failed=0
note "$times starts and stops in $((SECONDS - start)) s"
for line in 3 27; do
  ended "caller-$line" 60 || failed=1
  log="$LOGS/caller-$line.log"
  calls="$(sed -n 's/^CALLS types //p' "$log")"
  reads="$(sed -nE 's/^CONFIG-READ ([0-9]+) [0-9a-zA-Z]{16,} dubbofn-e2e$/\1/p' "$log" | tr '\n' ' ')"
  note "$(line_name "$line"): $calls; metadata read: ${reads:-0}times"
  grep '^FAILED' "$log" | head -n 20
  grep -q '^CALLS types [0-9]* ok, 0 failed' "$log" || failed=1
  [ "$reads" = "1 " ] || { failed=1; grep '^CONFIG-READ' "$log"; }
done
[ "$failed" = 0 ] && note "churn passed" || note "churn FAILED"
exit "$failed"
