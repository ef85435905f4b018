#!/bin/bash
# Runs a ZooKeeper server: zkServer.sh start-foreground [FILE]
# shellcheck source=SCRIPTDIR/zkEnv.sh
source "$(dirname "$(readlink -f "$0")")/zkEnv.sh"
if [ "$1" != start-foreground ]; then
  echo "this image's zkServer.sh knows start-foreground only" >&2
  exit 1
fi
# A name without a directory is one of the configuration's directory.
file=${2:-zoo.cfg}
[[ $file == */* ]] || file=$ZOOCFGDIR/$file
echo "Using config: $file" >&2
# shellcheck disable=SC2086  # lists of options
exec "$java" "-Dzookeeper.log.dir=$ZOO_LOG_DIR" -cp "$CLASSPATH" $SERVER_JVMFLAGS $JVMFLAGS \
  org.apache.zookeeper.server.quorum.QuorumPeerMain "$file"
