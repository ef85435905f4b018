# The verb `up`.
# shellcheck shell=bash

readonly COMPONENTS=(containerd etcd apiserver controller-manager scheduler proxy kubelet coredns provisioner)

up() {
  check_room "$START_ROOM_MB" "$STATE"
  build
  if [ -e "$RUN" ]; then
    if ! fresh cluster "$RUN/stamp"; then
      say "replacing a cluster that was started from other files, or only by half"
    elif ! healthy; then
      say "replacing a cluster that is not healthy"
    else
      import_images
      say "the cluster is up: context $CONTEXT in $KUBECONFIG_FILE"
      return
    fi
    down
  fi
  start
}

start() {
  check_network
  mkdir -p "$RUN" "$LOGS"
  note_foreign_tables
  make_network
  make_cgroup
  make_config
  step pki.log "making certificates" make_pki
  say "starting Kubernetes"
  start_containerd
  start_etcd
  await "containerd" containerd ctr_cluster version
  import_images &
  local importing=$!
  start_apiserver
  await "the API server" apiserver kubectl get --raw /readyz
  start_controller_manager
  start_scheduler
  start_proxy
  start_kubelet
  start_coredns
  start_provisioner
  kubectl apply -f "$here/manifests" >"$LOGS/manifests.log"
  await "the node" kubelet node_ready
  await "the default service account" controller-manager kubectl get serviceaccount default
  wait "$importing"
  check_alive "${COMPONENTS[@]}"
  stamp_of cluster >"$RUN/stamp"
  say "the cluster is up: context $CONTEXT in $KUBECONFIG_FILE"
}

node_ready() {
  [ "$(kubectl get node "$NODE" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

healthy() {
  local name
  for name in "${COMPONENTS[@]}"; do alive "$name" || return 1; done
  kubectl get --raw /readyz --request-timeout 10s >/dev/null 2>&1 && node_ready
}

ctr_cluster() { ctr --address "$CONTAINERD_SOCKET" --namespace k8s.io "$@"; }

# Only those whose archive changed since they were imported: a new recipe does not restart the cluster.
import_images() {
  local archive name
  for archive in "$IMAGES"/*.tar; do
    name=$(basename "$archive" .tar)
    cmp -s "$IMAGES/$name.stamp" "$RUN/imported-$name" && continue
    say "importing the image $name"
    ctr_cluster images import "$archive" >"$LOGS/import.log" 2>&1 ||
      fail "the image $name cannot be imported" "read $LOGS/import.log"
    cp "$IMAGES/$name.stamp" "$RUN/imported-$name"
  done
}

status() {
  if [ ! -e "$RUN" ]; then
    echo "down"
    return 3
  elif ! healthy; then
    echo "broken: some component is dead or does not answer; start it anew: tests/cluster/cluster up"
    return 3
  fi
  echo "up: context $CONTEXT in $KUBECONFIG_FILE"
  fresh cluster "$RUN/stamp" || echo "started from other files than this checkout's: up would replace it"
  kubectl get nodes,pods --all-namespaces
}
