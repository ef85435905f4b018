# The verbs `down` and `clean`. They work on whatever a crashed or half-finished start left too, so no step
# relies on an earlier one having run.
# shellcheck shell=bash

down() {
  if [ ! -e "$RUN" ]; then
    say "the cluster is down"
    return
  fi
  say "stopping Kubernetes"
  mkdir -p "$PIDS"
  # Nothing may start pods any more before the pods are ended.
  end_processes 3 kubelet controller-manager scheduler provisioner proxy coredns
  end_pods
  # The API server would wait a minute for its watches to end.
  end_processes 1 apiserver etcd containerd
  end_shims
  say "removing what it left"
  unmount_all
  remove_network
  remove_tables
  remove_cgroup
  remove_leftovers
  restore_kernel_settings
  rm -f "$KUBECONFIG_FILE"
  rm -rf "$RUN"
  say "the cluster is down"
}

# Containers are killed, not asked: their data goes in a moment anyway.
end_pods() {
  local pids
  while
    mapfile -t pids < <(cgroup_processes)
    [ ${#pids[@]} -gt 0 ]
  do
    kill -KILL "${pids[@]}" 2>/dev/null || true
    sleep 0.05
  done
}

# containerd starts a shim per pod that outlives it. Ours name our socket in their arguments.
shims() {
  local arguments
  for arguments in /proc/[0-9]*/cmdline; do
    if tr '\0' '\n' <"$arguments" | grep -qxF -- "$CONTAINERD_SOCKET"; then
      arguments=${arguments#/proc/}
      echo "${arguments%/cmdline}"
    fi
  done 2>/dev/null
}

end_shims() {
  local pids address
  while
    mapfile -t pids < <(shims)
    [ ${#pids[@]} -gt 0 ]
  do
    kill -KILL "${pids[@]}" 2>/dev/null || true
    sleep 0.05
  done
  # Their sockets are at a place that cannot be configured; each shim's directory names its own.
  for address in "$RUN"/containerd-state/io.containerd.runtime.v2.task/k8s.io/*/address; do
    [ ! -e "$address" ] || rm -f "$(sed 's|^unix://||' "$address")"
  done
  rmdir /run/containerd/s /run/containerd 2>/dev/null || true
}

# The deepest first; mountinfo writes blanks as \040.
unmount_all() {
  local mount
  awk '{print $5}' /proc/self/mountinfo | sort -r | while read -r mount; do
    mount=$(printf '%b' "$mount")
    [[ $mount == "$RUN"/* ]] || continue
    umount "$mount" 2>/dev/null || umount --lazy "$mount" || true
  done
}

# kubelet links its logs and makes its sockets at places that cannot be configured.
remove_leftovers() {
  local link
  for link in /var/log/containers/*; do
    [[ $(readlink "$link" || true) != "$RUN"/* ]] || rm -f "$link"
  done
  rm -f /var/lib/kubelet/device-plugins/kubelet.sock
  rmdir /var/log/containers /var/lib/kubelet/device-plugins /var/lib/kubelet 2>/dev/null || true
}

clean() {
  down
  rm -rf "$CACHE" "$LOGS"
  say "removed what was built; $STATE holds nothing but the lock"
}
