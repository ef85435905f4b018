# What must be true of the machine before anything is built or started: each miss is one line that says what to do.
# shellcheck shell=bash

# A build needs room for Go's cache beside the programs and images; a start for etcd and container layers.
readonly BUILD_ROOM_MB=9000
readonly START_ROOM_MB=2000

# A unix socket's path holds 107 bytes, and kubelet puts sockets some 45 bytes below the state directory.
readonly STATE_PATH_MAX=60

check_root() {
  [ "$(id -u)" = 0 ] || fail "the test cluster needs root: it makes network interfaces, mounts and cgroups" \
    "run it as root, or set KUBECTL_KAFKA_TEST_CONTEXT to a cluster of your own (docs/test-cluster.md)"
}

check_machine() {
  local system
  system="$(uname -s) $(uname -m)"
  [ "$system" = "Linux x86_64" ] || fail "the test cluster runs on Linux x86_64 only, this is $system" \
    "set KUBECTL_KAFKA_TEST_CONTEXT to a cluster of your own (docs/test-cluster.md)"
  [ -n "$(type -P apt-get)" ] || fail "the test cluster needs Debian 12 or a relative of it: there is no apt-get here" \
    "set KUBECTL_KAFKA_TEST_CONTEXT to a cluster of your own (docs/test-cluster.md)"
  check_root
  [ "${#STATE}" -le "$STATE_PATH_MAX" ] || fail "$STATE is too long a path for the sockets in it" \
    "set KUBECTL_KAFKA_TEST_DIR to a path of at most $STATE_PATH_MAX characters"
}

check_room() { # megabytes directory
  local free
  mkdir -p "$2"
  free=$(df --output=avail -m "$2" | tail -n 1)
  [ "$free" -ge "$1" ] || fail "$2 has ${free// /} MB free, $1 MB are needed" \
    "free some, or set KUBECTL_KAFKA_TEST_DIR to a directory on another disk"
}

# Debian 12's own Go is too old to build Kubernetes, so this is the one thing that is not installed here.
check_go() {
  local needed version
  needed=$(awk '$1 == "go" {print $2}' "$here/kubernetes/go.mod")
  [ -n "$(type -P go)" ] || fail "building Kubernetes needs Go $needed or newer, and there is no go in PATH" \
    "install Go and put its bin directory in PATH (Debian 12's own package golang is too old)"
  version=$(go env GOVERSION)
  version=${version#go}
  [ "$(printf '%s\n' "$needed" "$version" | sort -V | head -n 1)" = "$needed" ] ||
    fail "building Kubernetes needs Go $needed or newer, $(type -P go) is $version" "put a newer one first in PATH"
}

check_network() {
  local port owner route
  # Not there before the packages are.
  [ -n "$(type -P ss)" ] || return 0
  for port in "${PORTS[@]}"; do
    owner=$(ss -Hltnp "sport = :$port" | head -n 1)
    [ -z "$owner" ] || fail "port $port is taken by $(port_owner "$owner")" \
      "stop it; if it is another test cluster: KUBECTL_KAFKA_TEST_DIR=ITS_DIRECTORY tests/cluster/cluster down"
  done
  route=$(ip -4 -o route show | awk '$1 ~ /^10\.21[01]\./ {print $1 " on " $3; exit}')
  [ -z "$route" ] || fail "the test cluster's addresses are taken: this machine has a route to $route" \
    "remove that interface, or set KUBECTL_KAFKA_TEST_CONTEXT to a cluster of your own"
}

# A line of ss, as "etcd (process 123: etcd --data-dir ...)".
port_owner() {
  if [[ $1 =~ users:\(\(\"([^\"]+)\",pid=([0-9]+) ]]; then
    printf '%s (process %s: %s)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" \
      "$(tr '\0' ' ' <"/proc/${BASH_REMATCH[2]}/cmdline" | cut -c1-100)"
  else
    printf 'a process that cannot be seen from here'
  fi
}
