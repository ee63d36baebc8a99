#!/usr/bin/env bash
# newcomer.sh   the way of a newcomer, as a transcript: from an empty folder to the answer that an unchanged Java consumer gets, found in a real Nacos.
# It tells the number of commands, the lines that had to be edited, and the time of each, and fails where it takes more than 3 commands or an edit.
#   LAB=1        the same on the lab's Kubernetes with Knative, in at most 5 commands (as root; brings the lab up)
#   E2E_PORT     where consumers connect (28880; operators 50 above)
# Before it begins: dubbofn is installed, Nacos runs, and the Java team has its consumer (e2e/newcomer/Greeting.java), compiled against Dubbo.
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos go; do source "$E2E/lib/$part.sh"; done
[ $# -eq 0 ] || { sed -n 2,7p "$0"; exit 2; }

PORT="${E2E_PORT:-28880}"
DIR="$E2E_RUN/newcomer"
EMPTY="$DIR/empty" OUT="$DIR/transcript.txt"
COMMANDS=0 TABLE="" BEGIN=0

now() { date +%s%N; }
# tell TEXT   to the screen and the transcript
tell() { printf '%s\n' "$1" | tee -a "$OUT"; }
# typed COMMAND WHO   a command as it is typed; took ends it
typed() { COMMANDS=$((COMMANDS + 1)); SHOWN="$1" WHO="$2"; tell ""; tell "$ $1"; BEGIN="$(now)"; }
took() {
  local ms=$((($(now) - BEGIN) / 1000000))
  TABLE+="$(printf '%d. %-64s %-10s %4d.%d s' "$COMMANDS" "$SHOWN" "$WHO" $((ms / 1000)) $((ms % 1000 / 100)))"$'\n'
}
# shown FILE   output of a command, as the transcript has it
shown() { sed $'s/\x1b\\[[0-9;?]*[A-Za-z]//g' "$1" | tee -a "$OUT"; }

# consumer LINE   the Java team's consumer, by one line of Dubbo
consumer() {
  local module; module="$(module_of "$1")"
  rm -rf "$E2E_RUN/home/newcomer-$1"; mkdir -p "$E2E_RUN/home/newcomer-$1"
  CONSUMER=(java -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true -Duser.home="$E2E_RUN/home/newcomer-$1" -DJM.LOG.PATH="$E2E_RUN/home/newcomer-$1"
    -Dkit.log=WARN --add-opens java.base/java.lang=ALL-UNNAMED
    -cp "$DIR/classes-$1:$E2E/$module/target/lib/*" Greeting)
}

# prepare   all that is there before a newcomer comes
prepare() {
  rm -rf "$DIR"; mkdir -p "$EMPTY"; : >"$OUT"
  build_command
  build_java kit/line3 kit/line27
  local line module
  for line in 3 27; do
    module="$(module_of "$line")"; mkdir -p "$DIR/classes-$line/org"
    cp -r "$E2E/$module/target/classes/org/example" "$DIR/classes-$line/org/"; cp "$E2E"/kit/res/logback.xml "$DIR/classes-$line/"
    javac -d "$DIR/classes-$line" -cp "$E2E/$module/target/classes:$E2E/$module/target/lib/*" -XDsuppressNotes "$E2E/newcomer/Greeting.java" || die "javac failed on Greeting.java"
  done
  E2E_QUIET=yes nacos_start
}

# edited   lines that differ from what dubbofn new made
edited() { diff -r "$DIR/made" "$EMPTY/greet" | grep -c '^[<>]'; }

# verdict GOAL NEED   the table, and whether it is good
verdict() {
  local most="$1" lines; lines="$(edited)"
  tell ""
  tell "what was typed                                                      by whom     took"
  tell "${TABLE%$'\n'}"
  tell "$COMMANDS commands (goal: at most $most), $lines lines edited (goal: 0)"
  [ "$COMMANDS" -le "$most" ] && [ "$lines" -eq 0 ]
}

# local_half   dubbofn new, dubbofn run, the consumer
local_half() {
  export DUBBOFN_REGISTRY="$NACOS_URL" DUBBOFN_PORT="$PORT" DUBBOFN_ADMIN_PORT=$((PORT + 50)) PATH="$BIN:$PATH"
  need_free "$PORT" $((PORT + 50))
  cd "$EMPTY" || die "$EMPTY is not there"
  tell "# an empty folder, Nacos on $NACOS_URL (DUBBOFN_REGISTRY), a Java consumer of org.example.GreetService"
  typed "dubbofn new greet" "Go team"
  dubbofn new greet >"$LOGS/new.log" 2>&1 || { cat "$LOGS/new.log"; die "dubbofn new failed"; }
  took; shown "$LOGS/new.log"
  cp -r greet "$DIR/made"

  typed "dubbofn run greet &" "Go team"
  rm -f "$LOGS"/newcomer.* # of a run before
  spawn newcomer dubbofn run greet
  await newcomer '^  end ' 120 || { cat "$LOGS/newcomer.err"; die "dubbofn run failed"; }
  took; shown "$LOGS/newcomer.log"

  consumer 3
  typed "java -cp …dubbo-3.3.6… Greeting $NACOS_URL Ada" "Java team"
  timeout 60 "${CONSUMER[@]}" "$NACOS_URL" Ada >"$LOGS/answer-3.log" 2>"$LOGS/answer-3.err" || { tail -n 20 "$LOGS/answer-3.err"; die "the consumer has no answer"; }
  took; shown "$LOGS/answer-3.log"
  grep -q '^hello: Hello, Ada! ' "$LOGS/answer-3.log" && grep -q '^greet: Bonjour, Ada! ' "$LOGS/answer-3.log" || die "that is not the answer"

  consumer 27
  tell ""; tell "# the same by a consumer on Dubbo 2.7.23"
  timeout 60 "${CONSUMER[@]}" "$NACOS_URL" Ada >"$LOGS/answer-27.log" 2>"$LOGS/answer-27.err" || { tail -n 20 "$LOGS/answer-27.err"; die "the consumer on Dubbo 2.7 has no answer"; }
  shown "$LOGS/answer-27.log"
  grep -q '^hello: Hello, Ada! ' "$LOGS/answer-27.log" || die "that is not the answer"
  verdict 3; local rc=$?
  new_consumer
  halt newcomer
  return "$rc"
}

# new_consumer   a Java team that has nothing yet: what dubbofn java makes, compiled and run as its README says
new_consumer() {
  COMMANDS=0 TABLE=""
  tell ""; tell "# a Java team that has no consumer yet"
  typed "dubbofn java greet" "Go team"
  dubbofn java greet >"$LOGS/java.log" 2>&1 || { cat "$LOGS/java.log"; die "dubbofn java failed"; }
  took; shown "$LOGS/java.log"
  typed "mvn -q -f greet-java package" "Java team"
  mvn -q -B -f greet-java package >"$LOGS/mvn.log" 2>&1 || { tail -n 20 "$LOGS/mvn.log"; die "mvn failed"; }
  took
  local opens=() p; for p in lang io math time util; do opens+=(--add-opens "java.base/java.$p=ALL-UNNAMED"); done
  typed "java … -Dnacos.address=127.0.0.1:$NACOS_PORT … SpringExample" "Java team"
  timeout 90 java "${opens[@]}" -Djava.net.preferIPv4Stack=true -Duser.home="$E2E_RUN/home/newcomer-3" -DJM.LOG.PATH="$E2E_RUN/home/newcomer-3" -Dnacos.address="127.0.0.1:$NACOS_PORT" \
    -cp "greet-java/example/target/classes:greet-java/example/target/lib/*" org.example.consumer.SpringExample >"$LOGS/example.log" 2>"$LOGS/example.err" \
    || { tail -n 20 "$LOGS/example.log" "$LOGS/example.err"; die "the example has no answer"; }
  took
  grep ' returned ' "$LOGS/example.log" >"$LOGS/answer-new.log" || { tail -n 20 "$LOGS/example.log"; die "the example has no answer"; }
  shown "$LOGS/answer-new.log"
  grep -q 'Hello, Ada!' "$LOGS/answer-new.log" || die "that is not the answer"
  tell ""
  tell "${TABLE%$'\n'}"
  tell "$COMMANDS commands more, $(edited) lines edited"
}

prepare
local_half || die "the goal is missed"
if [ "${LAB:-}" = 1 ]; then
  [ -f "$E2E/newcomer/lab.sh" ] || die "e2e/newcomer/lab.sh, the lab's half, is not there"
  COMMANDS=0 TABLE=""
  source "$E2E/newcomer/lab.sh" # defines lab_half, which uses typed, took and shown as local_half does
  lab_half && verdict 5 || die "the lab's goal is missed"
fi
note ""; note "the transcript is $OUT"
