# The Go programs, and how a Go provider is started. Needs proc.sh and nacos.sh; REGISTRY_URL, where it
# is set, is another registry to be found in.

BIN="$E2E_RUN/bin"

# build_command   the command dubbofn
build_command() { mkdir -p "$BIN" && (cd "$E2E/.." && go build -o "$BIN/dubbofn" ./cmd/dubbofn) || die "go build ./cmd/dubbofn failed"; }

# build_go PROGRAM…   peer, hostile, …: folders of this module
build_go() {
  local p; mkdir -p "$BIN"
  for p in "$@"; do (cd "$E2E" && go build -o "$BIN/${p##*/}" "./$p") || die "go build ./$p failed"; done
}

# go_up NAME PORT TRANSPORT [VARIABLE=VALUE…] [-- FLAGS…]   a Go provider of the kit's services; its HTTP port is PORT+50
go_up() { go_launch "$@"; await "$1" '^PROVIDER-READY' 60; }

# go_launch does not wait until it is ready.
go_launch() {
  local name="$1" port="$2" transport="$3" env=(); shift 3
  while [ $# -gt 0 ] && [ "$1" != -- ]; do env+=("$1"); shift; done
  [ "${1:-}" != -- ] || shift
  spawn "$name" env DUBBOFN_APP=dubbofn-e2e DUBBOFN_REGISTRY="${REGISTRY_URL:-$NACOS_URL}" DUBBOFN_BIND=127.0.0.1 DUBBOFN_HOST=127.0.0.1 DUBBOFN_REGISTER_MODE=instance \
    DUBBOFN_PORT="$port" PORT=$((port + 50)) "${env[@]}" "$BIN/peer" provider -name "$name" -transport "$transport" "$@"
}

# activator_up NAME PORT [VARIABLE=VALUE…]   the same provider as a function that sleeps, behind an activator that listens on PORT. It goes to
# sleep after a second without calls, so that it is woken a number of times in the course of a run.
activator_up() {
  local name="$1" port="$2" program="$E2E_RUN/functions/dubbofn-e2e"; shift 2 # the program's name is the application's
  mkdir -p "${program%/*}"
  printf '#!/bin/sh\nexec "%s" provider -name "%s"\n' "$BIN/peer" "$name" >"$program" && chmod +x "$program"
  spawn "$name" env DUBBOFN_REGISTRY="${REGISTRY_URL:-$NACOS_URL}" DUBBOFN_HOST=127.0.0.1 "$@" \
    "$BIN/dubbofn" run --verbose --idle 1s --port "$port" --admin-port $((port + 50)) "$program"
  await "$name" '^  end ' 60
}
