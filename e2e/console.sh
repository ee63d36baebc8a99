#!/usr/bin/env bash
# console.sh   a real browser looks at the console of a live `dubbofn run`: pictures at three widths in both themes, no error in the browser, every
# control reached by the keyboard alone and a method called by it, the contrast of every text by its computed colours. Needs Go and Chromium.
#   E2E_CHROMIUM=/path/to/chromium E2E_CONSOLE_PORT=28870 e2e/console.sh [--keep]     --keep: the pictures of the documents are renewed
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib/proc.sh
source e2e/lib/go.sh

keep=""
[ "${1:-}" != --keep ] || keep=yes
browser="${E2E_CHROMIUM:-}"
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  [ -n "$browser" ] || browser="$(command -v "$name" || true)"
done
[ -x "$browser" ] || die "console.sh needs Chromium: apt-get install chromium (or your system's package), or E2E_CHROMIUM=/path/to/it"
port="${E2E_CONSOLE_PORT:-28870}"
need_free "$port" "$((port + 1))"

build_command
build_go shopper
(cd e2e/console && go build -o "$BIN/console" .)
registry="$(mktemp -d)"
trap 'halt_all || true; rm -rf "$registry"' EXIT
export DUBBOFN_REGISTRY="embedded://$registry" DUBBOFN_CONSOLE=call DUBBOFN_CONSOLE_TOKEN="a token for the pictures"
spawn functions "$BIN/dubbofn" run --idle 4s --port "$port" --admin-port "$((port + 1))" examples/functions/greet examples/functions/board examples/functions/aggregator
await functions '^  end ' 180
spawn shopper "$BIN/shopper"
note "two consumers call for a while …"
sleep "${E2E_CONSOLE_SECONDS:-100}"
shots="$E2E_RUN/console"
mkdir -p "$shots"
"$BIN/console" -admin "127.0.0.1:$((port + 1))" -token "${DUBBOFN_CONSOLE_TOKEN// /%20}" -browser "$browser" -o "$shots"
note "pictures in $shots"
if [ -n "$keep" ]; then
  cp "$shots"/console-functions-light-1440.png "$shots"/console-functions-dark-1440.png "$shots"/console-starts-dark-1440.png "$shots"/console-topology-light-1440.png \
    "$shots"/console-call-light-800.png "$shots"/console-functions-dark-360.png docs/img/
  note "six of them in docs/img"
fi
