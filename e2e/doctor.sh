#!/usr/bin/env bash
# doctor.sh [--quick]   plants twelve faults, one after the other, between a consumer and a function behind a real activator, found in a real
# Nacos: no mapping, wrong group, stale revision, metadata missing, port closed, class not trusted, timeout below a cold start, two
# applications on one interface, wrong namespace, a Nacos that wants a password, expired certificate, activator down. `dubbofn doctor` must find each and
# name it, the command that it prints is run, and after that it must find nothing more. A table at the end.
#   --quick           four of them, without a second Nacos, for `make test`
#   --only NAME,…     of mapping, group, revision, metadata, port, classes, timeout, two-apps, namespace, auth, certificate, activator
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go; do source "$E2E/lib/$part.sh"; done

OPTIONS=() SECURED=yes
case "${1:-}" in
  "") ;;
  --quick) OPTIONS=(-only none,mapping,namespace,certificate,activator) SECURED="" ;;
  --only) OPTIONS=(-only "$2"); [[ ",$2," == *,auth,* ]] || SECURED="" ;;
  *) sed -n 2,8p "$0"; exit 2 ;;
esac
command -v openssl curl >/dev/null || die "openssl and curl are missing: they are among the commands that are printed"

build_command
build_go doctor doctor/shop
E2E_QUIET=yes nacos_start
if [ -n "$SECURED" ]; then
  other=$((NACOS_PORT + 100))
  spawn nacos-secured env E2E_RUN="$E2E_RUN/secured" E2E_NACOS_PORT="$other" "$E2E/nacos.sh" --auth
  await nacos-secured 'interrupt to stop' 180 || die "the Nacos with passwords did not start; see $LOGS/nacos-secured.log"
  OPTIONS+=(-secured "127.0.0.1:$other")
fi
rm -f "$LOGS/doctor.log"
spawn doctor "$BIN/doctor" -dubbofn "$BIN/dubbofn" -function "$BIN/shop" -dir "$E2E_RUN/doctor" -nacos "127.0.0.1:$NACOS_PORT" -port "${E2E_PORT:-28880}" "${OPTIONS[@]}"
until [ -e "$LOGS/doctor.log" ]; do sleep 0.1; done
tail -n +1 -f --pid="${PID[doctor]}" "$LOGS/doctor.log"
wait "${PID[doctor]}"; rc=$?
unset "PID[doctor]"
cat "$LOGS/doctor.err" >&2
[ "$rc" -eq 0 ] || note "logs: $E2E_RUN/doctor"
exit "$rc"
