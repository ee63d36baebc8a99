#!/usr/bin/env bash
# oap.sh [-- COMMAND…]   runs a command in this folder beside a fresh SkyWalking OAP server: E2E_OAP is the host:port that agents report to, E2E_OAP_QUERY
# the one that answers GraphQL; the server ends with it. Without a command it runs until interrupted.
#   e2e/oap.sh -- go run ./events topology
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"; source "$E2E/lib/java.sh"; source "$E2E/lib/oap.sh"
[ "${1:-}" != -- ] || shift
oap_start
export E2E_OAP="127.0.0.1:$OAP_GRPC" E2E_OAP_QUERY="127.0.0.1:$OAP_PORT"
if [ $# -eq 0 ]; then note "$OAP_URL; interrupt to stop"; while running oap; do sleep 1; done; exit 1; fi
cd "$E2E" && "$@"
