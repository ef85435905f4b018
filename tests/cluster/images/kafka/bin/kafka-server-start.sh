#!/bin/bash
# Starts a broker or controller: kafka-server-start.sh SERVER.PROPERTIES [--override property=value]...
base=$(cd "$(dirname "$0")/.." && pwd)
export KAFKA_HEAP_OPTS=${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}
if [ -e "$base/config/log4j.properties" ]; then
  export KAFKA_LOG4J_OPTS=${KAFKA_LOG4J_OPTS:--Dlog4j.configuration=file:$base/config/log4j.properties}
else
  export KAFKA_LOG4J_OPTS=${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=$base/config/log4j2.yaml}
fi
# shellcheck disable=SC2086  # a list of options
exec "$base/bin/kafka-run-class.sh" ${EXTRA_ARGS--name kafkaServer -loggc} kafka.Kafka "$@"
