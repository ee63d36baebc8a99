#!/usr/bin/env bash
# interop.sh [OPTIONS]   Java consumers on Go providers: every way to be found, both Dubbo lines, both transports. One line a cell,
# the failed cases beneath it, a table at the end; the exit code is 0 only when every cell passed every case it has.
#   --consumer 3|27       only this line (again for more)
#   --mode MODE           only app (application level, metadata in Nacos), local (application level, metadata from the provider),
#                         iface (interface level), direct (by address), rows (the rows of docs/types.md)
#   --transport net|getty only this transport
#   --registry nacos|zookeeper  only in this one; in ZooKeeper there are app, local and iface on net
#   --through activator   the function sleeps behind an activator, and is woken: app, iface, direct and rows on net, without tags
#   --quick               one cell for each line in each registry: app on net; and the rows
#   --control             Java providers first (interop-control.sh)
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos zookeeper go interop; do source "$E2E/lib/$part.sh"; done

control="" through=""
while [ $# -gt 0 ]; do
  case "$1" in
    --consumer) CONSUMERS+=("$2"); shift 2 ;;
    --mode) MODES+=("$2"); shift 2 ;;
    --transport) TRANSPORTS+=("$2"); shift 2 ;;
    --registry) REGISTRIES+=("$2"); shift 2 ;;
    --quick) MODES=(app rows) TRANSPORTS=(net); shift ;;
    --through) through="$2"; [ "$through" = activator ] || die "--through $through: want activator"; shift 2 ;;
    --control) control=yes; shift ;;
    *) sed -n 2,12p "$0"; exit 2 ;;
  esac
done
[ "${#CONSUMERS[@]}" -gt 0 ] || CONSUMERS=(3 27)
[ "${#MODES[@]}" -gt 0 ] || MODES=(app local iface direct rows)
[ "${#TRANSPORTS[@]}" -gt 0 ] || TRANSPORTS=(net getty)
[ "${#REGISTRIES[@]}" -gt 0 ] || REGISTRIES=(nacos zookeeper)

# title CONSUMER MODE TRANSPORT
title() {
  local how
  case "$2" in
    app) how="app, remote metadata" ;; local) how="app, local metadata" ;; iface) how="interface level" ;;
    direct) how="by address" ;; rows) how="rows of types.md" ;;
  esac
  case "$2" in app | local | iface) how+=", $REGISTRY" ;; esac
  echo "$(line_name "$1"), $how, ${through:-$3}"
}

# cells TRANSPORT PORT CELL…   runs cells beside each other (at most two), each CONSUMER:MODE[:tagged]
cells() {
  local transport="$1" port="$2" cell line mode tag name started=(); shift 2
  for cell in "$@"; do
    IFS=: read -r line mode tag <<<"$cell"
    wanted "$line" "$mode" "$transport" || continue
    cell_start "go-$REGISTRY-$line-$mode-$transport" "$line" "$mode" "$port" "$tag"
    started+=("$cell")
  done
  for cell in "${started[@]}"; do
    IFS=: read -r line mode tag <<<"$cell"
    name="go-$REGISTRY-$line-$mode-$transport"
    cell_end "$name" "$(title "$line" "$mode" "$transport")" "$(cases "$line" "$mode" "$tag")"
  done
}

any_wanted() { # TRANSPORT CONSUMER:MODE…
  local transport="$1" cell; shift
  for cell in "$@"; do wanted "${cell%%:*}" "$(cut -d: -f2 <<<"$cell")" "$transport" && return 0; done
  return 1
}

# A tagged provider beside the plain one, where the consumer knows tags; 2.7 ignores them at application level.
remote() {
  local t="$1" port=$BASE
  any_wanted "$t" 3:app 27:app 3:direct 27:direct 3:rows 27:rows || return 0
  go_up go "$port" "$t" || return 1
  cells "$t" "$port" 27:app 3:direct
  for l in 27 3; do
    wanted "$l" rows "$t" && rows "go-$l-rows-$t" "$(title "$l" rows "$t")" "$l" app "$port" "$ROWS_GO" --deadlines
  done
  if any_wanted "$t" 3:app 27:direct; then
    # the tag as Knative has it: the name of the Knative revision
    go_up go-gray $((port + 1)) "$t" K_REVISION=gray DUBBOFN_TAG_FROM_REVISION=true || return 1
    cells "$t" "$port" 3:app:tagged 27:direct
  fi
  halt go go-gray
}

local_metadata() {
  local t="$1" port=$BASE
  if wanted 3 local "$t"; then
    go_up go "$port" "$t" DUBBOFN_METADATA_TYPE=local || return 1
    go_up go-gray $((port + 1)) "$t" DUBBOFN_METADATA_TYPE=local -- -tag gray || return 1
    cells "$t" "$port" 3:local:tagged
    halt go go-gray
  fi
  if wanted 27 local "$t"; then
    go_up go "$port" "$t" DUBBOFN_METADATA_TYPE=local-2.7 || return 1
    cells "$t" "$port" 27:local
    halt go
  fi
}

interface_level() {
  local t="$1" port=$BASE
  any_wanted "$t" 3:iface 27:iface || return 0
  go_up go "$port" "$t" DUBBOFN_REGISTER_MODE=interface || return 1
  go_up go-gray $((port + 1)) "$t" DUBBOFN_REGISTER_MODE=interface -- -tag gray || return 1
  cells "$t" "$port" 3:iface:tagged 27:iface:tagged
  halt go go-gray
}

# Tags tell instances of one application apart, and the activator is the one instance that consumers see.
through_activator() {
  local port=$BASE l
  if any_wanted net 3:app 27:app 3:direct 27:direct 3:rows 27:rows; then
    activator_up go "$port" DUBBOFN_REGISTER_MODE=instance || return 1
    cells net "$port" 3:app 27:app
    for l in 27 3; do
      wanted "$l" rows net && rows "go-$l-rows-activator" "$(title "$l" rows net)" "$l" app "$port" "$ROWS_GO" --deadlines
    done
    cells net "$port" 3:direct 27:direct
    halt go
  fi
  if any_wanted net 3:iface 27:iface; then
    activator_up go "$port" DUBBOFN_REGISTER_MODE=interface || return 1
    cells net "$port" 3:iface 27:iface
    halt go
  fi
}

build_java "${REGISTRIES[@]}" kit/line3 kit/line27
build_go peer
[ -z "$through" ] || build_command
if [ -n "$control" ]; then "$E2E/interop-control.sh" || FAILED=1; fi
all_modes=("${MODES[@]}")
for registry in "${REGISTRIES[@]}"; do
  registry_start "$registry"
  MODES=("${all_modes[@]}"); transports=("${TRANSPORTS[@]}")
  if [ "$registry" = zookeeper ]; then # what else there is has nothing to do with the registry
    MODES=(); for m in "${all_modes[@]}"; do one_of "$m" app local iface && MODES+=("$m"); done
    transports=(); one_of net "${TRANSPORTS[@]}" && transports=(net)
  fi
  steps=(remote local_metadata interface_level)
  [ -z "$through" ] || steps=(through_activator) transports=(net)
  for t in "${transports[@]}"; do
    for step in "${steps[@]}"; do
      "$step" "$t" || { FAILED=$((FAILED + 1)); note "$step on $t: the provider did not start"; halt go go-gray; }
    done
  done
  registry_stop
done
summary
