#!/usr/bin/env bash
# images.sh   makes a release twice, here and from a copy of the sources in another folder, and wants the same sums; then looks at what is in it.
set -euo pipefail
cd "$(dirname "$0")/.."
die() { echo "images: $*" >&2; exit 1; }
tmp="$(mktemp -d)"
trap 'rm -rf "$tmp"' EXIT
export VERSION=v0.0.0-test SOURCE_DATE_EPOCH=1700000000

.ci/release.sh "$tmp/here"
mkdir -p "$tmp/sources/elsewhere"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done | tar --null -cf - -T - | tar -xf - -C "$tmp/sources/elsewhere"
"$tmp/sources/elsewhere/.ci/release.sh" "$tmp/there"
diff "$tmp/here/SHA256SUMS" "$tmp/there/SHA256SUMS" || die "the two releases differ"

(cd "$tmp/here" && if command -v sha256sum >/dev/null; then sha256sum --quiet -c SHA256SUMS; else shasum -a 256 -c SHA256SUMS >/dev/null; fi)
for f in dubbofn-{linux,darwin}-{amd64,arm64}; do
  [ -x "$tmp/here/$f" ] || die "$f is missing"
  grep -q '"spdxVersion": "SPDX-2.3"' "$tmp/here/$f.spdx.json" || die "$f has no list of modules"
done
GOBIN="$tmp/bin" go install ./cmd/dubbofn
"$tmp/bin/dubbofn" version
echo "a release twice: $(wc -l <"$tmp/here/SHA256SUMS" | tr -d ' ') files, the same sums"
