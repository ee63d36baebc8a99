#!/usr/bin/env bash
# seata.sh   a Java consumer in a Seata transaction calls a Go function, which calls a Java provider: for both Dubbo lines at either
# end, with Seata's own filters, the XID and what else belongs to a call's context must arrive. One line a cell, the failed cases beneath it;
# the exit code is 0 only when every case passed.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java go interop; do source "$E2E/lib/$part.sh"; done
CASES=21

# with_seata NAME LINE MAIN ARGS…   starts a program of the module seata beside the kit
with_seata() {
  local name="$1" line="$2" main="$3" i; shift 3
  kit_command "$name" "$line" "$main"
  for i in "${!KIT[@]}"; do [ "${KIT[$i]}" != -cp ] || KIT[i + 1]="$E2E/seata/line$line/target/classes:$E2E/seata/line$line/target/lib/*:${KIT[i + 1]}"; done
  spawn "$name" "${KIT[@]}" "$@"
}

build_java kit/line3 kit/line27 seata/line3 seata/line27
build_go peer
need_free "$BASE" $((BASE + 1)) $((BASE + 2)) $((BASE + 3))
port=$BASE
for line in 3 27; do
  with_seata "seata-$line" "$line" SeataProvider --port "$port"
  spawn "relay-$line" env DUBBOFN_REGISTRY="embedded://$E2E_RUN/seata-registry" DUBBOFN_BIND=127.0.0.1 DUBBOFN_HOST=127.0.0.1 \
    DUBBOFN_PORT=$((port + 2)) PORT=$((port + 52)) "$BIN/peer" relay -to "dubbo://127.0.0.1:$port"
  port=$((port + 1))
done
for line in 3 27; do
  await "seata-$line" '^PROVIDER-READY' 60 || die "the provider on $(line_name "$line") did not start; see $LOGS/seata-$line.err"
  await "relay-$line" '^PROVIDER-READY' 20 || die "the function did not start; see $LOGS/relay-$line.err"
done
for from in 3 27; do
  port=$BASE
  for to in 3 27; do
    with_seata "seata-$from-$to" "$from" SeataConsumer --mode direct --direct "127.0.0.1:$((port + 2))"
    port=$((port + 1))
  done
done
for from in 3 27; do
  for to in 3 27; do cell_end "seata-$from-$to" "$(line_name "$from") > Go > $(line_name "$to")" "$CASES"; done
done
summary
