#!/usr/bin/env bash
# run.sh   writes what Java signs to auth/testdata/signatures.tsv. Needs Java 17 and Maven.
source "$(dirname "${BASH_SOURCE[0]}")/../lib/proc.sh"; source "$E2E/lib/java.sh"
build_java kit/line3
out="$E2E/../auth/testdata/signatures.tsv"; mkdir -p "${out%/*}"
java -Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -cp "$E2E/kit/line3/target/lib/*" "$E2E/signatures/Signatures.java" | grep -v ' INFO ' >"$out.new" || die "java failed"
mv "$out.new" "$out"
note "$(grep -c . "$out") lines in auth/testdata/signatures.tsv"
