#!/usr/bin/env bash
# up.sh   brings the lab up from nothing: namespaces, containerd, etcd, Kubernetes, DNS, Knative Serving, the ingress; half a minute.
# Safe to call again: what already runs is left alone. down.sh ends all of it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
need_root
[ -e "$LAB_CACHE/yaml.done" ] || die "up.sh: $LAB_CACHE holds no finished build: run build.sh first"
START="$(now_ms)"
say() { local t=$(($(now_ms) - START)); printf '%4d.%d s  %s\n' $((t / 1000)) $((t % 1000 / 100)) "$*"; }

# until_ok SECONDS WHAT COMMAND…   five times a second, until it succeeds
until_ok() {
  local end=$(($(now_ms) + $1 * 1000)) what="$2"; shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$(now_ms)" -lt "$end" ] || { note "up.sh: not in time: $what" >&2; "$@" >&2 || true; exit 1; }
    sleep 0.2
  done
}
# put FILE   writes standard input there unless it already says so: kube-proxy ends when its configuration file is touched
put() { local new; new="$(cat)"; [ -f "$1" ] && [ "$new" = "$(cat "$1")" ] || printf '%s\n' "$new" >"$1"; }
# start NAME COMMAND…   in the lab, as a child of the lab's init
start() {
  local name="$1"; shift
  if [ -s "$LAB_LOGS/$name.pid" ] && lab kill -0 "$(cat "$LAB_LOGS/$name.pid")" 2>/dev/null; then return; fi
  lab bash -c 'log="$1" pid="$2"; shift 2; setsid "$@" >"$log" 2>&1 </dev/null & echo $! >"$pid"' - "$LAB_LOGS/$name.log" "$LAB_LOGS/$name.pid" "$@"
}

# --- namespaces: network, mounts, processes, host name; their init is the pause program
namespaces() {
  is_up && return
  local folder
  for folder in etcd containerd containerd.state kubelet cni cni.state podlogs log pki; do
    rm -rf "${LAB_RUN:?}/$folder"; mkdir -p "$LAB_RUN/$folder"
  done
  # the kubelet sets these for the whole machine; down.sh puts them back
  for s in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    echo "$s $(cat "/proc/sys/$s")"
  done >"$LAB_RUN/sysctl.saved"
  rm -f "$LAB_RUN/init.pid" "$LAB_RUN/init.ready"
  # shellcheck disable=SC2016
  setsid unshare --net --mount --pid --uts --fork --propagation private --mount-proc \
    bash -euc '
      run="$1" pause="$2" address="$3"
      hostname lab
      mount --make-rshared /
      mkdir -p /run/containerd /run/netns /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers
      mount -t tmpfs tmpfs /run/containerd; mount -t tmpfs tmpfs /run/netns; mount --make-rshared /run/netns
      mount --bind "$run/kubelet" /var/lib/kubelet; mount --make-rshared /var/lib/kubelet
      mount --bind "$run/cni.state" /var/lib/cni
      mount --bind "$run/podlogs" /var/log/pods
      # what runs here by `lab` asks the cluster for names, and has an answer for its own at once
      printf "127.0.0.1 localhost lab\n" >"$run/hosts"; mount --bind "$run/hosts" /etc/hosts
      printf "nameserver %s\noptions timeout:1 attempts:1\n" "$4" >"$run/resolv.names"; mount --bind "$run/resolv.names" /etc/resolv.conf
      ip link set lo up
      ip link add lab0 type bridge; ip addr add "$address/24" dev lab0; ip link set lab0 up
      ip route add default dev lab0
      echo 1 >/proc/sys/net/ipv4/ip_forward
      touch "$run/init.ready"
      exec "$pause"
    ' - "$LAB_RUN" "$LAB_BIN/pause" "$NODE_IP" "$DNS_IP" >"$LAB_RUN/init.log" 2>&1 </dev/null &
  local parent=$!
  until_ok 10 namespaces test -e "$LAB_RUN/init.ready"
  tr -d ' ' <"/proc/$parent/task/$parent/children" >"$LAB_RUN/init.pid"
}

