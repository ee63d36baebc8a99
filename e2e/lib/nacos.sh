# A Nacos server on loopback. Needs proc.sh and java.sh.
# E2E_NACOS_PORT: HTTP; Nacos adds 1000 for clients' gRPC, 1001 for gRPC between servers, and takes 1000 off for Raft.

NACOS_PORT="${E2E_NACOS_PORT:-18848}"
NACOS_URL="nacos://127.0.0.1:$NACOS_PORT"
NACOS_DATA="$E2E_RUN/nacos-$NACOS_PORT"

# nacos_start [--keep] [--auth] [--long-metadata]   a fresh server unless --keep; --auth wants user and password "nacos";
# --long-metadata lifts the limit of 1024 characters on an instance's metadata, which a Java 2.7 provider at interface level exceeds.
nacos_start() {
  local keep="" auth=false check=true a
  for a in "$@"; do case "$a" in --keep) keep=yes ;; --auth) auth=true ;; --long-metadata) check=false ;; *) die "nacos_start: $a?" ;; esac; done
  build_java nacos
  need_free "$NACOS_PORT" $((NACOS_PORT + 1000)) $((NACOS_PORT + 1001)) $((NACOS_PORT - 1000))
  local try; for try in 1 2 3 4 5; do # on a busy machine the embedded database may miss its own start-up limit of 10 s
    [ -n "$keep" ] || rm -rf "$NACOS_DATA"
    nacos_launch "$auth" "$check" && return 0
    halt nacos; note "nacos: start $try of 5 failed" >&2
  done
  die "nacos did not start; see $LOGS/nacos.log"
}

nacos_launch() {
  local auth="$1" check="$2" lib="$E2E/nacos/target/lib" start=$SECONDS
  mkdir -p "$NACOS_DATA/conf" "$NACOS_DATA/logs"
  cp "$E2E/nacos/application.properties" "$NACOS_DATA/conf/"
  # of two libraries that hold the same Hessian classes, Nacos needs the first on its class path
  spawn nacos in_folder "$NACOS_DATA" java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xms512m -Xmx512m -Djava.awt.headless=true \
    --add-opens java.base/java.lang=ALL-UNNAMED --add-opens java.base/java.io=ALL-UNNAMED \
    --add-opens java.base/java.util=ALL-UNNAMED --add-opens java.base/sun.net.util=ALL-UNNAMED \
    -Dnacos.standalone=true -Dnacos.home="$NACOS_DATA" -Dnacos.server.ip=127.0.0.1 -Duser.home="$NACOS_DATA" \
    -Dserver.port="$NACOS_PORT" -Dserver.tomcat.basedir="file:$NACOS_DATA" -Dspring.config.additional-location="file:$NACOS_DATA/conf/" \
    -Dnacos.core.auth.enabled="$auth" -Dnacos.core.param.check.enabled="$check" -Dderby.stream.error.file="$NACOS_DATA/logs/derby.log" \
    -cp "$E2E/nacos/target/classes:$lib/hessian-4.0.63.jar:$lib/*" org.dubbofn.nacos.Standalone
  while [ $((SECONDS - start)) -lt 120 ]; do
    running nacos || return 1
    if nacos_usable "$auth"; then
      [ -n "${E2E_QUIET:-}" ] || note "nacos is ready on port $NACOS_PORT after $((SECONDS - start)) s"
      return 0
    fi
    sleep 0.2
  done
  return 1
}

# nacos_usable AUTH   both ports answer; with auth, also a login does: users are cached some seconds after the ports open
nacos_usable() {
  listening $((NACOS_PORT + 1000)) || return 1
  http_get "$NACOS_PORT" /nacos/v1/console/health/readiness 2>/dev/null | grep -q '^HTTP/1.1 200' || return 1
  [ "$1" = true ] || return 0
  local token; token="$(nacos_login)"
  [ -n "$token" ] && http_get "$NACOS_PORT" "/nacos/v1/ns/service/list?pageNo=1&pageSize=1&accessToken=$token" 2>/dev/null | grep -q '^HTTP/1.1 200'
}

nacos_login() {
  local body='username=nacos&password=nacos'
  exec 3<>"/dev/tcp/127.0.0.1/$NACOS_PORT" || return 1
  printf 'POST /nacos/v1/auth/login HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" >&3
  timeout 3 cat <&3 | sed -n 's/.*"accessToken":"\([^"]*\)".*/\1/p'; exec 3<&- 3>&-
}

# nacos_config QUERY [REGEX]   waits up to 5 s until a config is there, with a line that matches
nacos_config() {
  local answer i
  for ((i = 0; i < 25; i++)); do
    answer="$(http_get "$NACOS_PORT" "/nacos/v1/cs/configs?$1" 2>/dev/null)"
    grep -q '^HTTP/1.1 200' <<<"$answer" && grep -qE "${2:-.}" <<<"${answer#*$'\r\n\r\n'}" && return 0
    sleep 0.2
  done
  return 1
}

nacos_stop() { halt nacos; }
# nacos_kill   as a crash would end it
nacos_kill() { crash nacos; }
