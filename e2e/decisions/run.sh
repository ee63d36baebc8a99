#!/usr/bin/env bash
# run.sh [--check]   writes what Java's own balancers and routers decide to invoker/cluster/testdata/decisions and invoker/cluster/rule/testdata/decisions.
# The tests of those packages compare. Needs Java 17 and Maven. Every run writes the same:
# with --check it writes nothing, and fails where Java decides otherwise than the files say.
source "$(dirname "${BASH_SOURCE[0]}")/../lib/proc.sh"; source "$E2E/lib/java.sh"
CHECK=no; [ "${1:-}" != --check ] || CHECK=yes
build_java kit/line3
classes="$E2E_RUN/decisions"; mkdir -p "$classes"
javac -nowarn -d "$classes" -cp "$E2E/kit/line3/target/lib/*" "$E2E"/decisions/*.java || die "javac failed"

# decide PROGRAM FILE
decide() {
  local out="$E2E/../$2" log; mkdir -p "${out%/*}"; log="$(mktemp)"
  java -Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -Djava.net.preferIPv4Stack=true '-Ddubbo.network.interface.ignored=.*' --add-opens java.base/java.lang=ALL-UNNAMED \
    -cp "$classes:$E2E/kit/res:$E2E/kit/line3/target/lib/*" "$1" >"$log" 2>&1 || { tail -n 30 "$log" >&2; rm -f "$log"; die "$1 failed"; }
  grep '^{"by"' "$log" >"$out.new" || { tail -n 30 "$log" >&2; rm -f "$log"; die "$1 printed no decisions"; }
  rm -f "$log"
  if [ "$CHECK" = yes ]; then
    cmp "$out.new" "$out" || { rm -f "$out.new"; die "$2 is not what Java decides: make decisions writes it"; }
    rm -f "$out.new"
  else
    mv "$out.new" "$out"
  fi
  note "$(wc -c <"$out") bytes in $2"
}
decide Balancers invoker/cluster/testdata/decisions/balancers.json
decide Routers invoker/cluster/rule/testdata/decisions/routers.json
