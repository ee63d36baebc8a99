#!/usr/bin/env bash
# demo.sh   two functions that run only while they are called: zero → call → wake → warm call → zero → a second wake, each drawn as it
# went. `make demo` builds what it needs. It exits with 1 when anything is not as told.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold="" dim="" plain=""; fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
tell() { printf '  %s\n' "$@"; }
fail() { printf '\nthe demo failed: %s\n' "$1" >&2; [ ! -s "$dir/log" ] || sed 's/^/  run: /' "$dir/log" >&2; exit 1; }

dir="$(mktemp -d)"
pid=""
finish() { [ -z "$pid" ] || { kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; } || true; rm -rf "$dir"; }
trap finish EXIT

# A registry of this run's own, any free ports, loopback only. PATH is set so that the commands read as you would type them.
mkdir -m 700 "$dir/registry"
export DUBBOFN_REGISTRY="embedded://$dir/registry" PATH="$PWD/build:$PATH"
# A function waits 5 ms for its keeper; a busy machine may take longer, and this is to be seen.
export DUBBOFN_KEEPER_WAIT=2s
# called COMMAND…   shows a command and what it prints; its output is in $answer, its exit code in $code, its time in $took (ms)
called() {
  printf '  $'; printf ' %s' "${@@Q}" | sed -E "s/'([A-Za-z0-9._\/-]+)'/\1/g"; printf '\n'
  local begin="${EPOCHREALTIME/[.,]/}"
  code=0; answer="$("$@" 2>&1)" || code=$?
  took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
  sed "s/^/    $dim/; s/\$/$plain/" <<<"$answer"
}
# until_log COUNT REGEX   until so many lines of what `dubbofn run` tells match
until_log() {
  for _ in $(seq 200); do
    [ "$(grep -cE "$2" "$dir/log")" -lt "$1" ] || return 0
    kill -0 "$pid" 2>/dev/null || { pid=""; fail "dubbofn run ended"; }
    sleep 0.1
  done
  fail "within 20 s no line number $1 that matches $2"
}
# asleep COUNT   until both functions have gone to sleep so often, and nothing runs
asleep() {
  until_log "$1" 'greet is asleep'; until_log "$1" 'board is asleep'
  for _ in $(seq 100); do pgrep -P "$pid" >/dev/null || return 0; sleep 0.1; done
  fail "processes still run: $(pgrep -lP "$pid")"
}
# drawn APP   the last cold start, as a waterfall
drawn() {
  called dubbofn ledger "$1" --width 40
  [ "$code" = 0 ] && grep -q '^process ' <<<"$answer" && grep -q '^reply ' <<<"$answer" || fail "the ledger of $1 was not drawn"
}
# given COUNT   so many connections must have been given to functions by the keeper
given() {
  local n keeper; keeper="$(sed -nE "s/^  metrics .*keeper's http:..([^\/]+).*/\1/p" "$dir/log")"
  exec 3<>"/dev/tcp/${keeper%:*}/${keeper#*:}" || fail "no keeper answers at $keeper"
  printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
  n="$(sed -nE 's/^dubbofn_keeper_lent_total ([0-9]+).*/\1/p' <&3)"; exec 3<&-
  [ "$n" = "$1" ] || fail "the keeper has given away $n connections, want $1"
}
# woken COUNT   how often each function must have been started by now
woken() {
  local f n; for f in greet board; do
    n="$(grep -c "$f is awake" "$dir/log")"
    [ "$n" = "$1" ] || fail "$f was started $n times, want $1"
  done
}

step "1. Two Go functions, and no process"
dubbofn run --idle 2s --port 0 --admin-port 0 examples/functions/greet examples/functions/board >"$dir/log" 2>&1 &
pid=$!
until_log 1 '^  end '
sed -nE 's/^(○ .*)/  \1/p' "$dir/log"
tell "board calls greet. Consumers find both in the registry, at the activator: $(sed -nE 's/^  consumers   ([^,]+),.*/\1/p' "$dir/log")"
export DUBBOFN_ADMIN; DUBBOFN_ADMIN="$(sed -nE 's/^  see wakes .*--admin //p' "$dir/log")"
pgrep -x -P "$pid" "greet|board" >/dev/null && fail "a function runs already"
tell "Processes of functions: none."

step "2. A call wakes both: zero to an answer"
called dubbofn call org.example.BoardService welcome '["Ada","Grace"]' fr
[ "$code" = 0 ] && grep -q '"Bonjour, Grace!"' <<<"$answer" || fail "welcome gave $answer (exit code $code)"
woken 1
given 0
tell "What the wake was made of (ms; negative: before there was a process):"
drawn board

step "3. Awake, a call is only a call"
called dubbofn call org.example.GreetService hello Ada
[ "$code $answer" = '0 "Hello, Ada!"' ] || fail "hello gave $answer (exit code $code)"
called dubbofn call org.example.GreetService greet '{"name":"Ada","language":"tlh"}'
[ "$code" = 1 ] && grep -q 'java.lang.RuntimeException' <<<"$answer" || fail "greet gave $answer (exit code $code)"
tell "An error in Go is an exception in Java: exit code 1. There are others for timeouts, refusals and lost connections."
woken 1

step "4. Two seconds without a call: zero again"
asleep 1
tell "Processes of functions: none. Consumers' connections to the activator stay, and board's to greet."

step "5. The second wake begins with warm connections"
called dubbofn call org.example.BoardService welcome '["Ada","Grace"]' es
[ "$code" = 0 ] && grep -q '"Hola, Grace!"' <<<"$answer" || fail "welcome gave $answer (exit code $code)"
woken 2
given 1
tell "While board slept, a keeper held its connection, and what the registry says: board got both when it started (keeper)."
drawn board
grep -q '^keeper ' <<<"$answer" || fail "the ledger tells of no keeper"

step "6. The end: calls are finished, consumers are sent elsewhere"
kill -TERM "$pid"
wait "$pid" || fail "dubbofn run ended with exit code $?"
pid=""
called dubbofn call org.example.GreetService hello Ada
[ "$code" = 3 ] || fail "after the end, hello gave $answer (exit code $code)"
tell "Exit code 3: nobody offers it any more."

step "Go on"
tell "the functions' sources     examples/functions/greet/main.go, examples/functions/board/main.go" \
  "write your own             docs/getting-started.md" \
  "let Java find it in Nacos  docs/nacos.md"
