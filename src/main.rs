//! `kubectl-kafka`: parse, run, exit code. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_kafka::cli::main(std::env::args_os())
}
