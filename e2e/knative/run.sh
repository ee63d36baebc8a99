#!/usr/bin/env bash
# run.sh [TEST…]   builds the lab (once), brings it up, deploys the activator and functions as `dubbofn render` writes them, runs the
# tests, and ends the lab. Tests; none named: all of them.
#   wakes    Java 3.3.6 and 2.7.23 wake a function from zero, beside plain HTTP requests: the early lane
#   http     the same without the early lane
#   scale    200 calls a second, a new Knative revision in the middle, then 10: pods over time
#   rollout  Knative revisions that crash or hang when they start, under calls: nobody notices
#   deploy   dubbofn deploy, list, logs, describe, undeploy: from the folder to a Java consumer's answer, and everything that they refuse or explain
#   newcomer what e2e/newcomer.sh does with LAB=1: from an empty folder to a Java consumer's answer, as a transcript; only where it is named
#   events   events to a broker of Knative Eventing: its trigger wakes a function from zero, replies come back, what is refused is a dead letter
# LAB_KEEP=yes leaves the lab up, for another run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
need_root
cd "$LAB/../.."
tests=("$@"); [ ${#tests[@]} -gt 0 ] || tests=(wakes http scale rollout deploy events)
export E2E_RUN="$PWD/e2e/run/lab" # what is kept: each process's output in logs

events=""; kits=()
for t in "${tests[@]}"; do if [ "$t" = events ]; then events=yes; else kits=(kit/line3 kit/line27); fi; done

"$LAB/build.sh"
[ -z "$events" ] || "$LAB/eventing.sh" build
# what needs the internet: the lab's own network has none
(source e2e/lib/proc.sh; source e2e/lib/java.sh; build_java nacos "${kits[@]}")

[ "${LAB_KEEP:-}" = yes ] || trap '"$LAB/down.sh"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$LAB/up.sh"
[ -z "$events" ] || "$LAB/eventing.sh" up

export LAB_IMAGES="$LAB_RUN/images"
mkdir -p "$LAB_RUN/bin"
export CGO_ENABLED=0 GOFLAGS=-trimpath
go build -ldflags "-s -w" -o "$LAB_RUN/bin/" ./cmd/dubbofn ./examples/functions/greet ./examples/functions/order
(cd e2e && go build -ldflags "-s -w" -o "$LAB_RUN/bin/" ./slow ./lab ./stock ./oci)
# a command that knows the sources that it was built from, for `dubbofn new`
GOFLAGS="" go build -o "$LAB_RUN/bin/newcomer/" ./cmd/dubbofn
for program in dubbofn greet slow order; do "$LAB/image.sh" "$program" "$LAB_RUN/bin/$program"; done

echo "the rendered manifests, held against Knative's own types"
(cd "$LAB/serving" && go test -gcflags all=-dwarf=false -count=1 .) # the flags of the build, whose packages are there
[ -z "$events" ] || (cd "$LAB/eventing" && go test -gcflags all=-dwarf=false -count=1 .)
lab "$LAB/inside.sh" "${tests[@]}" & # in the background, so that a signal is heeded at once
wait $!
