#!/usr/bin/env bash
# cycles.sh [OPTIONS]   a function goes from zero to one and back, again and again, under load, while its processes are killed at random; then what its
# consumers were told is compared with what its processes did: no call answered wrongly, lost without an error in time, or run twice.
#   --cycles N      how often it is started (1000)
#   --java 3|27|no  a Java consumer of that line makes half of the calls, and all look in Nacos (3); or Go's alone, in the embedded registry
#   --replicas      two activators in front of it, of which one after the other is told to end, or killed (with --java no: Java repeats
#                   calls whose connection is cut), and started again
#   --quick         40 times, without Java, for `make test`
#   --seed N        of the random choices
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go; do source "$E2E/lib/$part.sh"; done

CYCLES=1000 JAVA=3 OPTIONS=()
while [ $# -gt 0 ]; do
  case "$1" in
    --cycles) CYCLES="$2"; shift 2 ;;
    --java) JAVA="$2"; shift 2 ;;
    --replicas) OPTIONS+=(-replicas); shift ;;
    --quick) CYCLES=40 JAVA=no; shift ;;
    --seed) OPTIONS+=(-seed "$2"); shift 2 ;;
    *) sed -n 2,9p "$0"; exit 2 ;;
  esac
done

build_command
build_go cycles cycles/counted
consumer=()
if [ "$JAVA" != no ]; then
  build_java nacos "$(module_of "$JAVA")"
  E2E_QUIET=yes nacos_start
  OPTIONS+=(-registry "$NACOS_URL")
  kit_command counted "$JAVA" Counted
  consumer=("${KIT[@]}" --mode app --registry "$NACOS_URL")
fi
spawn cycles env -u DUBBOFN_REGISTRY "$BIN/cycles" -cycles "$CYCLES" -dubbofn "$BIN/dubbofn" -function "$BIN/counted" -dir "$E2E_RUN/cycles" "${OPTIONS[@]}" "${consumer[@]}"
tail -n +1 -f --pid="${PID[cycles]}" "$LOGS/cycles.log"
wait "${PID[cycles]}"; rc=$?
unset "PID[cycles]"
cat "$LOGS/cycles.err" >&2
exit "$rc"
