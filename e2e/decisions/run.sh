#!/usr/bin/env bash
# run.sh   writes what Java's own balancers and routers decide to invoker/cluster/testdata/decisions and invoker/cluster/rule/testdata/decisions.
# The tests of those packages compare. Needs Java 17 and Maven. Every run writes the same.
source "$(dirname "${BASH_SOURCE[0]}")/../lib/proc.sh"; source "$E2E/lib/java.sh"
build_java kit/line3

# decide PROGRAM FILE
decide() {
  local out="$E2E/../$2" log; mkdir -p "${out%/*}"; log="$(mktemp)"
  java -Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -Djava.net.preferIPv4Stack=true '-Ddubbo.network.interface.ignored=.*' --add-opens java.base/java.lang=ALL-UNNAMED \
    -cp "$E2E/kit/res:$E2E/kit/line3/target/lib/*" "$E2E/decisions/$1.java" >"$log" 2>&1 || { tail -n 30 "$log" >&2; rm -f "$log"; die "$1 failed"; }
  grep '^{"by"' "$log" >"$out.new" || { tail -n 30 "$log" >&2; rm -f "$log"; die "$1 printed no decisions"; }
  rm -f "$log"
  mv "$out.new" "$out"
  note "$(wc -c <"$out") bytes in $2"
}
decide Balancers invoker/cluster/testdata/decisions/balancers.json
decide Routers invoker/cluster/rule/testdata/decisions/routers.json
