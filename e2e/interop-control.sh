#!/usr/bin/env bash
# interop-control.sh [--line 3|27]…   the kit's own check: Java consumers on Java providers, each line on itself, in every mode that
# Dubbo Java offers. What fails here is the kit's fault, or Java's.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"; source "$E2E/lib/java.sh"; source "$E2E/lib/nacos.sh"; source "$E2E/lib/interop.sh"
lines=()
while [ $# -gt 0 ]; do case "$1" in --line) lines+=("$2"); shift 2 ;; *) sed -n 2,4p "$0"; exit 2 ;; esac; done
[ "${#lines[@]}" -gt 0 ] || lines=(3 27)

build_java kit/line3 kit/line27
control() { # LINE
  local line="$1" gray="" tag="" name; name="$(line_name "$line")"
  local main="java$line" port=$BASE cell="control-$line"
  # 2.7 ignores tags at application level
  [ "$line" = 3 ] && tag=tagged gray="$main-gray"

  java_up "$main" "$line" "$port" || return 1
  cell_start "$cell-direct" "$line" direct "$port" ""
  if [ -n "$gray" ]; then java_up "$gray" "$line" $((port + 1)) --tag gray || return 1; fi
  cell_start "$cell-local" "$line" local "$port" "$tag"
  cell_end "$cell-direct" "$name on $name, direct" "$(cases "$line" direct "")"
  cell_end "$cell-local" "$name on $name, app, local metadata" "$(cases "$line" local "$tag")"
  rows "$cell-rows" "$name on $name, rows" "$line" direct "$port" "$ROWS_JAVA"
  halt "$main" $gray

  java_up "$main" "$line" "$port" --metadata-type remote || return 1
  cell_start "$cell-app" "$line" app "$port" ""
  cell_end "$cell-app" "$name on $name, app, remote metadata" "$(cases "$line" app "")"
  halt "$main"

  java_up "$main" "$line" "$port" --register-mode interface || return 1
  java_up "$main-gray" "$line" $((port + 1)) --register-mode interface --tag gray || return 1
  cell_start "$cell-iface" "$line" iface "$port" tagged
  cell_end "$cell-iface" "$name on $name, interface level" "$(cases "$line" iface tagged)"
  halt "$main" "$main-gray"
}
for l in "${lines[@]}"; do
  nacos_start --long-metadata # a 2.7 provider at interface level needs it
  control "$l" || FAILED=$((FAILED + 1))
  nacos_stop
done
summary
