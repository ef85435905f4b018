# The configuration files of containerd, the pods' network, kubelet and CoreDNS.
# shellcheck shell=bash

make_config() {
  mkdir -p "$RUN"/{cni,cni-state,volumes,kubelet,pod-logs,volume-plugins} "$PIDS" "$LOGS"
  containerd_config >"$RUN/containerd.toml"
  network_config >"$RUN/cni/10-pods.conflist"
  kubelet_config >"$RUN/kubelet.yaml"
  dns_config >"$RUN/Corefile"
}

cni_directory() {
  local directory
  for directory in /usr/lib/cni /opt/cni/bin; do
    [ ! -x "$directory/bridge" ] || { echo "$directory"; return; }
  done
  fail "there are no CNI plugins" "apt-get install containernetworking-plugins"
}

# Everything that containerd leaves on disk is below the run directory, or `down` could not tell it from that of
# another containerd on the machine.
containerd_config() {
  cat <<TOML
version = 2
root = "$RUN/containerd"
state = "$RUN/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "$CONTAINERD_SOCKET"
[plugins."io.containerd.internal.v1.opt"]
  path = "$RUN/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE_IMAGE"
  netns_mounts_under_state_dir = true
  # Where root lacks CAP_SYS_RESOURCE, runc dies without this: "can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$(cni_directory)"
    conf_dir = "$RUN/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "$RUN/runc"
TOML
}

# No masquerading: the bridge plugin would need iptables for it, and pods have nowhere to go beyond this machine.
network_config() {
  cat <<JSON
{"cniVersion": "0.4.0", "name": "$NETWORK", "plugins": [
  {"type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$RUN/cni-state",
            "ranges": [[{"subnet": "$POD_RANGE"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
}

# Image collection and eviction are off: an image that was collected could not be pulled again, and a full disk on a
# developer's machine is no reason to evict the pods of a test.
kubelet_config() {
  cat <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
port: $KUBELET_PORT
healthzPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet.crt
tlsPrivateKeyFile: $PKI/kubelet.key
containerRuntimeEndpoint: unix://$CONTAINERD_SOCKET
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
failCgroupV1: false
makeIPTablesUtilChains: false
failSwapOn: false
clusterDNS: [$NODE_IP]
clusterDomain: cluster.local
podLogsDir: $RUN/pod-logs
volumePluginDir: $RUN/volume-plugins
imageGCHighThresholdPercent: 100
evictionHard: {imagefs.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", memory.available: 50Mi}
enableDebugFlagsHandler: false
enableProfilingHandler: false
serializeImagePulls: false
eventRecordQPS: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
YAML
}

# A short cache, because a test asks for a pod's name right after creating it. Names outside the cluster do not exist.
dns_config() {
  cat <<TEXT
.:$DNS_PORT {
    bind $NODE_IP
    errors
    cache 5 {
        denial 1000 1
    }
    kubernetes cluster.local in-addr.arpa {
        kubeconfig $KUBECONFIG_FILE $CONTEXT
        ttl 5
    }
    template ANY ANY . {
        rcode NXDOMAIN
    }
}
TEXT
}
