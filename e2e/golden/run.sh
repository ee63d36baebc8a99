#!/usr/bin/env bash
# Golden bytes of hessian-lite, with the Hessian of both Dubbo lines.
#   run.sh write        writes internal/hessian/testdata/golden/dubbo-*/CASE.hex
#   run.sh read DIR     reads DIR/dubbo-*/CASE.{dynamic,typed}.hex (written by Go) with both lines, prints what differs, then "N passed, N failed"
# Needs Java 17 and Maven.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
golden="$here/../../internal/hessian/testdata/golden"
if [ ! -d "$here/target/dubbo-3.3.6" ] || [ -n "$(find "$here/src" "$here/pom.xml" -newer "$here/target/classes" -type f | head -1)" ]; then
  mvn -q -B -f "$here/pom.xml" clean process-classes
  touch "$here/target/classes"
fi
opens=()
for p in lang lang.reflect math util util.concurrent util.concurrent.atomic time time.chrono io net text; do opens+=(--add-opens "java.base/java.$p=ALL-UNNAMED"); done
failed=0
for line in dubbo-2.7.23 dubbo-3.3.6; do
  jar="$(echo "$here/target/$line"/hessian-lite-*.jar)"
  version="$(basename "$jar" .jar)"
  run=(java -Xss16m -Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Duser.timezone=UTC "${opens[@]}" -cp "$here/target/classes:$jar" org.example.golden.Main)
  case "${1:-}" in
    write) mkdir -p "$golden/$line"; "${run[@]}" write "$golden/$line" "${version/hessian-lite-/hessian-lite } (${line/dubbo-/Dubbo })";;
    read) "${run[@]}" read "$2/$line" "$line" || failed=1;;
    *) sed -n 2,5p "$0"; exit 2;;
  esac
done
exit "$failed"
