# Debian packages: what the cluster and its build run, each named by the file it brings, so that a machine that has
# the file from elsewhere (a containerd of Docker's, a JDK of its own) keeps it.
# shellcheck shell=bash

# Programs of the running cluster.
readonly RUN_PACKAGES="
  containerd:containerd ctr:containerd runc:runc nft:nftables ip:iproute2 ss:iproute2 conntrack:conntrack
  openssl:openssl flock:util-linux mount:mount ps:procps"

# Programs that only a build runs, and kcat, with which the benchmarks compare.
readonly BUILD_PACKAGES="
  gcc:gcc mvn:maven unzip:unzip unshare:util-linux kcat:kcat"

# Files without a program in PATH.
readonly FILE_PACKAGES="
  /usr/lib/cni/bridge:containernetworking-plugins /bin/busybox:busybox
  /usr/include/stdlib.h:libc6-dev /etc/ssl/certs/ca-certificates.crt:ca-certificates"

missing_packages() {
  local entry
  # shellcheck disable=SC2086  # lists of words
  {
    for entry in $RUN_PACKAGES $BUILD_PACKAGES; do
      [ -n "$(type -P "${entry%:*}")" ] || echo "${entry#*:}"
    done
    for entry in $FILE_PACKAGES; do
      [ -e "${entry%:*}" ] || echo "${entry#*:}"
    done
    [ -n "$(find_jdk)" ] || echo openjdk-17-jdk-headless
  } | sort -u
}

install_packages() {
  local packages
  mapfile -t packages < <(missing_packages)
  [ ${#packages[@]} -gt 0 ] || return 0
  step packages-list.log "fetching the list of Debian packages" apt-get update
  step packages.log "installing ${packages[*]}" \
    env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}"
  mapfile -t packages < <(missing_packages)
  [ ${#packages[@]} -eq 0 ] || fail "still missing after the installation: ${packages[*]}" "install by hand what brings them"
}

# The newest JDK of 17 or later that can make a runtime: a newer Java starts Kafka sooner.
find_jdk() {
  local home version best='' best_version=16
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    [ -x "$home/bin/jlink" ] || continue
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release" 2>/dev/null || true)
    if [ "${version:-0}" -gt "$best_version" ]; then
      best=$home best_version=$version
    fi
  done
  echo "$best"
}
