#!/usr/bin/env bash
# quickstart.sh   does what docs/getting-started.md tells its readers to do, in an empty folder, and compares what comes out with what the page says.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
source "$E2E/lib/go.sh"

PORT="${E2E_PORT:-20880}"
build_command
build_go quickstart
dir="$(mktemp -d)"
trap 'rm -rf "$dir"' EXIT
export PATH="$BIN:$PATH" DUBBOFN_REGISTRY="embedded://$dir/registry" DUBBOFN_PORT="$PORT" DUBBOFN_ADMIN_PORT="$((PORT + 1))" DUBBOFN_ADMIN="127.0.0.1:$((PORT + 1))" NO_COLOR=1
need_free "$PORT"; need_free "$((PORT + 1))"
mkdir "$dir/work"
"$BIN/quickstart" -dir "$dir/work" "$E2E/../docs/getting-started.md"
