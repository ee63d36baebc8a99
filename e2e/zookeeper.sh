#!/usr/bin/env bash
# zookeeper.sh [--keep] [-- COMMAND…]   runs a command in this folder beside a fresh ZooKeeper server, whose host:port it finds in
# E2E_ZOOKEEPER; the server ends with it. Without a command it runs until interrupted.
#   e2e/zookeeper.sh -- go test ./registry/zookeeper
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"; source "$E2E/lib/java.sh"; source "$E2E/lib/zookeeper.sh"
options=(); while [ "${1:-}" != -- ] && [ $# -gt 0 ]; do options+=("$1"); shift; done; [ $# -eq 0 ] || shift
zookeeper_start "${options[@]}"
export E2E_ZOOKEEPER="127.0.0.1:$ZOOKEEPER_PORT"
if [ $# -eq 0 ]; then note "$ZOOKEEPER_URL; interrupt to stop"; while running zookeeper; do sleep 1; done; exit 1; fi
cd "$E2E" && "$@"
