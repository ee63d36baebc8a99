#!/usr/bin/env bash
# release.sh [FOLDER]   what a release consists of, into FOLDER (build/release): the command dubbofn for linux and darwin on amd64 and arm64, its image
# (activator and keeper) as an OCI layout, the list of modules of each (SPDX), and SHA256SUMS. The version is VERSION, else the last tag. The same
# commit, Go and certificates of this machine give the same bytes, wherever the sources are.
set -euo pipefail
cd "$(dirname "$0")/.."
die() { echo "release: $*" >&2; exit 1; }

# version   semantic, with a v, as Go modules have it (https://semver.org)
version() {
  local v="${VERSION:-}" number='(0|[1-9][0-9]*)'
  [ -n "$v" ] || v="$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null)" ||
    die "there is no tag to tell the version by; git tag v1.2.3, or VERSION=v1.2.3 make release"
  [[ "$v" =~ ^v$number\.$number\.$number(-[0-9A-Za-z.-]+)?$ ]] || die "version \"$v\" is no semantic one; want v1.2.3 or v1.2.3-rc.1"
  echo "$v"
}

# sums FILE…   as sha256sum writes them
sums() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

VERSION="$(version)"
OUT="${1:-build/release}"
FLAGS="-X main.version=$VERSION"
# when the commit was made, so that the time of the build is not in it
[ -n "${SOURCE_DATE_EPOCH:-}" ] || SOURCE_DATE_EPOCH="$(git log -1 --format=%ct 2>/dev/null || echo 0)"
export SOURCE_DATE_EPOCH CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0
rm -rf "$OUT"; mkdir -p "$OUT"

for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do
  file="dubbofn-${platform/\//-}"
  echo "$file"
  GOOS="${platform%/*}" GOARCH="${platform#*/}" go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= $FLAGS" -o "$OUT/$file" ./cmd/dubbofn
done

own="$OUT/dubbofn-$(go env GOHOSTOS)-$(go env GOHOSTARCH)"
[ -x "$own" ] || { own="build/dubbofn"; go build -o "$own" ./cmd/dubbofn; } # this machine is none of the platforms
for program in "$OUT"/dubbofn-*; do
  "$own" sbom "$program" --name "${program##*/}" >"$program.spdx.json"
done
"$own" build ./cmd/dubbofn --layout "$OUT/image" --sbom "$OUT/image.spdx.json" --tag "$VERSION" --no-manifest --ldflags "$FLAGS" \
  --label "org.opencontainers.image.version=$VERSION" --label org.opencontainers.image.licenses=Apache-2.0

told="$("$own" version)"
case "$own" in "$OUT"/*) [ "$(echo "$told" | cut -d' ' -f2)" = "$VERSION" ] || die "the program says it is \"$told\", not $VERSION";; esac
(cd "$OUT" && find . -type f ! -name "SHA256SUMS*" | sed 's|^\./||' | LC_ALL=C sort | while read -r f; do sums "$f"; done >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS)
echo "$VERSION in $OUT: $(wc -l <"$OUT/SHA256SUMS") files, $(du -sh "$OUT" | cut -f1)"
