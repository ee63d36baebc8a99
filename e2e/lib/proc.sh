# Processes of a test: started in the background, awaited by a line of their output, ended by their pid.
# Source it from a script; whatever was started ends with the script, also after an error or an interrupt.
# Everything a run writes goes under $E2E_RUN (default e2e/run).

E2E="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
E2E_RUN="${E2E_RUN:-$E2E/run}"
LOGS="$E2E_RUN/logs"
mkdir -p "$LOGS"

declare -A PID=()

note() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# spawn NAME COMMAND…   output goes to $LOGS/NAME.log and NAME.err
spawn() {
  local name="$1"; shift
  "$@" >"$LOGS/$name.log" 2>"$LOGS/$name.err" </dev/null &
  PID[$name]=$!
}

running() { [ -n "${PID[$1]:-}" ] && kill -0 "${PID[$1]}" 2>/dev/null; }

# await NAME REGEX [SECONDS]   until the process has printed a line that matches
await() {
  local name="$1" regex="$2" end=$((SECONDS + ${3:-60}))
  until grep -qsE "$regex" "$LOGS/$name.log" "$LOGS/$name.err"; do
    running "$name" || { tail -n 20 "$LOGS/$name.err" >&2; note "$name ended before it printed $regex" >&2; return 1; }
    [ "$SECONDS" -lt "$end" ] || { note "$name did not print $regex within ${3:-60} s" >&2; return 1; }
    sleep 0.1
  done
}

# await_line NAME COUNT REGEX [SECONDS]   until COUNT lines match
await_line() {
  local name="$1" count="$2" regex="$3" end=$((SECONDS + ${4:-60})) have
  while have="$(grep -csE "$regex" "$LOGS/$name.log")"; [ "${have:-0}" -lt "$count" ]; do
    running "$name" || { tail -n 20 "$LOGS/$name.err" >&2; return 1; }
    [ "$SECONDS" -lt "$end" ] || { note "$name: ${have:-0} of $count lines $regex within ${4:-60} s" >&2; return 1; }
    sleep 0.1
  done
}

# halt NAME…   SIGTERM, up to 15 s of patience, SIGKILL
halt() {
  local name pid i
  for name in "$@"; do
    pid="${PID[$name]:-}"; [ -n "$pid" ] || continue
    kill "$pid" 2>/dev/null
    for ((i = 0; i < 150; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    unset "PID[$name]"
  done
  return 0
}

# crash NAME   SIGKILL at once
crash() {
  local pid="${PID[$1]:-}"; [ -n "$pid" ] || return 0
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  unset "PID[$1]"
  return 0
}

# ended NAME SECONDS   waits for a process to end by itself; its exit code
ended() {
  local name="$1" end=$((SECONDS + $2)) rc
  while running "$name"; do
    [ "$SECONDS" -lt "$end" ] || { note "$name still ran after $2 s" >&2; halt "$name"; return 124; }
    sleep 0.1
  done
  wait "${PID[$name]}"; rc=$?
  unset "PID[$name]"
  return "$rc"
}

halt_all() { local name; for name in "${!PID[@]}"; do kill "${PID[$name]}" 2>/dev/null; done; halt "${!PID[@]}"; }
trap halt_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# listening PORT
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port PORT…   refuses to run beside something else
need_free() { local p; for p in "$@"; do if listening "$p"; then die "port $p is in use; see the variables E2E_*_PORT in e2e/README.md"; fi; done; }

# http_get PORT PATH   the whole answer, status line first
http_get() {
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
  timeout 3 cat <&3; exec 3<&- 3>&-
}

# in_folder FOLDER COMMAND…
in_folder() { cd "$1" && shift && exec "$@"; }
