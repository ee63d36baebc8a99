# The cells of the interop matrix: which provider a cell needs, how its consumer is started, how many cases must pass. Needs proc.sh,
# java.sh, nacos.sh, zookeeper.sh and go.sh.

BASE="${E2E_PORT:-28880}" # providers listen on BASE to BASE+7, Java 2.7's metadata service on BASE+100 …
ROWS_JAVA=95 ROWS_GO=96   # cases of the kit's Rows; Dubbo Java tells a method no deadline
CONSUMERS=() MODES=() TRANSPORTS=() REGISTRIES=()
REGISTRY=nacos REGISTRY_URL="$NACOS_URL"
FAILED=0
TABLE=""

one_of() { local v="$1" x; shift; for x in "$@"; do [ "$x" = "$v" ] && return 0; done; return 1; }
# wanted CONSUMER MODE [TRANSPORT]
wanted() { one_of "$1" "${CONSUMERS[@]}" && one_of "$2" "${MODES[@]}" && { [ -z "${3:-}" ] || one_of "$3" "${TRANSPORTS[@]}"; }; }
line_name() { case "$1" in 3) echo "Java 3.3.6" ;; 27) echo "Java 2.7.23" ;; esac; }

# cases CONSUMER MODE TAGGED   how many cases the kit has there
cases() {
  if [ "$3" = tagged ]; then echo 112
  elif [ "$1 $2" = "27 direct" ]; then echo 107
  else echo 109; fi
}

# consumer_mode MODE   the kit's name for it
consumer_mode() { case "$1" in app | local) echo app ;; *) echo "$1" ;; esac; }

# cell_start NAME CONSUMER MODE PORT TAGGED OPTIONS…   the kit's 109 cases in the background
cell_start() {
  local name="$1" line="$2" mode="$3" port="$4" tagged="$5"; shift 5
  local options=(--mode "$(consumer_mode "$mode")" --registry "$REGISTRY_URL" --direct "127.0.0.1:$port" "$@")
  [ "$tagged" = tagged ] && options+=(--tagged)
  kit "$name" "$line" Consumer "${options[@]}"
}

# cell_end NAME TITLE EXPECTED   waits for it, prints its line and its failed cases, notes it for the table
cell_end() {
  local name="$1" title="$2" expected="$3" last passed failed verdict=ok
  ended "$name" 300
  last="$(tail -n 1 "$LOGS/$name.log")"
  case "$last" in *" passed, "*" failed") ;; *) last="0 passed, 1 failed"; tail -n 5 "$LOGS/$name.err" ;; esac
  passed="${last%% passed*}"; failed="${last#*passed, }"; failed="${failed%% failed*}"
  printf '%-52s %s\n' "$title:" "$last"
  grep -E '^CASE [^ ]+ FAIL ' "$LOGS/$name.log" | cut -c1-400
  if [ "$failed" != 0 ]; then verdict=FAILED
  elif [ "$passed" != "$expected" ]; then verdict="FAILED: want $expected passed"; note "  $title: $passed cases passed, want $expected"; fi
  [ "$verdict" = ok ] || FAILED=$((FAILED + 1))
  TABLE+="$(printf '%-52s %3s/%s %s' "$title" "$passed" "$expected" "$verdict")"$'\n'
}

# rows NAME TITLE CONSUMER MODE PORT EXPECTED OPTIONS…   the rows of docs/types.md, and the rules for errors
rows() {
  local name="$1" title="$2" line="$3" mode="$4" port="$5" expected="$6"; shift 6
  kit "$name" "$line" Rows --mode "$(consumer_mode "$mode")" --registry "$REGISTRY_URL" --direct "127.0.0.1:$port" "$@"
  cell_end "$name" "$title" "$expected"
}

summary() {
  note ""; note "cell                                                 passed/cases"
  printf '%s' "$TABLE"
  note ""
  [ "$FAILED" = 0 ] && note "every cell passed" || note "$FAILED cells FAILED"
  [ "$FAILED" = 0 ]
}

# registry_start nacos|zookeeper OPTIONS…   a fresh server of that kind, which all that follows is found in
registry_start() {
  REGISTRY="$1"; shift
  case "$REGISTRY" in
    nacos) REGISTRY_URL="$NACOS_URL"; nacos_start "$@" ;;
    zookeeper) REGISTRY_URL="$ZOOKEEPER_URL"; zookeeper_start ;;
    *) die "registry $REGISTRY: want nacos or zookeeper" ;;
  esac
}
registry_stop() { halt "$REGISTRY"; }

# java_up NAME LINE PORT OPTIONS…   a Java provider, with all that consumers look for written down. On a busy machine Nacos's embedded database
# may refuse a write, and Curator gives up on ZooKeeper; Dubbo Java does not try again: such a provider is started anew.
java_up() {
  local name="$1" line="$2" port="$3" try; shift 3
  for try in 1 2 3; do
    kit "$name" "$line" Provider --registry "$REGISTRY_URL" --app "java$line-provider" --name "$name" --port "$port" --metadata-port $((port + 100)) "$@"
    if ! await "$name" '^PROVIDER-READY' 90; then note "$name did not start, try $try of 3" >&2
    elif [ "$REGISTRY" != nacos ] || java_written "$line" --app "java$line-provider" "$@"; then return 0
    else note "$name: Nacos lacks something that it wrote, try $try of 3" >&2; fi
    halt "$name"
  done
  return 1
}

# java_written LINE OPTIONS…   whether Nacos has the mappings, and the metadata where that is remote, of a provider with these options
java_written() {
  local line="$1" app="" level=instance metadata="" services=(TypesService RowsService TokenService) s; shift
  while [ $# -gt 0 ]; do
    case "$1" in
      --app) app="$2" ;;
      --register-mode) level="$2" ;;
      --metadata-type) metadata="$2" ;;
      --ping) services=(PingService) ;;
    esac
    shift
  done
  [ "$level" != interface ] || return 0
  for s in "${services[@]}"; do
    s="org.fixture.dubbo.$s"
    case "$line" in
      3) nacos_config "dataId=$s&group=mapping" "$app" || return 1 ;;
      27) nacos_config "dataId=$app&group=mapping-$s" || return 1 ;;
    esac
  done
  [ "$metadata" != remote ] || nacos_config "search=blur&dataId=$app&group=*&pageNo=1&pageSize=100" '"group":"[0-9A-Fa-f]{32}"'
}
