# A Redis server on loopback, of redis-server on the PATH or else the one in redis/target/bin. Needs proc.sh and java.sh. E2E_REDIS_PORT: default 16379.

REDIS_PORT="${E2E_REDIS_PORT:-16379}"

# redis_program   sets REDIS to a redis-server that runs here
redis_program() {
  REDIS="$(command -v redis-server || true)"
  [ -z "$REDIS" ] || return 0
  build_java redis
  local f arch=amd64 os; os="$(uname -s | tr '[:upper:]' '[:lower:]')"
  case "$(uname -m)" in aarch64 | arm64) arch=arm64 ;; i?86) arch=386 ;; esac
  for f in "$E2E"/redis/target/bin/redis-server-*-"$os"-"$arch"; do [ -f "$f" ] && REDIS="$f"; done
  [ -n "$REDIS" ] || die "no redis-server for $os on $arch: install one"
  chmod +x "$REDIS"
  "$REDIS" --version >/dev/null 2>&1 || die "$REDIS does not run here (it wants OpenSSL 3): install redis-server"
}

redis_start() {
  redis_program
  need_free "$REDIS_PORT"
  spawn redis "$REDIS" --bind 127.0.0.1 --port "$REDIS_PORT" --save '' --appendonly no
  local end=$((SECONDS + 20))
  until listening "$REDIS_PORT"; do
    running redis || die "redis died; see $LOGS/redis.log"
    [ "$SECONDS" -lt "$end" ] || die "redis is not ready after 20 s"
    sleep 0.1
  done
  [ -n "${E2E_QUIET:-}" ] || note "redis is ready on port $REDIS_PORT"
}

redis_stop() { halt redis; }
