#!/usr/bin/env bash
# fuzz.sh TIME   runs every fuzz target of the library for TIME each, one after another.
set -euo pipefail
cd "$(dirname "$0")/.."
time="${1:?how long for each target, as 5s}"

# -list prints the names of a package's targets, then "ok package"
targets="$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ {names = names " " $1} /^ok/ {n = split(names, a, " "); for (i = 1; i <= n; i++) print $2, a[i]; names = ""}')"
[ -n "$targets" ] || { echo "no fuzz target found" >&2; exit 1; }

count=0 failed=0
while read -r package target; do
  count=$((count + 1))
  echo "fuzz $target in ${package#github.com/dubbofn/dubbofn/}, $time"
  if ! out="$(go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" 2>&1)"; then
    # Go before 1.27 may report the fuzzer's own end as a failure (golang/go#75804): it has no input to show then.
    if grep -q 'context deadline exceeded' <<<"$out" && ! grep -qE 'Failing input|^ *panic|_test.go:' <<<"$out"; then
      echo "it ended late, without a failing input"
      continue
    fi
    printf '%s\n' "$out"
    failed=$((failed + 1))
  else
    grep -E '^fuzz: elapsed' <<<"$out" | tail -n 1 || true
  fi
done <<<"$targets"
echo "$((count - failed)) targets passed, $failed failed"
[ "$failed" -eq 0 ]
