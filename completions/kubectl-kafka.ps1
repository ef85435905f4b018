# PowerShell completion of kubectl-kafka. `kubectl kafka …` is completed by kubectl's own script and kubectl_complete-kafka.

Register-ArgumentCompleter -Native -CommandName 'kubectl-kafka' -ScriptBlock {
    param($last, $line, $cursor)
    $words = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } |
        Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    # The answers to --flag=value are bare values.
    $flag = if ($last -match '^-[^=]*=') { $Matches[0] } else { '' }
    # Older versions drop an empty argument unless it is quoted twice.
    $asked = if ($last -eq '' -and $PSNativeCommandArgumentPassing -notin 'Standard', 'Windows') { '""' } else { $last }
    & kubectl-kafka __complete '--' @words $asked 2>$null | Where-Object { $_ -notlike ':*' } | ForEach-Object {
        $word, $help = $_ -split "`t", 2
        if (-not $help) { $help = $word }
        [System.Management.Automation.CompletionResult]::new("$flag$word", $word, 'ParameterValue', $help)
    }
}
