# apache/kafka 4.3.1 from its published jars, to the official image's contract: uid 1000, /opt/kafka/{bin,config,libs},
# /var/lib/kafka/data, /etc/kafka/secrets. Not there: the entrypoint /etc/kafka/docker/run, which the product never uses.
# shellcheck shell=bash disable=SC2034,SC2154  # shares names with lib/images.sh

tag=docker.io/apache/kafka:4.3.1
parts=(images/base/userland.sh images/base/java.sh images/kafka/distribution.sh images/kafka/bin/*
  images/kafka/4/{train.sh,tools} images/kafka/4/config/*)
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
  kafka_distribution "$1" 4.3.1 4 org.apache.logging.log4j:log4j-slf4j-impl:2.24.3
}
