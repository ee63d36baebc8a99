#!/usr/bin/env bash
# nacos.sh COMMAND…   runs a command beside a fresh Nacos server, whose URL it finds in E2E_NACOS; the server ends with it.
#   e2e/nacos.sh [--auth] [--keep] [--long-metadata] -- go test ./registry/...     without a command: until interrupted
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"; source "$E2E/lib/java.sh"; source "$E2E/lib/nacos.sh"
options=(); while [ "${1:-}" != -- ] && [ $# -gt 0 ]; do options+=("$1"); shift; done; [ $# -eq 0 ] || shift
nacos_start "${options[@]}"
export E2E_NACOS="$NACOS_URL"
if [ $# -eq 0 ]; then note "$NACOS_URL; interrupt to stop"; while running nacos; do sleep 1; done; exit 1; fi
"$@"
