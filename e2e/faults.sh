#!/usr/bin/env bash
# faults.sh [--quick]   breaks what functions that sleep depend on, while consumers in Java 3.3.6, Java 2.7.23 and Go call them through two
# activators, found in Nacos at application level: an activator killed and both restarted, the keeper killed and hanging, Nacos down and back, functions that
# crash, hang, answer with rubbish or end in a call, consumers that leave or come in thousands, strangers. A table at the end; it passes when
# every call was answered or ended with a clear error before its deadline, none ran twice, and only those failed that had to.
#   --only ROW,…  of broken, sleeps, crowd, gone, strangers, roll-out, keeper, keeper-hangs, killed, restarts, nacos
#   --quick   restarts, Nacos, broken functions and sleep alone, for `make test`
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go interop; do source "$E2E/lib/$part.sh"; done

SLEEPERS=100 OPTIONS=()
case "${1:-}" in
  "") ;;
  --quick) SLEEPERS=10 OPTIONS=(-only broken,sleeps,restarts,nacos) ;;
  --only) OPTIONS=(-only "$2") ;;
  *) sed -n 2,8p "$0"; exit 2 ;;
esac

build_java nacos kit/line3 kit/line27
build_command
build_go faults faults/faulty
E2E_QUIET=yes nacos_start

# Java keeps the providers it knows when a list is empty, which it does not by default: a Nacos that was restarted says that there are none.
consumers=() relay=$((NACOS_PORT + 100)) groups=""
for g in $("$BIN/faults" -groups); do groups+="${groups:+,}$g=work-$g"; done
for line in 3 27; do
  kit_command "faults-$line" "$line" OnDemand
  consumers+=("${KIT[*]} --mode app --registry nacos://127.0.0.1:$relay --relay $relay:$NACOS_PORT --empty-protection --groups $groups")
  relay=$((relay + 100))
done

# from FILE COMMAND…
from() { local file="$1"; shift; exec "$@" <"$file"; }
orders="$E2E_RUN/faults.orders"; rm -f "$orders"; mkfifo "$orders"; exec {ORDERS}<>"$orders"
spawn faults from "$orders" env -u DUBBOFN_REGISTRY "$BIN/faults" -dubbofn "$BIN/dubbofn" -function "$BIN/faulty" -dir "$E2E_RUN/faults" -port "$BASE" -nacos "$NACOS_PORT" \
  -sleepers "$SLEEPERS" "${OPTIONS[@]}" "${consumers[@]}"
while read -r word what; do
  case "$word $what" in
    "NACOS kill") nacos_kill; echo "done" >&"$ORDERS" ;;
    "NACOS start") E2E_QUIET=yes nacos_start --keep; echo "done" >&"$ORDERS" ;;
    *) note "$word${what:+ $what}" ;;
  esac
done < <(tail -n +1 -f --pid="${PID[faults]}" "$LOGS/faults.log")
wait "${PID[faults]}"; rc=$?
unset "PID[faults]"
cat "$LOGS/faults.err" >&2
exit "$rc"
