# Where things are and what they are called. Everything else reads these and nothing else is configurable.
# shellcheck shell=bash disable=SC2034  # the other parts use them

# Outside the checkout, so that two checkouts share one cluster instead of fighting over ports.
STATE=$(realpath -m -- "${KUBECTL_KAFKA_TEST_DIR:-/var/tmp/kubectl-kafka-test}")
readonly STATE
readonly CACHE=$STATE/cache       # what was built: survives `down`
readonly BIN=$CACHE/bin
readonly IMAGES=$CACHE/images
readonly RUN=$STATE/run           # the running cluster: removed by `down`
readonly PIDS=$RUN/pids
readonly PKI=$RUN/pki
readonly VOLUMES=$RUN/volumes
readonly LOGS=$STATE/logs         # survives `down`, so that a failed start can be read
readonly KUBECONFIG_FILE=$STATE/kubeconfig
readonly CONTAINERD_SOCKET=$RUN/containerd.sock

readonly CONTEXT=kubectl-kafka-test
readonly NODE=node-1
readonly PAUSE_IMAGE=localhost/kubectl-kafka-test/pause:1

# Names and numbers of our own rather than Kubernetes' usual ones, so that another Kubernetes on this machine
# neither clashes with the cluster nor is damaged by `down`. The ports are below the kernel's ephemeral range.
readonly BRIDGE=kkt0
readonly NETWORK=kubectl-kafka-test
readonly CGROUP=kubectl-kafka-test
readonly NODE_IP=10.210.0.1
readonly POD_RANGE=10.210.0.0/24
readonly SERVICE_RANGE=10.211.0.0/16
readonly API_PORT=26443
readonly ETCD_PORT=22379
readonly ETCD_PEER_PORT=22380
readonly KUBELET_PORT=20250
readonly DNS_PORT=53
readonly PORTS=("$API_PORT" "$ETCD_PORT" "$ETCD_PEER_PORT" "$KUBELET_PORT")
