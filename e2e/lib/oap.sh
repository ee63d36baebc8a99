# SkyWalking's OAP server on loopback, with its traces in memory. Needs proc.sh and java.sh. E2E_OAP_PORT: where it is asked (GraphQL, default 12800); agents'
# gRPC is 1000 below.

OAP_PORT="${E2E_OAP_PORT:-12800}"
OAP_GRPC=$((OAP_PORT - 1000))
OAP_URL="skywalking://127.0.0.1:$OAP_GRPC"

oap_start() {
  build_java oap
  need_free "$OAP_PORT" "$OAP_GRPC"
  oap_launch
  local start=$SECONDS
  until oap_answers; do
    running oap || { grep -m3 -A3 ERROR "$LOGS/oap.log" >&2; die "oap died; see $LOGS/oap.log"; }
    [ $((SECONDS - start)) -lt 90 ] || die "oap is not ready after 90 s; see $LOGS/oap.log"
    sleep 0.2
  done
  [ -n "${E2E_QUIET:-}" ] || note "oap is ready on port $OAP_PORT (agents: $OAP_GRPC) after $((SECONDS - start)) s"
}

# oap_launch does not wait until it is ready.
oap_launch() {
  spawn oap env SW_CORE_GRPC_PORT="$OAP_GRPC" SW_CORE_REST_PORT="$OAP_PORT" java -Xms256m -Xmx768m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Doap.logDir="$LOGS" -cp "$E2E/oap/config:$E2E/oap/target/lib/*" org.apache.skywalking.oap.server.starter.OAPServerStartUp
}

# oap_answers   whether GraphQL is answered and agents can connect
oap_answers() {
  listening "$OAP_GRPC" || return 1
  local body='{"query":"query{version}"}'
  { exec 3<>"/dev/tcp/127.0.0.1/$OAP_PORT" &&
    printf 'POST /graphql HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" >&3 &&
    timeout 3 cat <&3; exec 3<&- 3>&-; } 2>/dev/null | grep -q '"version"'
}

oap_stop() { halt oap; }
