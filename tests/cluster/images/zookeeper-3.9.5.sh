# zookeeper 3.9.5 from its published jars, to the official image's contract: uid 1000, /apache-zookeeper-3.9.5-bin with
# its bin in PATH, /conf, /data, /datalog, /logs, the variables ZOO_*, and /docker-entrypoint.sh. Not there: gosu, so that
# a container that runs as root stays root, and the administration server on port 8080, whose jars are left out.
# shellcheck shell=bash disable=SC2034,SC2154  # shares names with lib/images.sh

tag=docker.io/library/zookeeper:3.9.5
parts=(images/base/userland.sh images/base/java.sh images/zookeeper/docker-entrypoint.sh images/zookeeper/logback.xml
  images/zookeeper/bin/*)
settings='{"User":"zookeeper","WorkingDir":"/apache-zookeeper-3.9.5-bin","Entrypoint":["/docker-entrypoint.sh"],
"Cmd":["zkServer.sh","start-foreground"],"ExposedPorts":{"2181/tcp":{},"2888/tcp":{},"3888/tcp":{},"8080/tcp":{}},
"Volumes":{"/data":{},"/datalog":{},"/logs":{}},
"Env":["PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/apache-zookeeper-3.9.5-bin/bin",
"JAVA_HOME=/opt/java/openjdk","ZOOCFGDIR=/conf","ZOO_CONF_DIR=/conf","ZOO_DATA_DIR=/data","ZOO_DATA_LOG_DIR=/datalog",
"ZOO_LOG_DIR=/logs","ZOO_TICK_TIME=2000","ZOO_INIT_LIMIT=5","ZOO_SYNC_LIMIT=2","ZOO_AUTOPURGE_PURGEINTERVAL=0",
"ZOO_AUTOPURGE_SNAPRETAINCOUNT=3","ZOO_MAX_CLIENT_CNXNS=60","ZOO_STANDALONE_ENABLED=true","ZOO_ADMINSERVER_ENABLED=true"]}'

fill() {
  local part home=$1/apache-zookeeper-3.9.5-bin
  for part in base/userland base/java; do
    # shellcheck source=/dev/null  # checked on their own
    source "$here/images/$part.sh"
  done
  userland "$1"
  add_user "$1" zookeeper 1000
  java_runtime "$1"
  mkdir -p "$home"/{bin,lib} "$1"/{conf,data,datalog,logs}
  # What its own build adds to the jars that it depends on.
  jars "$home/lib" org.apache.zookeeper:zookeeper:3.9.5 ch.qos.logback:logback-classic:1.3.15 \
    io.dropwizard.metrics:metrics-core:4.1.12.1 org.xerial.snappy:snappy-java:1.1.10.5
  # Netty's TLS in C for every system, 10 MB that only a server with TLS would load.
  rm -f "$home"/lib/netty-tcnative-*
  cp "$here"/images/zookeeper/bin/* "$home/bin/"
  cp "$here/images/zookeeper/docker-entrypoint.sh" "$1/"
  cp "$here/images/zookeeper/logback.xml" "$1/conf/"
  chmod 755 "$home"/bin/* "$1/docker-entrypoint.sh"
  chown -R 1000:1000 "$home" "$1"/{conf,data,datalog,logs}
}
