#!/usr/bin/env bash
# brokers.sh [--quick]   events through a real NATS server and a real Kafka broker: what the tests in brokers/ ask of both and of the stores in Redis and NATS;
# then 10,000 events through each to a function that is killed every few seconds (--quick: 1,000 for `make test`), with every effect counted.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java kafka redis go; do source "$E2E/lib/$part.sh"; done

EVENTS=10000 CALM=2s
[ "${1:-}" != --quick ] || EVENTS=1000 CALM=500ms
NATS_PORT="${E2E_NATS_PORT:-14222}"
need_free "$NATS_PORT"

build_go brokers/natsd brokers/placed brokers/storm
export E2E_QUIET=yes
kafka_start
redis_start
export E2E_KAFKA="127.0.0.1:$KAFKA_PORT" E2E_REDIS="127.0.0.1:$REDIS_PORT"
(cd "$E2E" && exec go test -count=1 -v ./brokers) >"$LOGS/brokers.log" 2>&1 || { grep -E -A 15 '^ *--- FAIL|^panic:' "$LOGS/brokers.log"; tail -n 20 "$LOGS/brokers.log"; die "the tests of brokers failed; see $LOGS/brokers.log"; }
note "$(grep -cE '^ *--- PASS' "$LOGS/brokers.log") tests of brokers and stores passed"

rm -rf "$E2E_RUN/nats-store"
nats_up() { spawn natsd "$BIN/natsd" -port "$NATS_PORT" -store "$E2E_RUN/nats-store" && await natsd '^NATS-READY' 20; }
nats_again() { crash natsd; sleep 1; nats_up; }
kafka_again() { crash kafka; sleep 1; kafka_start --keep; }

# storm KIND ADDRESS SEEN   the broker is killed, too, and started again with what it has on its disk
storm() {
  spawn "storm-$1" "$BIN/storm" -broker "$1" -address "$2" -seen "$3" -function "$BIN/placed" -dir "$E2E_RUN/storm-$1" -events "$EVENTS" -calm "$CALM"
  sleep 3
  running "storm-$1" && "$1_again" && note "the $1 server was killed and started again"
  wait "${PID[storm-$1]}" || { cat "$LOGS/storm-$1.log" "$LOGS/storm-$1.err" >&2; die "events through $1 failed; the function's logs are in $E2E_RUN/storm-$1"; }
  unset "PID[storm-$1]"
  grep -E 'drained|events in' "$LOGS/storm-$1.log"
}
nats_up
storm nats "127.0.0.1:$NATS_PORT" "redis://$E2E_REDIS?lease=2s"
storm kafka "$E2E_KAFKA" "nats://127.0.0.1:$NATS_PORT/SEEN?create=true&lease=2s"
