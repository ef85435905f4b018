# apache/kafka 3.9.2, of the last line that runs with ZooKeeper, from its published jars; like kafka-4.3.1.sh otherwise.
# metrics-core is what ZooKeeper's own server needs beside them, which zookeeper-server-start.sh runs.
# shellcheck shell=bash disable=SC2034,SC2154  # shares names with lib/images.sh

tag=docker.io/apache/kafka:3.9.2
parts=(images/base/userland.sh images/base/java.sh images/kafka/distribution.sh images/kafka/bin/*
  images/kafka/3.9/{train.sh,tools} images/kafka/3.9/config/*)
settings='{"User":"appuser","WorkingDir":"/","Cmd":["/bin/bash"],"ExposedPorts":{"9092/tcp":{}},
"Volumes":{"/etc/kafka/secrets":{},"/mnt/shared/config":{}},
"Env":["PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","JAVA_HOME=/opt/java/openjdk"]}'

fill() {
  local part
  for part in base/userland base/java kafka/distribution; do
    # shellcheck source=/dev/null  # checked on their own
    source "$here/images/$part.sh"
  done
  userland "$1"
  add_user "$1" appuser 1000
  java_runtime "$1"
  kafka_distribution "$1" 3.9.2 3.9 org.slf4j:slf4j-reload4j:1.7.36 io.dropwizard.metrics:metrics-core:4.1.12.1
}
