#!/bin/bash
# Runs in the image while it is built: uses Kafka once as the tests will, notes down the classes that were loaded, and
# stores them ready for use in /opt/kafka/kafka.jsa. With it, a tool takes half the processor time.
set -euo pipefail
export JAVA_HOME=/opt/java/openjdk LOG_DIR=/tmp/train/logs
readonly bin=/opt/kafka/bin server=localhost:9092

mkdir -p /tmp/train
cd /tmp/train
cat >server.properties <<TEXT
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
log.dirs=/tmp/train/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
TEXT

run() { # script arguments...
  KAFKA_OPTS=-XX:DumpLoadedClassList=/tmp/train/$1.classes timeout 120 "$bin/$1.sh" "${@:2}"
}

answers() { (: <"/dev/tcp/${server/://}") 2>/dev/null; }

run kafka-storage format --standalone --cluster-id 5L6g3nShT-eMCtK--X86sw --config server.properties
# Not through `run`: the scripts end in `exec`, so this is the id of the Java process itself.
KAFKA_OPTS=-XX:DumpLoadedClassList=/tmp/train/kafka-server-start.classes "$bin/kafka-server-start.sh" server.properties &
broker=$!
for _ in $(seq 120); do
  if answers; then break; fi
  kill -0 "$broker"
  sleep 1
done
run kafka-topics --bootstrap-server "$server" --create --topic train --partitions 1 --replication-factor 1
echo message | run kafka-console-producer --bootstrap-server "$server" --topic train
run kafka-console-consumer --bootstrap-server "$server" --topic train --from-beginning --max-messages 1 --timeout-ms 60000
# The list is complete only when the process has ended; a signal is not a failure here.
kill "$broker"
wait "$broker" || true

# One list of all: class names without the numbers that mean something within one list only, then how lambdas are made.
awk '!/^[@#]/ && !/ source: / && !seen[$1]++ {print $1}' ./*.classes >all.classes
awk '/^@lambda-/ && !seen[$0]++' ./*.classes >>all.classes
KAFKA_OPTS="-Xshare:dump -XX:SharedClassListFile=/tmp/train/all.classes -XX:SharedArchiveFile=/opt/kafka/kafka.jsa" \
  "$bin/kafka-run-class.sh" kafka.Kafka
rm -rf /tmp/train
