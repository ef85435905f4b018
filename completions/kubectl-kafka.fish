# fish completion of kubectl-kafka. `kubectl kafka …` is completed by kubectl's own script and kubectl_complete-kafka.

function __kubectl_kafka_complete
    set -l words (commandline --tokenize --current-process --cut-at-cursor)
    set --erase words[1]
    set -l last (commandline --current-token --cut-at-cursor)
    set -l flag (string match --regex -- '^-[^=]*=' $last)
    set -l directive 0
    # The answers to --flag=value are bare values. The quotes matter: nothing times a line is nothing.
    for line in (kubectl-kafka __complete -- $words "$last" </dev/null 2>/dev/null)
        if string match --quiet ':*' -- $line
            set directive (string sub --start 2 -- $line)
        else
            echo -- "$flag$line"
        end
    end
    # 4: no file names.
    if test $directive != 4
        for path in (__fish_complete_path (string replace -- "$flag" '' "$last"))
            echo -- "$flag$path"
        end
    end
end

complete --command kubectl-kafka --no-files --keep-order --arguments '(__kubectl_kafka_complete)'
