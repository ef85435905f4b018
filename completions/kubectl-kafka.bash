# bash completion of kubectl-kafka. `kubectl kafka …` is completed by kubectl's own script and kubectl_complete-kafka.

# Bash cuts words at = and :, which belong to flags and context names; these are put together again first.
_kubectl_kafka() {
  local rest=${COMP_LINE:0:COMP_POINT} next piece index last
  local -a words=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    next=${rest#"${rest%%[![:space:]]*}"}
    piece=${COMP_WORDS[index]}
    # What stands behind the cursor is not part of the word.
    [[ $index -lt $COMP_CWORD ]] || piece=$next
    if [[ ${#words[@]} -gt 0 && ${#next} -eq ${#rest} ]]; then
      words[${#words[@]} - 1]+=$piece
    else
      words+=("${piece/#\~\//$HOME/}")
    fi
    rest=${next#"$piece"}
  done
  last=${words[${#words[@]} - 1]}
  unset "words[${#words[@]}-1]"
  _kubectl_kafka_ask "$last" "${words[@]:1}"
}

_kubectl_kafka_ask() { # last-word words...
  local last=$1 line directive=0 flag='' cut=''
  shift
  # The answers to --flag=value are bare values.
  [[ $last != -*=* ]] || flag=${last%%=*}=
  # Bash replaces only what follows its last word break.
  [[ $last != *[=:]* ]] || cut=${last%"${last##*[=:]}"}
  [[ $COMP_WORDBREAKS == *=* ]] || [[ $cut != *= ]] || cut=''
  [[ $COMP_WORDBREAKS == *:* ]] || [[ $cut != *: ]] || cut=$flag
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      directive=${line#:}
    else
      line=$flag${line%%$'\t'*}
      COMPREPLY+=("${line#"$cut"}")
    fi
  done < <(kubectl-kafka __complete -- "$@" "$last" </dev/null 2>/dev/null)
  # 4: no file names. The bash of macOS has no compopt and offers them all the same.
  if [[ $directive -eq 4 ]] && type compopt >/dev/null 2>&1; then compopt +o default; fi
}

complete -o default -F _kubectl_kafka kubectl-kafka
