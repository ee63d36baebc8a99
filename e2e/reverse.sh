#!/usr/bin/env bash
# reverse.sh [OPTIONS]   the Go consumer on providers of both Dubbo lines and our own, found in every way. One line a cell, the failed
# cases beneath it, a table at the end; the exit code is 0 only when every cell passed every case it has.
#   --provider 3|27|go    only this provider (again for more)
#   --mode MODE           only app (application level, metadata in the registry), local (application level, metadata from the
#                         provider), iface (interface level), direct (by address)
#   --registry nacos|zookeeper  only in this one
#   --quick               one cell for each provider in each registry: app
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos zookeeper go interop; do source "$E2E/lib/$part.sh"; done

PROVIDERS=()
while [ $# -gt 0 ]; do
  case "$1" in
    --provider) PROVIDERS+=("$2"); shift 2 ;;
    --mode) MODES+=("$2"); shift 2 ;;
    --registry) REGISTRIES+=("$2"); shift 2 ;;
    --quick) MODES=(app); shift ;;
    *) sed -n 2,9p "$0"; exit 2 ;;
  esac
done
[ "${#PROVIDERS[@]}" -gt 0 ] || PROVIDERS=(3 27 go)
[ "${#MODES[@]}" -gt 0 ] || MODES=(app local iface direct)
[ "${#REGISTRIES[@]}" -gt 0 ] || REGISTRIES=(nacos zookeeper)

# cell PROVIDER MODE TITLE [FLAGS…]   the Go consumer's cases
cell() {
  local provider="$1" mode="$2" title="$3" name="reverse-$REGISTRY-$1-$2" cases=105; shift 3
  case "$*" in *-tagged*) cases=108 ;; esac
  local how="$mode"; [ "$how" != local ] || how=app
  spawn "$name" "$BIN/peer" consumer -mode "$how" -registry "$REGISTRY_URL" -direct "127.0.0.1:$BASE" "$@"
  cell_end "$name" "Go on $title" "$cases"
}

title() { # PROVIDER MODE
  local who how
  case "$1" in 3 | 27) who="$(line_name "$1")" ;; go) who="Go" ;; esac
  case "$2" in app) how="app, remote metadata, $REGISTRY" ;; local) how="app, local metadata, $REGISTRY" ;; iface) how="interface level, $REGISTRY" ;; direct) how="by address" ;; esac
  echo "$who, $how"
}

# up PROVIDER MODE NAME PORT [tag]   a provider that can be found in that way
up() {
  local provider="$1" mode="$2" name="$3" port="$4" tag="${5:-}" options=()
  if [ "$provider" = go ]; then
    case "$mode" in local) options=(DUBBOFN_METADATA_TYPE=local) ;; iface) options=(DUBBOFN_REGISTER_MODE=interface) ;; esac
    go_up "$name" "$port" net "${options[@]}" -- ${tag:+-tag "$tag"}
    return
  fi
  case "$mode" in app | direct) options=(--metadata-type remote) ;; iface) options=(--register-mode interface) ;; esac
  java_up "$name" "$provider" "$port" "${options[@]}" ${tag:+--tag "$tag"}
}

# both PROVIDER MODE   a plain and a tagged provider, and the cell. 2.7 has no tags at application level.
both() {
  local provider="$1" mode="$2" flags=()
  one_of "$mode" "${MODES[@]}" || return 0
  up "$provider" "$mode" plain "$BASE" || return 1
  if [ "$mode" != direct ] && ! { [ "$provider" = 27 ] && [ "$mode" != iface ]; }; then
    up "$provider" "$mode" gray $((BASE + 1)) gray || return 1
    flags=(-tagged)
  fi
  cell "$provider" "$mode" "$(title "$provider" "$mode")" "${flags[@]}"
  halt plain gray
}

build_java "${REGISTRIES[@]}" kit/line3 kit/line27
build_go peer
for registry in "${REGISTRIES[@]}"; do for provider in "${PROVIDERS[@]}"; do
  registry_start "$registry" --long-metadata # a 2.7 provider at interface level needs it; each line's own, since 3.x and 2.7 keep mappings of the same interface
  for mode in app local iface direct; do
    [ "$mode" != direct ] || [ "$registry" = "${REGISTRIES[0]}" ] || continue # no registry has a part in it
    both "$provider" "$mode" || { FAILED=$((FAILED + 1)); note "$(title "$provider" "$mode"): the provider did not start"; halt plain gray; }
  done
  registry_stop
done; done
summary
