# What the scripts of this directory share: the variables that the official ones honour.
# shellcheck shell=bash disable=SC2034  # whoever sources it uses them
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
java=java
[ -z "$JAVA_HOME" ] || java=$JAVA_HOME/bin/java
: "${ZOOCFGDIR=/conf}"
# The configuration's directory holds logback.xml.
CLASSPATH="$ZOOCFGDIR:$home/lib/*${CLASSPATH:+:$CLASSPATH}"
SERVER_JVMFLAGS="-Xmx${ZK_SERVER_HEAP:-1000}m $SERVER_JVMFLAGS"
CLIENT_JVMFLAGS="-Xmx${ZK_CLIENT_HEAP:-256}m $CLIENT_JVMFLAGS"
