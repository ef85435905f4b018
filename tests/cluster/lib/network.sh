# The pods' bridge, the kernel settings and the cgroup: made at start, put back by `down`.
# shellcheck shell=bash

# kubelet and kube-proxy set these; what they were before is kept beside the cluster's state.
readonly KERNEL_SETTINGS=(net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables
  vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys
  kernel/keys/root_maxbytes)

make_network() {
  # A pod that reaches another pod of the same bridge through a service must get the answer through the
  # translation too, not straight from the other pod.
  [ -e /proc/sys/net/bridge ] || modprobe br_netfilter || true
  save_kernel_settings
  [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] ||
    fail "this kernel has no br_netfilter, so services would not work" "modprobe br_netfilter"
  echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
  echo 1 >/proc/sys/net/ipv4/ip_forward
  # The node's address must not be a loopback address, so the bridge exists before the first pod does.
  ip link add "$BRIDGE" type bridge || fail "cannot create a network bridge" "run as root with the NET_ADMIN capability"
  ip addr add "$NODE_IP/${POD_RANGE#*/}" dev "$BRIDGE"
  ip link set "$BRIDGE" up
}

remove_network() {
  local interface
  for interface in $(ip -o link show master "$BRIDGE" 2>/dev/null | awk -F'[:@ ]+' '{print $2}') "$BRIDGE"; do
    ip link delete "$interface" 2>/dev/null || true
  done
  # Cached results of the network plugins, at a place that cannot be configured.
  rm -f "/var/lib/cni/results/$NETWORK"-*
  rmdir /var/lib/cni/results /var/lib/cni 2>/dev/null || true
}

# The tables carry kube-proxy's name, not ours: remove them only if they were not there before the start.
note_foreign_tables() { kube_proxy_tables >"$RUN/foreign-tables"; }

kube_proxy_tables() { nft list tables 2>/dev/null | grep -w kube-proxy || true; }

remove_tables() {
  local table
  [ -e "$RUN/foreign-tables" ] || return 0
  kube_proxy_tables | grep -vxFf "$RUN/foreign-tables" | while read -r table; do
    # shellcheck disable=SC2086  # "table ip kube-proxy" is three words
    nft delete $table
  done || true
}

save_kernel_settings() {
  local setting
  for setting in "${KERNEL_SETTINGS[@]}"; do
    [ ! -e "/proc/sys/$setting" ] || echo "$setting $(cat "/proc/sys/$setting")"
  done >"$RUN/kernel-settings"
}

restore_kernel_settings() {
  local setting value
  [ -e "$RUN/kernel-settings" ] || return 0
  while read -r setting value; do
    [ "$(cat "/proc/sys/$setting")" = "$value" ] || echo "$value" >"/proc/sys/$setting"
  done <"$RUN/kernel-settings"
}

# All pods live in a cgroup of ours, so that `down` finds their processes and no others. Version 1 has a directory
# per controller, version 2 has one, and some machines mount both.
cgroup_roots() { awk '$3 == "cgroup" || $3 == "cgroup2" {print $2}' /proc/self/mounts; }

make_cgroup() {
  local root
  for root in $(cgroup_roots); do
    mkdir -p "$root/$CGROUP" || fail "cannot make a cgroup in $root" "run where the cgroup file system is writable"
  done
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    sed 's/\([a-z]\+\)/+\1/g' "/sys/fs/cgroup/$CGROUP/cgroup.controllers" >"/sys/fs/cgroup/$CGROUP/cgroup.subtree_control"
  fi
}

remove_cgroup() {
  local root
  for root in $(cgroup_roots); do
    [ ! -d "$root/$CGROUP" ] || find "$root/$CGROUP" -depth -type d -exec rmdir {} +
  done
}

cgroup_processes() {
  local root
  for root in $(cgroup_roots); do
    [ ! -d "$root/$CGROUP" ] || find "$root/$CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null
  done | sort -un
}
