# The agent that serves Kafka's JMX figures to Prometheus, for an init container that copies it to where Kafka's Java
# finds it: /jmx_prometheus_javaagent.jar, and a shell to copy it with. The publisher has no such image.
# shellcheck shell=bash disable=SC2034,SC2154  # shares names with lib/images.sh

tag=docker.io/kubectl-kafka/jmx-exporter:1.0.1
parts=(images/base/userland.sh images/base/java.sh)
settings='{"User":"1000","WorkingDir":"/","Cmd":["/bin/sh"],
"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}'

fill() {
  local part
  for part in base/userland base/java; do
    # shellcheck source=/dev/null  # checked on their own
    source "$here/images/$part.sh"
  done
  userland "$1"
  jars "$1" io.prometheus.jmx:jmx_prometheus_javaagent:1.0.1
  mv "$1"/jmx_prometheus_javaagent-*.jar "$1/jmx_prometheus_javaagent.jar"
  chmod 644 "$1/jmx_prometheus_javaagent.jar"
}
