#!/usr/bin/env bash
# java.sh [--quick]   What `dubbofn java` makes, compiled by Maven with Dubbo 3.3.6 and 2.7.23 and called:
#   1. projects of the examples and of the peer, whose services have every type of docs/types.md, compile
#   2. the interfaces and classes are what the manifests say: names, types with their arguments, descriptors, exceptions, fields
#   3. the examples in them, by @DubboReference and without Spring, find a function that sleeps in a real Nacos, and reach it by address
#   4. every method of the peer that gives back what it gets does so, both ways to be found
# --quick leaves the examples out that are only compiled. E2E_PORT: where consumers connect (28880).
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go; do source "$E2E/lib/$part.sh"; done

quick=""
case "${1:-}" in --quick) quick=yes ;; "") ;; *) sed -n 2,7p "$0"; exit 2 ;; esac
PORT="${E2E_PORT:-28880}" DIR="$E2E_RUN/java"
FAILED=0
OPENS=(); for p in lang io math time util; do OPENS+=(--add-opens "java.base/java.$p=ALL-UNNAMED"); done
version() { case "$1" in 3) echo 3.3.6 ;; 27) echo 2.7.23 ;; esac; }
# cell TITLE COMMAND…   runs it; its output is in $LOGS/java-cell.log
cell() {
  local title="$1" begin=$SECONDS; shift
  if "$@" >"$LOGS/java-cell.log" 2>&1; then printf '%-66s ok  %3d s  %s\n' "$title" $((SECONDS - begin)) "$(grep ' checks passed' "$LOGS/java-cell.log")"
  else FAILED=$((FAILED + 1)); printf '%-66s FAILED\n' "$title"; grep -E '^FAILED|^Exception|Caused by|checks passed' "$LOGS/java-cell.log" | cut -c1-400 | head -n 20; tail -n 5 "$LOGS/java-cell.log"; fi
}

# make_project NAME SOURCE LINE
make_project() { "$BIN/dubbofn" java "$2" -o "$DIR/$1-$3" --dubbo "$(version "$3")" && timeout 600 mvn -q -B -f "$DIR/$1-$3" package; }

# jvm NAME LINE PROJECT   sets JVM to the start of a command with the project's example on its class path
jvm() {
  local home="$E2E_RUN/home/java-$1"
  rm -rf "$home"; mkdir -p "$home"
  JVM=(java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "${OPENS[@]}" -Duser.home="$home" -DJM.LOG.PATH="$home" '-Ddubbo.network.interface.ignored=.*' -Djava.net.preferIPv4Stack=true
    -Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -Dlog.level="${E2E_JAVA_LOG:-ERROR}" -cp "$DIR/check-$2:$DIR/$3-$2/example/target/classes:$DIR/$3-$2/example/target/lib/*")
}

# greeted LINE CLASS OPTION…   the example must have Go's answer
greeted() {
  jvm greet "$1" greet
  local o=("${JVM[@]:1}"); timeout 60 java "${@:3}" "${o[@]}" "org.example.consumer.$2" && grep -q '^GreetService.hello returned Hello, Ada!$' "$LOGS/java-cell.log"
}

check() { jvm check "$1" "$2"; local line="$1"; shift 2; timeout 120 "${JVM[@]}" Check "$@"; }

rm -rf "$DIR"; mkdir -p "$DIR/functions"
build_command; build_go peer
build_java nacos
printf '#!/bin/sh\nexec "%s" provider -name java\n' "$BIN/peer" >"$DIR/functions/peer"; chmod +x "$DIR/functions/peer"
"$BIN/dubbofn" describe "$DIR/functions/peer" >"$DIR/peer.json" || die "the peer does not describe itself"

for line in 3 27; do
  cell "greet compiles with Dubbo $(version $line)" make_project greet "$E2E/../examples/functions/greet" "$line"
  cell "the peer compiles with Dubbo $(version $line)" make_project peer "$DIR/peer.json" "$line"
  mkdir -p "$DIR/check-$line"
  javac -nowarn -d "$DIR/check-$line" -cp "$DIR/peer-$line/example/target/lib/*" "$E2E/javagen/Check.java" || die "javac failed on Check.java"
  cell "what was made is what the manifest says, $(version $line)" check "$line" peer "$DIR/peer.json"
done
if [ -z "$quick" ]; then
  for f in order board inventory aggregator; do cell "$f compiles with Dubbo $(version 3)" make_project $f "$E2E/../examples/functions/$f" 3; done
fi

nacos_start
need_free "$PORT" $((PORT + 50)) $((PORT + 1)) $((PORT + 51))
spawn greet env DUBBOFN_REGISTRY="$NACOS_URL" DUBBOFN_HOST=127.0.0.1 "$BIN/dubbofn" run --idle 2s --port "$PORT" --admin-port $((PORT + 50)) "$E2E/../examples/functions/greet"
await greet '^  end ' 120 || die "greet did not start"
go_up peer $((PORT + 1)) net || die "the peer did not start"
for line in 3 27; do
  for class in SpringExample PlainExample; do
    cell "$class finds the sleeping function in Nacos, $(version $line)" greeted "$line" $class "-Dnacos.address=127.0.0.1:$NACOS_PORT"
    cell "$class reaches it by address, $(version $line)" greeted "$line" $class "-Dprovider.url=dubbo://127.0.0.1:$PORT" -Ddubbo.registry.address=N/A
  done
  cell "every value comes back, found in Nacos, $(version $line)" check "$line" peer "$DIR/peer.json" nacos "127.0.0.1:$NACOS_PORT" "$line"
  cell "every value comes back, by address, $(version $line)" check "$line" peer "$DIR/peer.json" direct "127.0.0.1:$((PORT + 1))" "$line"
done
halt greet peer
nacos_stop
[ "$FAILED" = 0 ] && note "all that dubbofn java made compiles, is what the manifests say, and was answered" || die "$FAILED FAILED"
