# A Java runtime of this machine's JDK, with the modules that Kafka, ZooKeeper and their metrics agent use.
# shellcheck shell=bash

readonly JAVA_MODULES=java.base,java.desktop,java.instrument,java.logging,java.management,java.management.rmi,\
java.naming,java.net.http,java.rmi,java.security.jgss,java.security.sasl,java.sql,java.xml,jdk.crypto.ec,\
jdk.httpserver,jdk.jcmd,jdk.jfr,jdk.management,jdk.management.agent,jdk.naming.dns,jdk.unsupported,jdk.zipfs

# Where the official images have theirs.
readonly JAVA_HOME_INSIDE=/opt/java/openjdk

java_runtime() { # root
  local home jdk
  home=$1$JAVA_HOME_INSIDE
  jdk=$(find_jdk)
  mkdir -p "$(dirname "$home")"
  # The archive of loaded classes makes every start faster, and a test run starts hundreds.
  "$jdk/bin/jlink" --strip-debug --no-header-files --no-man-pages --generate-cds-archive \
    --add-modules "$JAVA_MODULES" --output "$home"
  mapfile -d '' -t binaries < <(find "$home" \( -name '*.so' -o -path '*/bin/*' \) -type f -print0)
  libraries_of "$1" "${binaries[@]}"
}

# Copies jars and what they depend on.
jars() { # directory group:artifact:version...
  local directory=$1 work coordinate group artifact version
  shift
  work=$(mktemp -d)
  {
    echo '<project><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>image</groupId><artifactId>image</artifactId><version>1</version><dependencies>'
    for coordinate in "$@"; do
      IFS=: read -r group artifact version <<<"$coordinate"
      printf '<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n' \
        "$group" "$artifact" "$version"
    done
    echo '</dependencies></project>'
  } >"$work/pom.xml"
  mvn --batch-mode --file "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$directory"
  rm -rf "$work"
}
