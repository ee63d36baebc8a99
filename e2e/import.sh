#!/usr/bin/env bash
# import.sh [OPTIONS]   The Go side of the kit's interfaces, made from the kit's jar by `dubbofn import`, filled in, and called by Java:
#   1. the jar is imported into a module of its own, which builds as it is and describes itself: its methods have Java's descriptors
#      and so has the Java that `dubbofn java` makes of that module, once javac has compiled it
#   2. what is generated is what e2e/imported has, so that what is filled in there is filled into the skeletons
#   3. the program of that answers Java's consumers, both lines: the cases of TypesService and TokenService, the rows of docs/types.md (RowsService)
#   --consumer 3|27   only this line
#   --update          make what e2e/imported has of the generated files anew, and end
source "$(dirname "${BASH_SOURCE[0]}")/lib/proc.sh"
for part in java nacos zookeeper go interop; do source "$E2E/lib/$part.sh"; done

update=""
while [ $# -gt 0 ]; do
  case "$1" in
    --consumer) CONSUMERS+=("$2"); shift 2 ;;
    --update) update=yes; shift ;;
    *) sed -n 2,9p "$0"; exit 2 ;;
  esac
done
[ "${#CONSUMERS[@]}" -gt 0 ] || CONSUMERS=(3 27)
RUN="$E2E_RUN/import"
JAR="$E2E/kit/line3/target/kit-line3-1.jar"
SERVICES=(TypesService RowsService TokenService)
ASKED=(--package kit); for s in "${SERVICES[@]}"; do ASKED+=(--interface "org.fixture.dubbo.$s"); done

# signatures CLASSES SERVICE   the methods of an interface as the JVM knows them, a line each
signatures() {
  javap -s -cp "$1" "org.fixture.dubbo.$2" | awk '/^  [a-z].*\(/ {match($0, /[A-Za-z0-9_$]+\(/); name = substr($0, RSTART, RLENGTH - 1)} /descriptor:/ {sub(/^\(/, "", $2); sub(/\).*/, "", $2); print name "(" $2 ")"}' | sort
}
# described MANIFEST SERVICE   the same of a manifest
described() {
  awk -v want="\"org.fixture.dubbo.$2\"," '/^      "interface":/ {on = $2 == want} on && /^          "name":/ {gsub(/[",]/, "", $2); name = $2}
    on && /^          "descriptor":/ {gsub(/[",]/, "", $2); print name "(" $2 ")"}' "$1" | sort
}

make_module() {
  rm -rf "$RUN"; mkdir -p "$RUN"
  "$BIN/dubbofn" import "$JAR" "${ASKED[@]}" --module example.org/kit -d "$RUN/module" || return 1
  local missing; missing="$(grep -c 'is not implemented' "$RUN"/module/kit/*_handler.go | awk -F: '{n += $2} END {print n}')"
  "$BIN/dubbofn" describe "$RUN/module" >"$RUN/skeleton.json" || return 1
  local s all=0
  for s in "${SERVICES[@]}"; do
    signatures "$E2E/kit/line3/target/classes" "$s" >"$RUN/$s.declared"
    described "$RUN/skeleton.json" "$s" >"$RUN/$s.offered"
    diff "$RUN/$s.declared" "$RUN/$s.offered" >&2 || { note "$s: not the descriptors that Java's interface has (< Java, > Go)"; return 1; }
    all=$((all + $(wc -l <"$RUN/$s.offered")))
  done
  # and back: Java made of the Go that was made of Java
  "$BIN/dubbofn" java "$RUN/module" -o "$RUN/java" >/dev/null && mkdir -p "$RUN/classes" || return 1
  find "$RUN/java/api" -name '*.java' -print0 | xargs -0 javac --release 8 -Xlint:-options -d "$RUN/classes" || return 1
  for s in "${SERVICES[@]}"; do
    diff "$RUN/$s.declared" <(signatures "$RUN/classes" "$s") >&2 || { note "$s: Java made of Go has not the descriptors of the first (<)"; return 1; }
  done
  note "imported: $all methods with Java's descriptors, $missing of them to fill in; Java made of that again has them too"
}

# same_as_kept   whether e2e/imported has just these files
same_as_kept() {
  local f rc=0
  for f in "$RUN"/module/kit/*.go; do
    [[ "$f" != *_handler.go ]] || continue
    diff -u "$E2E/imported/kit/${f##*/}" "$f" || rc=1
  done
  [ "$rc" = 0 ] || note "e2e/imported differs from what import makes now: e2e/import.sh --update"
  return "$rc"
}

# fill_in   the bodies, and the main, of e2e/imported in the place of the skeletons
fill_in() {
  cp "$E2E"/imported/kit/*_handler.go "$E2E"/imported/kit/samples.go "$RUN/module/kit/" &&
    sed 's|github.com/dubbofn/dubbofn/e2e/imported/kit|example.org/kit/kit|' "$E2E/imported/main.go" >"$RUN/module/main.go" &&
    (cd "$RUN/module" && GOFLAGS=-mod=mod GOWORK=off go build -o "$BIN/imported" .)
}

imported_up() {
  need_free "$BASE" $((BASE + 50))
  spawn imported env DUBBOFN_APP=dubbofn-e2e DUBBOFN_REGISTRY="$NACOS_URL" DUBBOFN_BIND=127.0.0.1 DUBBOFN_HOST=127.0.0.1 DUBBOFN_REGISTER_MODE=instance \
    DUBBOFN_PORT="$BASE" PORT=$((BASE + 50)) "$BIN/imported" -name go
  await imported '^PROVIDER-READY' 60
}

build_java nacos kit/line3 kit/line27
build_command
make_module || die "the import failed"
if [ -n "$update" ]; then
  cp "$RUN"/module/kit/{types,types_service,rows_service,token_service}.go "$E2E/imported/kit/"
  exit 0
fi
same_as_kept || exit 1
fill_in || die "what is filled in does not compile"
nacos_start
imported_up || exit 1
for l in "${CONSUMERS[@]}"; do
  cell_start "imported-$l" "$l" app "$BASE" ""
  cell_end "imported-$l" "$(line_name "$l"), imported, app" "$(cases "$l" app "")"
  rows "imported-$l-rows" "$(line_name "$l"), imported, rows of types.md" "$l" app "$BASE" "$ROWS_GO" --deadlines
done
halt imported
summary
