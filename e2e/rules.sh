#!/usr/bin/env bash
# rules.sh [--registry nacos|zookeeper]   rules written as an operator does, while a Go consumer and a Java 3.3.6 one call three Java
# providers: each must obey, and to the same effect. A line for each rule and consumer, with the time it took; 0 only when all held.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos zookeeper go interop; do source "$E2E/lib/$part.sh"; done
case "${1:-}" in
  --registry) REGISTRIES=("$2") ;;
  '') REGISTRIES=(nacos zookeeper) ;;
  *) sed -n 2,4p "$0"; exit 2 ;;
esac

build_java "${REGISTRIES[@]}" kit/line3
build_go rules
for registry in "${REGISTRIES[@]}"; do
  registry_start "$registry"
  n=0; for options in "--parameters zone=hz" "--tag gray" "--parameters zone=bj"; do
    # shellcheck disable=SC2086
    java_up "$(printf 'abc' | cut -c$((n + 1)))" 3 $((BASE + n)) --app shop --metadata-type remote $options || FAILED=$((FAILED + 1))
    n=$((n + 1))
  done
  kit_command ask 3 Ask
  spawn rules env E2E_PORT="$BASE" "$BIN/rules" -registry "$REGISTRY_URL" -- "${KIT[@]}" --mode app --registry "$REGISTRY_URL" --app orders
  ended rules 300 || FAILED=$((FAILED + 1))
  note "$registry:"; cat "$LOGS/rules.log"
  grep -q ' passed, 0 failed$' "$LOGS/rules.log" || tail -n 5 "$LOGS/rules.err"
  halt a b c; registry_stop
done
[ "$FAILED" = 0 ] && note "every rule was obeyed" || { note "FAILED"; exit 1; }
