# A Kafka broker on loopback. Needs proc.sh and java.sh. E2E_KAFKA_PORT: default 19092; its controller has the port above, and the one above that wants the
# user shop with the password secret (SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512).

KAFKA_PORT="${E2E_KAFKA_PORT:-19092}"
KAFKA_DATA="$E2E_RUN/kafka-$KAFKA_PORT"

# kafka_java HEAP LEVEL MAIN ARGS…   how a program of Kafka's is started
kafka_java() { local heap="$1" level="$2"; shift 2; exec java -Xmx"$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel="$level" -cp "$E2E/kafka/target/lib/*" "$@"; }

# kafka_start [--keep]   --keep: with the data of the last broker on this port
kafka_start() {
  build_java kafka
  need_free "$KAFKA_PORT" $((KAFKA_PORT + 1)) $((KAFKA_PORT + 2))
  [ "${1:-}" = --keep ] || rm -rf "$KAFKA_DATA"
  if [ ! -d "$KAFKA_DATA/log" ]; then
    mkdir -p "$KAFKA_DATA"
    cat >"$KAFKA_DATA/server.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((KAFKA_PORT + 1))
listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,CONTROLLER://127.0.0.1:$((KAFKA_PORT + 1)),SASL://127.0.0.1:$((KAFKA_PORT + 2))
advertised.listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,SASL://127.0.0.1:$((KAFKA_PORT + 2))
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_shop="secret";
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
log.dirs=$KAFKA_DATA/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
EOF
    (kafka_java 128m error kafka.tools.StorageTool format -t AAAAAAAAQACAAAAAAAAAAQ \
      --add-scram 'SCRAM-SHA-256=[name=shop,password=secret]' --add-scram 'SCRAM-SHA-512=[name=shop,password=secret]' -c "$KAFKA_DATA/server.properties") >"$LOGS/kafka-format.log" 2>&1 || die "kafka's storage was not formatted; see $LOGS/kafka-format.log"
  fi
  spawn kafka kafka_java 384m warn kafka.Kafka "$KAFKA_DATA/server.properties"
  local end=$((SECONDS + 60))
  until listening "$KAFKA_PORT"; do
    running kafka || die "kafka died; see $LOGS/kafka.err"
    [ "$SECONDS" -lt "$end" ] || die "kafka is not ready after 60 s"
    sleep 0.1
  done
  [ -n "${E2E_QUIET:-}" ] || note "kafka is ready on port $KAFKA_PORT"
}

kafka_stop() { halt kafka; }
