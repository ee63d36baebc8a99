#!/usr/bin/env bash
# image.sh NAME BINARY [FOLDER]   makes the image dev.local/NAME:lab of one static program, without Docker: an archive with one layer, in
# $LAB_IMAGES, and in containerd too when the lab is up. FOLDER: more files, laid out from /. IMAGE_USER: numeric, default 65532:65532.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
name="$1" binary="$2" more="${3:-}"
work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/app" "$work/root/tmp" "$work/root/etc" "$LAB_IMAGES"
chmod 1777 "$work/root/tmp"
[ -z "$more" ] || cp -a "$more/." "$work/root/"
cp "$binary" "$work/root/app/$name"; chmod 755 "$work/root/app/$name"
printf 'root:x:0:0:root:/:/nologin\nnonroot:x:65532:65532:nonroot:/:/nologin\n' >"$work/root/etc/passwd"
tar -C "$work/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/layer.tar" .
layer="$(sha256sum "$work/layer.tar" | cut -d' ' -f1)"
cat >"$work/config.json" <<JSON
{"architecture":"$(go env GOARCH)","os":"linux","created":"1970-01-01T00:00:00Z",
 "config":{"User":"${IMAGE_USER:-65532:65532}","Entrypoint":["/app/$name"],"Env":["PATH=/app","HOME=/tmp"],"WorkingDir":"/"},
 "rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created":"1970-01-01T00:00:00Z"}]}
JSON
echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"dev.local/$name:lab\"],\"Layers\":[\"layer.tar\"]}]" >"$work/manifest.json"
tar -C "$work" -cf "$LAB_IMAGES/$name.tar.new" manifest.json config.json layer.tar
mv "$LAB_IMAGES/$name.tar.new" "$LAB_IMAGES/$name.tar"
! is_up || ctr images import "$LAB_IMAGES/$name.tar" >/dev/null
