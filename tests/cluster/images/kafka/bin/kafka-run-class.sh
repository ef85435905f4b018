#!/bin/bash
# Runs a class of Kafka with the environment variables that the official script of this name honours.
base=$(cd "$(dirname "$0")/.." && pwd)

# Sorted by name, and never a wildcard: the archive of loaded classes is valid for one order of the jars only.
for jar in "$base"/libs/*.jar; do CLASSPATH=${CLASSPATH:+$CLASSPATH:}$jar; done

: "${KAFKA_HEAP_OPTS=-Xmx256M}"
: "${KAFKA_JVM_PERFORMANCE_OPTS=-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true}"
# Kafka 3 logs with log4j 1, Kafka 4 with log4j 2.
if [ -e "$base/config/log4j.properties" ]; then
  : "${KAFKA_LOG4J_OPTS=-Dlog4j.configuration=file:$base/config/tools-log4j.properties}"
else
  : "${KAFKA_LOG4J_OPTS=-Dlog4j2.configurationFile=$base/config/tools-log4j2.yaml}"
fi
: "${LOG_DIR=$base/logs}"

if [ -n "$JMX_PORT" ]; then
  : "${KAFKA_JMX_OPTS=-Dcom.sun.management.jmxremote=true -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false}"
  KAFKA_JMX_OPTS="$KAFKA_JMX_OPTS -Dcom.sun.management.jmxremote.port=$JMX_PORT"
fi

# Options of the official script that matter only for a process in the background or for files of gc logs.
while [ $# -gt 0 ]; do
  case $1 in
    -name) shift 2 ;;
    -loggc | -daemon) shift ;;
    *) break ;;
  esac
done

java=java
[ -z "$JAVA_HOME" ] || java=$JAVA_HOME/bin/java

# Classes that were stored ready for use when the image was built; before KAFKA_OPTS, which may say otherwise.
archive=
[ ! -e "$base/kafka.jsa" ] || archive=-XX:SharedArchiveFile=$base/kafka.jsa

# shellcheck disable=SC2086  # lists of options
exec "$java" $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS $KAFKA_JMX_OPTS "-Dkafka.logs.dir=$LOG_DIR" $KAFKA_LOG4J_OPTS \
  $archive -cp "$CLASSPATH" $KAFKA_OPTS "$@"
