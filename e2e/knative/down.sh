#!/usr/bin/env bash
# down.sh   ends the lab: its init, and with that every process, container, mount and link of it. What was built stays in $LAB_CACHE.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
need_root
[ ! -s "$LAB_RUN/forward.pid" ] || kill "$(cat "$LAB_RUN/forward.pid")" 2>/dev/null
if is_up; then
  pid="$(cat "$LAB_RUN/init.pid")"
  kill -KILL "$pid"
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
fi
# control groups outlive their processes
for c in /sys/fs/cgroup /sys/fs/cgroup/*; do
  for d in "$c/kubepods" "$c/k8s.io"; do
    [ ! -d "$d" ] || find "$d" -depth -type d -exec rmdir {} + 2>/dev/null
  done
done
if [ -s "$LAB_RUN/sysctl.saved" ]; then
  while read -r name value; do echo "$value" >"/proc/sys/$name"; done <"$LAB_RUN/sysctl.saved"
fi
rm -rf "${LAB_RUN:?}"
