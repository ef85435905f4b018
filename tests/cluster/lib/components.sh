# How each component is run. Kept light: the two cores of a small machine are for Kafka and the builds, so whatever
# only watches, profiles or elects is off, and so are the ports that nobody asks.
# shellcheck shell=bash

start_containerd() {
  launch containerd containerd --config "$RUN/containerd.toml"
}

# A cluster that is thrown away need not survive a power cut.
start_etcd() {
  local url=http://127.0.0.1
  launch etcd "$BIN/kubernetes" etcd --data-dir "$RUN/etcd" --log-level warn --unsafe-no-fsync \
    --listen-client-urls "$url:$ETCD_PORT" --advertise-client-urls "$url:$ETCD_PORT" \
    --listen-peer-urls "$url:$ETCD_PEER_PORT" --initial-advertise-peer-urls "$url:$ETCD_PEER_PORT" \
    --initial-cluster "default=$url:$ETCD_PEER_PORT"
}

start_apiserver() {
  launch apiserver "$BIN/kubernetes" kube-apiserver \
    --etcd-servers "http://127.0.0.1:$ETCD_PORT" \
    --bind-address "$NODE_IP" --advertise-address "$NODE_IP" --secure-port "$API_PORT" \
    --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" --client-ca-file "$PKI/ca.crt" \
    --service-account-key-file "$PKI/sa.key" --service-account-signing-key-file "$PKI/sa.key" \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --kubelet-client-certificate "$PKI/admin.crt" --kubelet-client-key "$PKI/admin.key" \
    --kubelet-certificate-authority "$PKI/ca.crt" --kubelet-preferred-address-types InternalIP \
    --service-cluster-ip-range "$SERVICE_RANGE" --authorization-mode Node,RBAC --allow-privileged \
    --profiling=false --event-ttl 1h
}

start_controller_manager() {
  launch controller-manager "$BIN/kubernetes" kube-controller-manager --kubeconfig "$KUBECONFIG_FILE" \
    --service-account-private-key-file "$PKI/sa.key" --root-ca-file "$PKI/ca.crt" --use-service-account-credentials \
    --leader-elect=false --profiling=false --secure-port 0
}

start_scheduler() {
  launch scheduler "$BIN/kubernetes" kube-scheduler --kubeconfig "$KUBECONFIG_FILE" \
    --leader-elect=false --profiling=false --secure-port 0
}

# The connection tracking limits belong to the machine, not to us: 0 leaves them alone.
start_proxy() {
  launch proxy "$BIN/kubernetes" kube-proxy --kubeconfig "$KUBECONFIG_FILE" --hostname-override "$NODE" \
    --proxy-mode nftables --cluster-cidr "$POD_RANGE" --nodeport-addresses "$NODE_IP/32" \
    --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0s --conntrack-tcp-timeout-close-wait 0s \
    --healthz-bind-address '' --metrics-bind-address ''
}

start_kubelet() {
  launch kubelet "$BIN/kubernetes" kubelet --config "$RUN/kubelet.yaml" --kubeconfig "$KUBECONFIG_FILE" \
    --hostname-override "$NODE" --node-ip "$NODE_IP" --root-dir "$RUN/kubelet" --cert-dir "$RUN/kubelet/pki" \
    --housekeeping-interval 30s
}

start_coredns() {
  launch coredns "$BIN/coredns" -conf "$RUN/Corefile"
}

start_provisioner() {
  launch provisioner "$BIN/kubernetes" provisioner --kubeconfig "$KUBECONFIG_FILE" --directory "$VOLUMES" --node "$NODE"
}
