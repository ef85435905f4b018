//! `kubectl kafka completion SHELL`, and the engine behind every shell's script.
//!
//! The scripts only ask: `kubectl-kafka __complete -- WORD… LAST` answers with one candidate a line
//! (`name<TAB>help`) and a last line `:<directive>`. These are cobra's conventions, because kubectl itself
//! is one of the askers: it runs `kubectl_complete-kafka` to complete `kubectl kafka …`.
//!
//! * `words`: where the cursor is, pure.
//! * `candidates`: what can stand there, from the command tree, pure.
//! * `live`: names from the kubeconfig, Kubernetes and Kafka.

mod candidates;
mod live;
mod words;

use clap::{Args, ValueEnum};

use super::{Context, Run};
use crate::cli::Cli;
use crate::error::{CommandResult, Exit};

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct CompletionArgs {
    /// The shell, or kubectl for the program that kubectl itself looks for in PATH
    shell: Shell,
}

/// Who completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// source <(kubectl-kafka completion bash)
    Bash,
    #[value(help = "kubectl-kafka completion zsh > \"${fpath[1]}/_kubectl-kafka\"")]
    Zsh,
    /// kubectl-kafka completion fish | source
    Fish,
    /// kubectl-kafka completion powershell | Out-String | Invoke-Expression
    Powershell,
    /// For `kubectl kafka …` in every shell: save it as kubectl_complete-kafka in PATH, executable
    Kubectl,
}

impl Shell {
    /// The files of `completions/` are the only copy.
    fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../completions/kubectl-kafka.bash"),
            Self::Zsh => include_str!("../../../completions/_kubectl-kafka"),
            Self::Fish => include_str!("../../../completions/kubectl-kafka.fish"),
            Self::Powershell => include_str!("../../../completions/kubectl-kafka.ps1"),
            Self::Kubectl => include_str!("../../../completions/kubectl_complete-kafka"),
        }
    }
}

impl Run for CompletionArgs {
    async fn run(self, context: Context) -> CommandResult {
        context.ui.out(self.shell.script())?;
        Ok(Exit::Done)
    }
}

/// The hidden command that the scripts run.
#[derive(Debug, Clone, Args)]
pub struct CompleteArgs {
    /// The words after the program's name; the last one is the one to complete, and may be empty
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

impl Run for CompleteArgs {
    async fn run(self, context: Context) -> CommandResult {
        let mut tree = Cli::tree();
        // Only a built tree knows which global flags each subcommand takes.
        tree.build();
        let (last, before) = self.words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
        let place = words::find(&tree, before, last);
        let mut answer = candidates::of(&place);
        if let Some(source) = answer.source {
            answer.candidates.extend(live::values(&context, &place, source).await);
        }
        context.ui.out(answer.text(&place))?;
        Ok(Exit::Done)
    }
}
