# The parts of events.sh. Needs proc.sh, java.sh, nacos.sh, go.sh, oap.sh and agent.sh.

EVENTS_PORT="${E2E_PORT:-28880}"              # the function's Dubbo port; its HTTP port, and what else listens, are behind it
FUNCTION_HTTP=$((EVENTS_PORT + 1)) ECHO=$((EVENTS_PORT + 2)) CHANNEL=$((EVENTS_PORT + 4)) SINK=$((EVENTS_PORT + 5)) JAVA=$((EVENTS_PORT + 6))
COLLECTOR=$((EVENTS_PORT + 7)) ACTIVATOR=$((EVENTS_PORT + 8)) SPARE=$((EVENTS_PORT + 10))
EVENTS_RUN="$E2E_RUN/events"
TRACES="$E2E/../build"

# build_tool MODULE NAME [PACKAGE]   a program of a module of its own, into $BIN
build_tool() { mkdir -p "$BIN" && (cd "$E2E/$1" && go build -o "$BIN/$2" "${3:-.}") || die "go build in e2e/$1 failed"; }

# function_up NAME OFFERS [VARIABLE=VALUE…]   the function, or with OFFERS=echo the provider in Go
function_up() {
  local name="$1" offers="$2" port=$EVENTS_PORT; shift 2
  [ "$offers" != echo ] || port=$ECHO
  need_free "$port" $((port + 1))
  spawn "$name" env -u DUBBOFN_TRACING EVENTS_OFFERS="$offers" EVENTS_DIR="$EVENTS_RUN" DUBBOFN_APP="e2e-$offers" DUBBOFN_BIND=127.0.0.1 DUBBOFN_HOST=127.0.0.1 \
    DUBBOFN_PORT="$port" PORT=$((port + 1)) "$@" "$BIN/function"
  local end=$((SECONDS + 30))
  until http_get $((port + 1)) /health/ready 2>/dev/null | grep -q '^HTTP/1.. 200'; do
    running "$name" || { tail -n 20 "$LOGS/$name.err" >&2; note "the function $name ended" >&2; return 1; }
    [ "$SECONDS" -lt "$end" ] || { note "the function $name is not ready within 30 s; see $LOGS/$name.err" >&2; return 1; }
    sleep 0.1
  done
}

# alone [VARIABLE=VALUE…]   the function and the provider in Go, which find each other without a server
alone() {
  rm -rf "$EVENTS_RUN"; mkdir -p "$EVENTS_RUN"
  build_go events events/function
  function_up echo echo DUBBOFN_REGISTRY="embedded://$EVENTS_RUN/registry" "$@" && function_up chain chain DUBBOFN_REGISTRY="embedded://$EVENTS_RUN/registry" "$@"
}

events_probes() {
  build_tool conformance cloudevents github.com/cloudevents/conformance/cmd/cloudevents
  local files; files="$(cd "$E2E/conformance" && go list -m -f '{{.Dir}}' github.com/cloudevents/conformance)/yaml" || return 1
  alone || return 1
  "$BIN/events" conformance -url "http://127.0.0.1:$FUNCTION_HTTP/" -kept "$EVENTS_RUN/kept.jsonl" -tool "$BIN/cloudevents" -files "$files" &&
    "$BIN/events" probes -url "http://127.0.0.1:$FUNCTION_HTTP/" -kept "$EVENTS_RUN/kept.jsonl"
}

# events_senders   in Java; in the others where they can be had
events_senders() {
  build_java senders
  alone || return 1
  local url="http://127.0.0.1:$FUNCTION_HTTP/" home="$E2E_RUN/senders" sent=(java-binary java-structured)
  mkdir -p "$home"
  java -cp "$E2E/senders/target/classes:$E2E/senders/target/lib/*" org.dubbofn.senders.Send "$url" >"$LOGS/senders.log" 2>"$LOGS/senders.err" || { cat "$LOGS/senders.err" >&2; return 1; }
  if [ -z "${EVENTS_JAVA_ONLY:-}" ] && command -v python3 >/dev/null && { [ -x "$home/python/bin/python" ] || python3 -m venv "$home/python"; } &&
    "$home/python/bin/pip" install -q --disable-pip-version-check -r "$E2E/senders/requirements.txt"; then
    "$home/python/bin/python" "$E2E/senders/send.py" "$url" >>"$LOGS/senders.log" 2>>"$LOGS/senders.err" || { cat "$LOGS/senders.err" >&2; return 1; }
    sent+=(python-binary python-structured)
  fi
  if [ -z "${EVENTS_JAVA_ONLY:-}" ] && command -v node >/dev/null && command -v npm >/dev/null && cp "$E2E"/senders/{package.json,send.js} "$home/" &&
    (cd "$home" && npm install --silent --no-fund --no-audit --no-package-lock); then
    (cd "$home" && node send.js "$url") >>"$LOGS/senders.log" 2>>"$LOGS/senders.err" || { cat "$LOGS/senders.err" >&2; return 1; }
    sent+=(js-binary js-structured js-batch1 js-batch2)
  fi
  "$BIN/events" senders -kept "$EVENTS_RUN/kept.jsonl" "${sent[@]}"
}

