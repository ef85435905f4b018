# Messages, steps with their time, and the lock.
# shellcheck shell=bash

# One line that says what is wrong, one that says what to do.
fail() { # message [hint]
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

say() { printf '[%4d s] %s\n' "$SECONDS" "$*" >&2; }

# A long step must not look hung: what it prints last is shown this often.
readonly HEARTBEAT=20

# Runs a command with its output in a log, says when it starts and ends, and shows the log's end if it fails.
step() { # log-name text command...
  local log=$LOGS/$1 text=$2 began=$SECONDS outcome='' done_fd
  shift 2
  mkdir -p "$LOGS"
  say "$text"
  # Reading the exit code from a pipe instead of `wait` is what allows a timeout without polling.
  exec {done_fd}< <(
    set +e
    (set -e; "$@") >"$log" 2>&1 </dev/null
    echo $?
  )
  until read -r -t "$HEARTBEAT" -u "$done_fd" outcome; do
    # 128 and more is the timeout; anything less the end of the pipe, without an exit code.
    [ $? -gt 128 ] || break
    say "  still at it: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
  done
  exec {done_fd}<&-
  if [ "$outcome" != 0 ]; then
    tail -n 15 "$log" | sed 's/^/  | /' >&2
    fail "$text: failed after $((SECONDS - began)) s" "the whole log is $log"
  fi
}

# Generous, because the machine may be compiling something at the same time; a dead component ends the wait at once.
readonly START_LIMIT=120

# Waits for a command to succeed. Every wait for a component goes through here, so none is endless.
await() { # what component command...
  local what=$1 component=$2 deadline=$((SECONDS + START_LIMIT))
  shift 2
  until "$@" >/dev/null 2>&1; do
    check_alive "$component"
    [ "$SECONDS" -lt "$deadline" ] || fail "$what did not come up within $START_LIMIT s" \
      "read $LOGS/$component.log; clear up with: tests/cluster/cluster down"
    sleep 0.2
  done
}

# Held until the script ends. The cluster's processes are started with the descriptor closed, or they would hold
# it as long as they live.
lock() {
  mkdir -p "$STATE"
  exec 9>"$STATE/lock"
  flock --nonblock 9 && return
  say "waiting for another run of this script to end"
  flock --timeout 1800 9 || fail "another run of this script holds $STATE/lock" "see which one: fuser -v $STATE/lock"
}

kubectl() { KUBECONFIG=$KUBECONFIG_FILE "$BIN/kubectl" "$@"; }

require_kubeconfig() {
  [ -r "$KUBECONFIG_FILE" ] || fail "the test cluster is not up" "start it: tests/cluster/cluster up"
}
