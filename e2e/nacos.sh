#!/usr/bin/env bash
# nacos.sh [--auth] [--keep] [--long-metadata] [-- COMMAND…]   runs a command in this folder beside a fresh Nacos server, whose
# host:port it finds in E2E_NACOS; the server ends with it. Without a command it runs until interrupted.
#   e2e/nacos.sh -- go test ./registry/...
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"; source "$E2E/lib/java.sh"; source "$E2E/lib/nacos.sh"
options=(); while [ "${1:-}" != -- ] && [ $# -gt 0 ]; do options+=("$1"); shift; done; [ $# -eq 0 ] || shift
nacos_start "${options[@]}"
export E2E_NACOS="127.0.0.1:$NACOS_PORT"
if [ $# -eq 0 ]; then note "$NACOS_URL; interrupt to stop"; while running nacos; do sleep 1; done; exit 1; fi
cd "$E2E" && "$@"
