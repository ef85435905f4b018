# A small Linux userland from this machine's own files: bash, busybox, and the libraries that they need.
# shellcheck shell=bash

readonly MULTIARCH=x86_64-linux-gnu

userland() { # root
  local root=$1 applet
  mkdir -p "$root"/{bin,usr/bin,lib64,lib/$MULTIARCH,tmp,proc,dev,etc,root}
  chmod 1777 "$root/tmp"
  cp -L /bin/bash /bin/busybox "$root/bin/"
  for applet in $(/bin/busybox --list); do
    [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
  done
  ln -s ../../bin/env "$root/usr/bin/env"
  cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
  # Name lookups load these by name at run time, so ldd does not list them.
  cp -L /lib/$MULTIARCH/{libnss_dns.so.2,libnss_files.so.2,libresolv.so.2} "$root/lib/$MULTIARCH/"
  libraries_of "$root" /bin/bash /bin/busybox
  printf 'root:x:0:0:root:/root:/bin/bash\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
}

# Copies the shared libraries that programs of this machine need; not those they bring along themselves.
libraries_of() { # root file...
  local root=$1 library
  shift
  { printf '%s\0' "$@" | xargs -0 -n1 ldd 2>/dev/null || true; } |
    awk '$3 ~ "^/(usr/)?lib/x86_64" {print $3}' | sort -u |
    while read -r library; do cp -L "$library" "$root/lib/$MULTIARCH/"; done
}

add_user() { # root name id
  printf '%s:x:%d:%d::/home/%s:/bin/bash\n' "$2" "$3" "$3" "$2" >>"$1/etc/passwd"
  printf '%s:x:%d:\n' "$2" "$3" >>"$1/etc/group"
  mkdir -p "$1/home/$2"
  chown "$3:$3" "$1/home/$2"
}

# Runs a command in the image. /proc is a must: java finds its own libraries by its path there.
inside() { # root command...
  local root=$1
  shift
  # shellcheck disable=SC2016  # the inner shell's variables
  unshare --mount --pid --net --fork --propagation private bash -ec '
    mount -t proc proc "$0/proc"
    mount -t tmpfs -o mode=755 dev "$0/dev"
    for device in null zero random urandom; do touch "$0/dev/$device"; mount --bind "/dev/$device" "$0/dev/$device"; done
    ip link set lo up
    root=$0; exec chroot "$root" "$@"' "$root" "$@"
}
