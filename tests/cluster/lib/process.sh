# Processes: started in the background with their id noted down, ended by that id and by nothing else.
# shellcheck shell=bash

# When a process started, in clock ticks since boot: an id together with this names one process for ever.
birth_of() { # pid
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The name in parentheses may hold blanks, so count from behind it.
  awk '{print $20}' <<<"${stat##*) }"
}

launch() { # name command...
  local name=$1 pid
  shift
  # The lock must not be inherited, and a session of its own keeps Ctrl-C of the terminal away.
  setsid "$@" >"$LOGS/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid $(birth_of "$pid")" >"$PIDS/$name"
}

# Is the process that `launch` started still the one with that id?
alive() { # name
  local pid birth
  read -r pid birth 2>/dev/null <"$PIDS/$1" && [ "$(birth_of "$pid")" = "$birth" ] && [ "$(state_of "$pid")" != Z ]
}

state_of() { # pid
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  echo "${stat%% *}"
}

signal() { # name signal
  local pid
  if alive "$1"; then
    read -r pid _ <"$PIDS/$1"
    kill "-$2" "$pid" 2>/dev/null || true
  fi
}

# Asks first, and insists after the given seconds.
end_processes() { # seconds name...
  local deadline=$((SECONDS + $1)) name
  shift
  for name in "$@"; do signal "$name" TERM; done
  for name in "$@"; do
    while alive "$name" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
    signal "$name" KILL
    while alive "$name"; do sleep 0.05; done
    rm -f "$PIDS/$name"
  done
}

# A component that died at once is reported with what it said last, not as a timeout a minute later.
check_alive() { # name...
  local name
  for name in "$@"; do
    alive "$name" && continue
    tail -n 5 "$LOGS/$name.log" | cut -c1-300 | sed 's/^/  | /' >&2
    fail "$name ended right after its start" "its log is $LOGS/$name.log; clear up with: tests/cluster/cluster down"
  done
}
