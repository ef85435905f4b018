#!/bin/bash
# ZooKeeper's own client: zkCli.sh [-server HOST:PORT] [COMMAND]...
# shellcheck source=SCRIPTDIR/zkEnv.sh
source "$(dirname "$(readlink -f "$0")")/zkEnv.sh"
# shellcheck disable=SC2086  # lists of options
exec "$java" -cp "$CLASSPATH" $CLIENT_JVMFLAGS $JVMFLAGS org.apache.zookeeper.ZooKeeperMain "$@"
