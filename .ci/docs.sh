#!/usr/bin/env bash
# docs.sh [--check]   writes the pages of reference that are made from the sources; with --check, tells which of them are out of date.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/docs
go run ./internal/docgen configuration >build/docs/configuration.md
go run ./internal/docgen errors invoker >build/docs/errors.md
env -u DUBBOFN_ADMIN go run ./cmd/dubbofn manual >build/docs/cli.md
stale=0
for page in configuration errors cli; do
  if [ "${1:-}" != --check ]; then
    mv "build/docs/$page.md" "docs/$page.md"
  elif ! diff "build/docs/$page.md" "docs/$page.md"; then
    echo "docs/$page.md is out of date: make docs" >&2
    stale=1
  fi
done
exit $stale
