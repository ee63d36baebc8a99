#!/usr/bin/env bash
# picture.sh   draws docs/img/dashboard.svg from a minute of a real run (Go is all it needs), and docs/img/trace.svg where a trace is given:
#   e2e/picture.sh [--for 60s] [--spans FILE.json]      the file as `e2e/events.sh` leaves them: a list of spans
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib/proc.sh
source e2e/lib/go.sh

lasts=60s spans=""
while [ $# -gt 0 ]; do
  case "$1" in
    --for) lasts="$2"; shift 2 ;;
    --spans) spans="$2"; shift 2 ;;
    *) die "usage: picture.sh [--for DURATION] [--spans FILE]" ;;
  esac
done

build_command
build_go picture picture/shop
if [ -n "$spans" ]; then
  "$BIN/picture" trace -spans "$spans" -o docs/img/trace.svg
  note "docs/img/trace.svg"
fi

registry="$(mktemp -d)"
trap 'halt_all; rm -rf "$registry"' EXIT
export DUBBOFN_REGISTRY="embedded://$registry"
DUBBOFN_LOG_LEVEL=info spawn functions "$BIN/dubbofn" run --verbose --idle 2s --port 0 --admin-port 0 "$BIN/shop"
await functions '^  end ' 60
admin="$(sed -nE 's/^  see wakes .*--admin //p' "$LOGS/functions.log")"
"$BIN/picture" dashboard -log "$LOGS/functions.log" -admin "$admin" -registry "$DUBBOFN_REGISTRY" -for "$lasts" -o docs/img/dashboard.svg
note "docs/img/dashboard.svg"