# with_java   Nacos and the OAP server, and a provider in Java under the agent, found in Nacos
with_java() {
  rm -rf "$EVENTS_RUN"; mkdir -p "$EVENTS_RUN" "$TRACES"
  build_agent 3 27
  build_go events events/function
  E2E_QUIET=yes nacos_start
  E2E_QUIET=yes oap_start
  need_free "$JAVA"
  traced java-provider 3 java-provider Provider --registry "$NACOS_URL" --app java-provider --port "$JAVA"
  await java-provider '^PROVIDER-READY' 90
}

events_chain() {
  build_tool eventing eventing
  with_java || return 1
  need_free "$CHANNEL" "$SINK"
  function_up chain chain DUBBOFN_REGISTRY="$NACOS_URL" DUBBOFN_TRACING="$OAP_URL" || return 1
  spawn channel "$BIN/eventing" channel -listen "127.0.0.1:$CHANNEL" -to "http://127.0.0.1:$FUNCTION_HTTP/" -reply "http://127.0.0.1:$SINK/" -dead "http://127.0.0.1:$SINK/"
  await channel '^CHANNEL-READY' 20 || return 1
  "$BIN/events" chain -url "http://127.0.0.1:$CHANNEL/" -direct "http://127.0.0.1:$FUNCTION_HTTP/" -reply "127.0.0.1:$SINK" -oap "127.0.0.1:$OAP_PORT" -provider "127.0.0.1:$JAVA" -out "$TRACES" ${EVENTS_VERBOSE:+-v}
}

# sleeper NAME OFFERS   a function for dubbofn run: its program's name is its application
sleeper() {
  mkdir -p "$EVENTS_RUN/functions"
  printf '#!/bin/sh\nEVENTS_OFFERS=%s EVENTS_DIR="%s" exec "%s"\n' "$2" "$EVENTS_RUN" "$BIN/function" >"$EVENTS_RUN/functions/$1" && chmod +x "$EVENTS_RUN/functions/$1"
}

events_wake() {
  build_command
  with_java || return 1
  sleeper e2e-chain chain; sleeper e2e-greet greet
  need_free "$ACTIVATOR" $((ACTIVATOR + 1))
  spawn activator env DUBBOFN_REGISTRY="$NACOS_URL" DUBBOFN_HOST=127.0.0.1 DUBBOFN_TRACING="$OAP_URL" \
    "$BIN/dubbofn" run --verbose --idle 30s --port "$ACTIVATOR" --admin-port $((ACTIVATOR + 1)) "$EVENTS_RUN/functions/e2e-chain" "$EVENTS_RUN/functions/e2e-greet"
  await activator '^  end ' 60 || return 1
  traced_command java-consumer 3 java-consumer Paced --registry "$NACOS_URL" --app java-consumer --service ping; local three=("${KIT[@]}")
  traced_command java27-consumer 27 java27-consumer Paced --registry "$NACOS_URL" --app java27-consumer --service greet
  "$BIN/events" wake -oap "127.0.0.1:$OAP_PORT" -provider "127.0.0.1:$JAVA" -activator "127.0.0.1:$ACTIVATOR" -dir "$LOGS" -out "$TRACES" ${EVENTS_VERBOSE:+-v} -- "${three[@]}" -- "${KIT[@]}"
}

events_otlp() {
  build_tool collector collector
  need_free "$COLLECTOR"
  spawn collector "$BIN/collector" -listen "127.0.0.1:$COLLECTOR"
  await collector 'Everything is ready' 30 || return 1
  alone DUBBOFN_TRACING="otlp://127.0.0.1:$COLLECTOR" || return 1
  "$BIN/events" otlp -url "http://127.0.0.1:$FUNCTION_HTTP/" -collector "127.0.0.1:$COLLECTOR" -spans "$LOGS/collector.log" ${EVENTS_VERBOSE:+-v}
}

events_flush() {
  rm -rf "$EVENTS_RUN"; mkdir -p "$EVENTS_RUN"
  build_go events events/function
  need_free "$SPARE" $((SPARE + 1)) $((SPARE + 2))
  "$BIN/events" flush -function "$BIN/function" -dir "$EVENTS_RUN" -port "$SPARE" -calls 5000 || return 1
  E2E_QUIET=yes oap_start
  "$BIN/events" sent -function "$BIN/function" -dir "$EVENTS_RUN" -port "$SPARE" -calls 2000 -oap "127.0.0.1:$OAP_PORT" -collector "127.0.0.1:$OAP_GRPC"
}

events_outage() {
  rm -rf "$EVENTS_RUN"; mkdir -p "$EVENTS_RUN"
  build_go events events/function
  need_free "$SPARE" $((SPARE + 1)) $((SPARE + 2))
  "$BIN/events" outage -function "$BIN/function" -dir "$EVENTS_RUN" -port "$SPARE" -calls "${EVENTS_CALLS:-20000}"
}
