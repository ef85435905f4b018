# fish completion of kubectl-kafka. `kubectl kafka …` is completed by kubectl's own script and kubectl_complete-kafka.

function __kubectl_kafka_complete
    set -l words (commandline --tokenize --current-process --cut-at-cursor)
    set -l last (commandline --current-token --cut-at-cursor)
    set -l flag (string match --regex -- '^-[^=]*=' $last)
    set -l directive 0
    for line in (kubectl-kafka __complete -- $words[2..] $last </dev/null 2>/dev/null)
        if string match --quiet ':*' -- $line
            set directive (string sub --start 2 -- $line)
        else
            # The answers to --flag=value are bare values.
            echo -- $flag$line
        end
    end
    # 4: no file names.
    test $directive = 4; or __fish_complete_path $last
end

complete --command kubectl-kafka --no-files --keep-order --arguments '(__kubectl_kafka_complete)'
