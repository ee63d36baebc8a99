#!/usr/bin/env bash
# demo.sh   starts examples/functions/greet on the embedded registry, calls it, tells what happened, and ends it.
# `make demo` builds what it needs. It exits with 1 when anything is not as told.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold="" dim="" plain=""; fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
tell() { printf '  %s\n' "$@"; }
fail() { printf '\nthe demo failed: %s\n' "$1" >&2; [ ! -s "$dir/log" ] || sed 's/^/  greet: /' "$dir/log" >&2; exit 1; }

dir="$(mktemp -d)"
pid=""
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$dir"; }
trap finish EXIT

# A registry of this run's own, any free ports, loopback only. PATH is set so that the commands read as you would type them.
mkdir -m 700 "$dir/registry"
export DUBBOFN_REGISTRY="embedded://$dir/registry" PATH="$PWD/build:$PATH"
# called COMMAND…   shows a command and what it prints; its output is in $answer, its exit code in $code
called() {
  printf '  $'; printf ' %s' "${@@Q}" | sed -E "s/'([A-Za-z0-9._\/-]+)'/\1/g"; printf '\n'
  code=0; answer="$("$@" 2>&1)" || code=$?
  sed "s/^/    $dim/; s/\$/$plain/" <<<"$answer"
}

step "1. A Go function starts, and is a Dubbo provider"
DUBBOFN_BIND=127.0.0.1 DUBBOFN_PORT=0 PORT=0 build/greet 2>"$dir/log" &
pid=$!
for _ in $(seq 100); do
  grep -q 'msg=serving' "$dir/log" && break
  kill -0 "$pid" 2>/dev/null || { pid=""; fail "greet ended"; }
  sleep 0.1
done
line="$(grep 'msg=serving' "$dir/log")" || fail "greet was not ready within 10 s"
value() { sed -E "s/.* $1=([^ ]+).*/\1/" <<<"$line"; }
tell "examples/functions/greet offers org.example.GreetService with two methods, each a plain Go function." \
  "Dubbo TCP: $(value dubbo)   HTTP: $(value http)" \
  "Registered in the embedded registry: a directory, no server." \
  "Revision: $(value revision), a hash of what it offers, the same on every machine."

step "2. A consumer finds it in the registry and calls it"
called dubbofn call org.example.GreetService hello Ada
[ "$code $answer" = '0 "Hello, Ada!"' ] || fail "hello gave $answer (exit code $code)"
called dubbofn call org.example.GreetService greet '{"name":"Ada","language":"fr"}'
[ "$code" = 0 ] && grep -q '"message": "Bonjour, Ada!"' <<<"$answer" || fail "greet gave $answer (exit code $code)"
tell "A Java consumer with @DubboReference gets an org.example.GreetReply."

step "3. An error in Go is an exception in Java"
called dubbofn call org.example.GreetService greet '{"name":"Ada","language":"tlh"}'
[ "$code" = 1 ] && grep -q 'java.lang.RuntimeException' <<<"$answer" || fail "greet gave $answer (exit code $code)"
tell "Exit code 1 says that the method ran and threw; there are others for timeouts, refusals and lost connections."

step "4. SIGTERM: it leaves the registry, finishes its calls and ends"
kill -TERM "$pid"
wait "$pid" || fail "greet ended with exit code $?"
pid=""
tell "$(sed -nE 's/.*msg=drained took=([^ ]+).*/Drained in \1./p' "$dir/log")"
called dubbofn call org.example.GreetService hello Ada
[ "$code" = 3 ] || fail "after the end, hello gave $answer (exit code $code)"

step "Go on"
tell "the function's source      examples/functions/greet/main.go" \
  "write your own             docs/getting-started.md" \
  "let Java find it in Nacos  docs/nacos.md"
