//! What was typed: the subcommands, and the way from `argv` to an exit code.

pub mod conflicts;
pub mod dry_run;
pub mod duration;
pub mod global;
pub mod output;
mod verbosity;
pub mod wait;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

pub use conflicts::ConflictArgs;
pub use dry_run::{DryRun, DryRunArgs};
pub use global::GlobalArgs;
pub use output::{OutputArgs, OutputFormat};
pub use wait::WaitArgs;

use crate::commands::{Command, Context};
use crate::error::{CommandError, CommandResult, Exit};
use crate::ui::Ui;

/// Install and operate Apache Kafka on Kubernetes, from your laptop
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-kafka",
    bin_name = "kubectl kafka",
    version,
    disable_version_flag = true,
    disable_help_subcommand = true,
    propagate_version = false,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Flags that every subcommand takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The noun or verb.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The whole command tree, for help, completion and documentation.
    pub fn tree() -> clap::Command {
        Self::command()
    }
}

/// Parses the arguments (the program's name first), runs the command and prints its error.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match Cli::tree().try_get_matches_from(verbosity::normalized(arguments)) {
        Ok(matches) => matches,
        Err(error) => {
            // Help goes to stdout with 0, everything else to stderr with 2: clap's own rule and ours.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(2);
        }
    };
    let ui = Ui::new(cli.global.color, cli.global.verbosity).in_place(&cli.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(&CommandError::failed(format!("cannot start the runtime: {error}")));
            return ExitCode::FAILURE;
        }
    };
    let context = Context::new(ui.clone(), cli.global.told_apart(&matches));
    let result = runtime.block_on(until_interrupted(cli.command, context));
    // A blocking read of stdin cannot be cancelled: do not wait for it.
    runtime.shutdown_background();
    match result.and_then(|exit| ui.flush().map(|()| exit)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let _ = ui.flush();
            ui.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Runs the command. Ctrl-C and SIGTERM end it at once with 130, unless the command ends itself in an
/// orderly way (`consume`, `produce`, `install`, …). Dropping the command's future closes every stream.
async fn until_interrupted(command: Command, context: Context) -> CommandResult {
    if command.handles_interrupt() {
        return command.run(context).await;
    }
    tokio::select! {
        result = command.run(context) => result,
        () = interrupted() => Ok(Exit::Interrupted),
    }
}

/// Returns when the person presses Ctrl-C or the process is told to end.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
