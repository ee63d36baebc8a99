# The Go programs, and how a Go provider is started. Needs proc.sh and nacos.sh; REGISTRY_URL, where it
# is set, is another registry to be found in.

BIN="$E2E_RUN/bin"

# build_go PROGRAM…   peer, hostile, …: folders of this module
build_go() {
  local p; mkdir -p "$BIN"
  for p in "$@"; do (cd "$E2E" && go build -o "$BIN/$p" "./$p") || die "go build ./$p failed"; done
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