runtime() {
  put "$LAB_RUN/containerd.toml" <<TOML
version = 2
root = "$LAB_RUN/containerd"
state = "$LAB_RUN/containerd.state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$CONTAINERD"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "dev.local/pause:lab"
  # root without CAP_SYS_RESOURCE can't lower it below its own, and runc would die of it
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$LAB_RUN/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$LAB_RUN/registries"
TOML
  mkdir -p "$LAB_RUN/registries/$IMAGE_REGISTRY"
  put "$LAB_RUN/registries/$IMAGE_REGISTRY/hosts.toml" <<TOML
server = "http://$IMAGE_REGISTRY"
[host."http://$IMAGE_REGISTRY"]
  capabilities = ["pull", "resolve"]
TOML
  put "$LAB_RUN/cni/10-lab.conflist" <<JSON
{"cniVersion":"0.3.1","name":"lab","plugins":[
 {"type":"ptp","ipMasq":false,"ipam":{"type":"host-local","ranges":[[{"subnet":"$POD_CIDR"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
JSON
  start containerd containerd -c "$LAB_RUN/containerd.toml"
  until_ok 20 containerd ctr version
  local have archive name
  have="$(ctr images ls -q)"
  for archive in "$LAB_IMAGES"/*.tar; do
    name="$(basename "$archive" .tar)"
    grep -qx "dev.local/$name:lab" <<<"$have" || ctr images import "$archive" >/dev/null
  done
}

control_plane() {
  [ -s "$PKI/admin.kubeconfig" ] || "$LAB_BIN/pki" "$PKI" "https://$NODE_IP:6443" lab "$NODE_IP" "${SERVICE_CIDR%.*.*}.0.1"
  start etcd "$LAB_BIN/etcd" --data-dir "$LAB_RUN/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  start kube-apiserver "$LAB_BIN/kube-apiserver" --etcd-servers http://127.0.0.1:2379 \
    --secure-port 6443 --bind-address 0.0.0.0 --advertise-address "$NODE_IP" --service-cluster-ip-range "$SERVICE_CIDR" \
    --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" --client-ca-file "$PKI/ca.crt" \
    --kubelet-client-certificate "$PKI/admin.crt" --kubelet-client-key "$PKI/admin.key" --kubelet-certificate-authority "$PKI/ca.crt" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$PKI/sa.key" --service-account-signing-key-file "$PKI/sa.key" \
    --kubelet-preferred-address-types InternalIP --authorization-mode RBAC --allow-privileged --profiling=false
  until_ok 60 "API server" kubectl get --raw /readyz
  local as=(--kubeconfig "$KUBECONFIG_FILE" --authentication-kubeconfig "$KUBECONFIG_FILE" --authorization-kubeconfig "$KUBECONFIG_FILE" --leader-elect=false --bind-address 127.0.0.1)
  start kube-controller-manager "$LAB_BIN/kube-controller-manager" "${as[@]}" --service-account-private-key-file "$PKI/sa.key" --root-ca-file "$PKI/ca.crt"
  start kube-scheduler "$LAB_BIN/kube-scheduler" "${as[@]}"
}

node() {
  : >"$LAB_RUN/resolv.conf"
  put "$LAB_RUN/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
failSwapOn: false
containerRuntimeEndpoint: unix://$CONTAINERD
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: "$PKI/ca.crt"}}
authorization: {mode: AlwaysAllow}
tlsCertFile: $PKI/kubelet.crt
tlsPrivateKeyFile: $PKI/kubelet.key
clusterDNS: ["$DNS_IP"]
clusterDomain: cluster.local
resolvConf: $LAB_RUN/resolv.conf
serializeImagePulls: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "100Mi", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
YAML
  start kubelet "$LAB_BIN/kubelet" --config "$LAB_RUN/kubelet.yaml" --kubeconfig "$KUBECONFIG_FILE" --hostname-override lab \
    --node-ip "$NODE_IP" --root-dir /var/lib/kubelet
  # in a network namespace of its own kube-proxy may not set conntrack's limits: 0 leaves them
  put "$LAB_RUN/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: $POD_CIDR
hostnameOverride: lab
clientConnection: {kubeconfig: "$KUBECONFIG_FILE"}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
YAML
  start kube-proxy "$LAB_BIN/kube-proxy" --config "$LAB_RUN/kube-proxy.yaml"
  until_ok 60 "node Ready" kubectl wait --for=condition=Ready node/lab --timeout=1s
}

fill() { sed -e "s#\${DNS_IP}#$DNS_IP#g" -e "s#\${INGRESS_IP}#$INGRESS_IP#g" "$1"; }
# On the server's side: a big CRD does not fit into the annotation that a client's apply leaves.
apply() { kubectl apply --server-side --force-conflicts -f - >/dev/null; }
available() { kubectl -n "$1" wait --for=condition=Available deployment --all --timeout=300s >/dev/null; }
configure() { kubectl -n knative-serving patch configmap "$1" --type merge -p "{\"data\":$2}" >/dev/null; }

serving() {
  fill "$LAB/manifests/dns.yaml" | apply
  apply <"$LAB_YAML/1-crds.yaml"
  kubectl wait --for=condition=Established crd -l knative.dev/crd-install=true --timeout=60s >/dev/null
  if ! kubectl -n knative-serving get deployment webhook >/dev/null 2>&1; then
    apply <"$LAB_YAML/2-config.yaml"
    configure config-network '{"ingress-class":"lab.ingress.networking.knative.dev"}'
    configure config-domain "{\"$DOMAIN\":\"\"}"
    # zero as soon as Knative can: the shortest window and grace that it takes
    configure config-autoscaler '{"stable-window":"6s","scale-to-zero-grace-period":"6s","scale-to-zero-pod-retention-period":"0s","allow-zero-initial-scale":"true"}'
    # images are in containerd already; there is no registry to ask for their digests
    configure config-deployment '{"registries-skipping-tag-resolving":"dev.local"}'
    apply <"$LAB_YAML/3-run.yaml"
  fi
  fill "$LAB/manifests/ingress.yaml" | apply
  available kube-system; say "DNS"
  available knative-serving; say "Knative Serving"
  available lab-ingress; say "ingress"
}

# forward LISTEN=TARGET…   from the machine's loopback into the lab
forward() {
  local pid="$LAB_RUN/forward.pid"
  if [ -s "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; then return; fi
  setsid "$LAB_BIN/forward" "$(cat "$LAB_RUN/init.pid")" "$@" >"$LAB_LOGS/forward.log" 2>&1 </dev/null &
  echo $! >"$pid"
}

mkdir -p "$LAB_LOGS" "$PKI"
namespaces; say "namespaces"
runtime; say "containerd, images"
control_plane; say "API server"
node; say "node"
serving
forward "127.0.0.1:$HTTP_PORT=$INGRESS_IP:80" "127.0.0.1:$API_PORT=127.0.0.1:6443"
sed "s#server: .*:6443\"#server: \"https://127.0.0.1:$API_PORT\"#" "$KUBECONFIG_FILE" >"$PKI/outside.kubeconfig"
say "up: ingress http://127.0.0.1:$HTTP_PORT (Host: NAME.NAMESPACE.$DOMAIN), API https://127.0.0.1:$API_PORT (KUBECONFIG=$PKI/outside.kubeconfig)"
