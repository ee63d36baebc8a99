#!/usr/bin/env bash
# Builds the harness and runs it in place of this shell, so that signals reach it. Flags: see run.sh -help and README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
go build -o out/bin/bench ./cmd/bench
exec out/bin/bench "$@"
