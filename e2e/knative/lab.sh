# Settings of the Knative lab and what its scripts share. Sourced, not run.

LAB="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# What build.sh makes: outside the clone, so that a fresh clone does not build Kubernetes again.
LAB_CACHE="${LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dubbofn-lab}"
# What a running lab writes; down.sh removes it.
LAB_RUN="${LAB_RUN:-${TMPDIR:-/tmp}/dubbofn-lab}"
LAB_BIN="$LAB_CACHE/bin" LAB_IMAGES="${LAB_IMAGES:-$LAB_CACHE/images}" LAB_YAML="$LAB_CACHE/yaml"
LAB_LOGS="$LAB_RUN/log" PKI="$LAB_RUN/pki"
KUBECONFIG_FILE="$PKI/admin.kubeconfig"
CONTAINERD="$LAB_RUN/containerd.sock"

# Addresses: all of them exist only in the lab's own network namespace.
NODE_IP=10.99.0.1       # what pods call a program by that runs with `lab`
POD_CIDR=10.98.0.0/16
SERVICE_CIDR=10.97.0.0/16
DNS_IP=10.97.0.10
INGRESS_IP=10.97.0.20
IMAGE_REGISTRY=$NODE_IP:5000 # where e2e/oci listens while a test pushes images
DOMAIN=lab.test         # a public Knative Service is NAME.NAMESPACE.lab.test
# The machine's loopback ports that lead into the lab.
HTTP_PORT="${LAB_HTTP_PORT:-18080}"
API_PORT="${LAB_API_PORT:-16443}"

# Versions that no go.mod in this folder pins.
KUBERNETES=1.34.4
ENVOY=1.40.0

note() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }
now_ms() { date +%s%3N; }

# lab COMMAND…   runs it in the lab's namespaces. Not `ip netns exec`, which hides /sys/fs/cgroup.
lab() { nsenter -t "$(cat "$LAB_RUN/init.pid")" -n -m -p -u -- "$@"; }
kubectl() { lab env KUBECONFIG="$KUBECONFIG_FILE" "$LAB_BIN/kubectl" "$@"; }
ctr() { lab ctr -a "$CONTAINERD" -n k8s.io "$@"; }
is_up() { [ -s "$LAB_RUN/init.pid" ] && kill -0 "$(cat "$LAB_RUN/init.pid")" 2>/dev/null; }
need_root() { [ "$(id -u)" = 0 ] || die "$(basename "$0"): the lab makes namespaces and mounts, which needs root"; }
