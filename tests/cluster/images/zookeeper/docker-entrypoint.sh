#!/bin/bash
# Writes a configuration from the variables that the official image honours, unless there is one, and runs the command.
set -e

configuration() {
  cat <<TEXT
dataDir=$ZOO_DATA_DIR
dataLogDir=$ZOO_DATA_LOG_DIR
tickTime=$ZOO_TICK_TIME
initLimit=$ZOO_INIT_LIMIT
syncLimit=$ZOO_SYNC_LIMIT
autopurge.snapRetainCount=$ZOO_AUTOPURGE_SNAPRETAINCOUNT
autopurge.purgeInterval=$ZOO_AUTOPURGE_PURGEINTERVAL
maxClientCnxns=$ZOO_MAX_CLIENT_CNXNS
standaloneEnabled=$ZOO_STANDALONE_ENABLED
TEXT
  # The official image's is on by default; this image does not have it.
  echo admin.enableServer=false
  [ -z "$ZOO_4LW_COMMANDS_WHITELIST" ] || echo "4lw.commands.whitelist=$ZOO_4LW_COMMANDS_WHITELIST"
  # shellcheck disable=SC2086  # lists of lines, which hold no blank
  printf '%s\n' ${ZOO_SERVERS:-"server.1=localhost:2888:3888;2181"} $ZOO_CFG_EXTRA
}

[ -e "$ZOO_CONF_DIR/zoo.cfg" ] || configuration >"$ZOO_CONF_DIR/zoo.cfg"
# As the official image: an identity once given stays, whatever ZOO_MY_ID says.
[ -e "$ZOO_DATA_DIR/myid" ] || echo "${ZOO_MY_ID:-1}" >"$ZOO_DATA_DIR/myid"
exec "$@"
