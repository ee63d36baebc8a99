#!/usr/bin/env bash
# restart.sh [TIMES]   kills a Nacos server (SIGKILL) and starts it again, TIMES times (default 10), under a registration made
# by registry/nacos: in turn with its data kept and with its data lost. Prints how long after each start everything was back;
# fails when it takes longer than 30 s.
set -u
source "$(dirname "${BASH_SOURCE[0]}")/../lib/proc.sh"; source "$E2E/lib/java.sh"; source "$E2E/lib/nacos.sh"
times="${1:-10}"
(cd "$E2E" && go build -o "$E2E_RUN/hold" ./registry/hold) || exit 1
nacos_start
spawn hold "$E2E_RUN/hold" -nacos "127.0.0.1:$NACOS_PORT" -restarts "$times" -v
await hold HOLDING 60 || exit 1
for ((i = 1; i <= times; i++)); do
  nacos_kill
  sleep $((i % 3))
  if [ $((i % 2)) = 1 ]; then nacos_start --keep; else nacos_start; fi
  await_line hold "$i" '^RESTART' 60 || { cat "$LOGS/hold.log" "$LOGS/hold.err"; exit 1; }
done
ended hold 60; rc=$?
cat "$LOGS/hold.log"
exit "$rc"
