# The two programs that are compiled: Kubernetes (every component in one, with etcd, kubectl and our provisioner), and
# CoreDNS. Nothing is fetched but Go modules.
# shellcheck shell=bash

build() {
  install_packages
  mkdir -p "$BIN" "$IMAGES" "$LOGS"
  build_program kubernetes "Kubernetes (the first time takes about 10 minutes)" "$(kubernetes_flags)"
  ln -sf kubernetes "$BIN/kubectl"
  build_program coredns "CoreDNS" ''
  build_images
}

build_program() { # name description linker-flags
  local name=$1 directory=$here/$1
  [ "$name" != coredns ] || directory=$here/dns
  if [ -x "$BIN/$name" ] && fresh "$name" "$BIN/$name.stamp"; then return; fi
  check_go
  check_room "$BUILD_ROOM_MB" "$CACHE"
  step "build-$name-modules.log" "fetching the Go modules of $name" go -C "$directory" mod download
  step "build-$name.log" "compiling $2" compile "$directory" "$BIN/$name" "$3"
  stamp_of "$name" >"$BIN/$name.stamp"
}

compile() { # directory output linker-flags
  # -v names each package as it is compiled, which is what shows that a long build moves.
  CGO_ENABLED=0 go -C "$1" build -v -buildvcs=false -ldflags "-s -w $3" -o "$2.new" .
  mv "$2.new" "$2"
}

# A server that does not say which version it is gets treated as one too old by clients.
kubernetes_flags() {
  local version package=k8s.io/component-base/version
  version=$(awk '{sub(/^require /, "")} $1 == "k8s.io/kubernetes" {print $2; exit}' "$here/kubernetes/go.mod")
  IFS=. read -r major minor _ <<<"${version#v}"
  echo "-X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
}
