# The second part of the self test: what `down` leaves behind, and how long a warm start takes.
# shellcheck shell=bash disable=SC2154  # `here` comes from the entry script

test_restart() {
  local began
  began=$SECONDS
  "$here/cluster" down
  printf 'down took %d s\n' $((SECONDS - began))
  check "down leaves no process" no_process
  check "down leaves no mount" no_mount
  check "down leaves no interface" no_interface
  check "down leaves no nftables table" no_table
  check "down leaves no cgroup" no_cgroup
  check "down leaves no port open" no_port
  check "down leaves no file" no_file
  check "down again changes nothing" "$here/cluster" down
  check "status says that it is down" is_down
  began=$SECONDS
  "$here/cluster" up
  printf 'warm up took %d s\n' $((SECONDS - began))
  check "a pod runs after the restart" kubectl run selftest --image "$IMAGE" --restart Never --rm --attach --command -- true
}

no_mount() { ! grep -F -- "$STATE/" /proc/self/mountinfo; }

# Anything that was started from what we built or works on our state: it is named in the arguments. A shim is too.
no_process() {
  local arguments found=0
  for arguments in /proc/[0-9]*/cmdline; do
    if tr '\0' ' ' 2>/dev/null <"$arguments" | grep -F -- "$STATE/"; then found=1; fi
  done
  return "$found"
}

no_interface() { ! ip -o link show | grep -E "$BRIDGE|veth"; }

no_table() { ! nft list tables | grep -w kube-proxy; }

no_cgroup() { ! find /sys/fs/cgroup -maxdepth 2 -name "$CGROUP" | grep .; }

no_port() {
  local port
  for port in "${PORTS[@]}"; do
    [ -z "$(ss -Hltn "sport = :$port")" ] || return 1
  done
}

no_file() {
  local path
  for path in "$RUN" "$KUBECONFIG_FILE" /var/lib/cni/results/"$NETWORK"-* /run/containerd/s/*; do
    if [ -e "$path" ]; then
      echo "$path"
      return 1
    fi
  done
}

is_down() { ! "$here/cluster" status || return 1; }
