#!/usr/bin/env bash
# kafka.sh [--keep] [-- COMMAND…]   runs a command in this folder beside a fresh Kafka broker, whose host:port it finds in E2E_KAFKA; the broker
# ends with it. Without a command it runs until interrupted.
#   e2e/kafka.sh -- go test -run Kafka ./brokers
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"; source "$E2E/lib/java.sh"; source "$E2E/lib/kafka.sh"
options=(); while [ "${1:-}" != -- ] && [ $# -gt 0 ]; do options+=("$1"); shift; done; [ $# -eq 0 ] || shift
kafka_start "${options[@]}"
export E2E_KAFKA="127.0.0.1:$KAFKA_PORT"
if [ $# -eq 0 ]; then note "kafka://$E2E_KAFKA; interrupt to stop"; while running kafka; do sleep 1; done; exit 1; fi
cd "$E2E" && "$@"
