#!/usr/bin/env bash
# cycles.sh [OPTIONS]   a function goes from zero to one and back, again and again, under load, while its processes are killed at random; then what its
# consumer was told is compared with what its processes did: no call answered wrongly, lost without an error in time, or run twice.
#   --cycles N   how often it is started (1000)
#   --quick      40 times, for `make test`
#   --seed N     of the random choices
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
source "$E2E/lib/go.sh"

OPTIONS=()
while [ $# -gt 0 ]; do
  case "$1" in
    --cycles) OPTIONS+=(-cycles "$2"); shift 2 ;;
    --quick) OPTIONS+=(-cycles 40); shift ;;
    --seed) OPTIONS+=(-seed "$2"); shift 2 ;;
    *) sed -n 2,6p "$0"; exit 2 ;;
  esac
done

build_command
build_go cycles cycles/counted
exec env -u DUBBOFN_REGISTRY "$BIN/cycles" -dubbofn "$BIN/dubbofn" -function "$BIN/counted" -dir "$E2E_RUN/cycles" "${OPTIONS[@]}"
