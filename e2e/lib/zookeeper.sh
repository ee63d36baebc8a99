# A ZooKeeper server on loopback. Needs proc.sh and java.sh. E2E_ZOOKEEPER_PORT: default 12181.

ZOOKEEPER_PORT="${E2E_ZOOKEEPER_PORT:-12181}"
ZOOKEEPER_URL="zookeeper://127.0.0.1:$ZOOKEEPER_PORT"
ZOOKEEPER_DATA="$E2E_RUN/zookeeper-$ZOOKEEPER_PORT"

# zookeeper_start [--keep]
zookeeper_start() {
  build_java zookeeper
  need_free "$ZOOKEEPER_PORT"
  [ "${1:-}" = --keep ] || rm -rf "$ZOOKEEPER_DATA"
  mkdir -p "$ZOOKEEPER_DATA"
  cat >"$ZOOKEEPER_DATA/zoo.cfg" <<EOF
tickTime=1000
dataDir=$ZOOKEEPER_DATA
clientPort=$ZOOKEEPER_PORT
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=ruok
maxClientCnxns=0
EOF
  spawn zookeeper java -Xmx256m -cp "$E2E/zookeeper/target/lib/*" org.apache.zookeeper.server.quorum.QuorumPeerMain "$ZOOKEEPER_DATA/zoo.cfg"
  local end=$((SECONDS + 30))
  until [ "$(zookeeper_ask ruok)" = imok ]; do
    running zookeeper || die "zookeeper died; see $LOGS/zookeeper.err"
    [ "$SECONDS" -lt "$end" ] || die "zookeeper is not ready after 30 s"
    sleep 0.1
  done
  [ -n "${E2E_QUIET:-}" ] || note "zookeeper is ready on port $ZOOKEEPER_PORT"
}

zookeeper_ask() { { exec 3<>"/dev/tcp/127.0.0.1/$ZOOKEEPER_PORT" && printf '%s' "$1" >&3 && timeout 2 cat <&3; exec 3<&- 3>&-; } 2>/dev/null; }
zookeeper_stop() { halt zookeeper; }
