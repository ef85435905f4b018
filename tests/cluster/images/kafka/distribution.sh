# The layout of the official distribution below /opt/kafka, from the published jars.
# shellcheck shell=bash disable=SC2154  # `here` comes from the entry script

kafka_distribution() { # root version kind-directory jar...
  local kafka=$1/opt/kafka kind=$here/images/kafka/$3
  mkdir -p "$kafka"/{bin,libs,config} "$1"/etc/kafka/secrets "$1"/mnt/shared/config "$1"/var/lib/kafka/data
  jars "$kafka/libs" "org.apache.kafka:kafka_2.13:$2" "org.apache.kafka:kafka-tools:$2" "${@:4}"
  cp "$here"/images/kafka/bin/*.sh "$kafka/bin/"
  cp "$kind"/config/* "$kafka/config/"
  kafka_tools "$kafka" "$kind/tools"
  chmod 755 "$kafka"/bin/*.sh
  class_archive "$1" "$kind/train.sh"
  chown -R 1000:1000 "$kafka" "$1"/etc/kafka "$1"/mnt/shared "$1"/var/lib/kafka
}

# One script per tool. A class that is not in the jars would only show when someone runs the tool, so look now.
kafka_tools() { # kafka-directory list
  local name class classes
  classes=$(for jar in "$1"/libs/*.jar; do unzip -l "$jar"; done)
  while read -r name class; do
    [[ $name != '#'* && -n $name ]] || continue
    grep -qF " ${class//.//}.class" <<<"$classes" || {
      echo "no jar has $class, which $name runs"
      return 1
    }
    # shellcheck disable=SC2016  # the tool's own variables
    printf '#!/bin/bash\nexec "$(dirname "$0")"/kafka-run-class.sh %s "$@"\n' "$class" >"$1/bin/$name.sh"
  done <"$2"
}

# Java's start takes most of a test's time, and loading classes most of Java's start.
class_archive() { # root script
  cp "$2" "$1/tmp/train.sh"
  # Java asks for the name of the host it is on; a pod's own file of hosts replaces this one.
  printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$1/etc/hosts"
  inside "$1" /bin/bash /tmp/train.sh
  rm "$1/tmp/train.sh"
}
