//! The program on a real Kubernetes with a real Kafka.
//!
//! `KUBECONFIG` and `KUBECTL_KAFKA_TEST_CONTEXT_NAME` say which cluster (`tests/cluster/cluster env` prints
//! both). The tests share one Kafka and run side by side, each with topics of its own; what must break or
//! install a Kafka has a namespace of its own. Everything is removed at the end, also after a panic or
//! Ctrl-C; what a killed run left is swept by the next.

#![expect(clippy::print_stderr, reason = "a test runner speaks on the terminal")]

#[macro_use]
mod world;

mod completion;
mod consume;
mod document;
mod errors;
mod faults;
mod hardening;
mod install;
mod metrics;
mod permissions;
mod produce;
mod restart;
mod security;
mod status;
mod topics;
mod uninstall;
mod verify;
mod zookeeper;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Tests that run at once. Most of their time they wait for Kafka, which shares two cores with them.
const THREADS: usize = 4;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(THREADS));
    let trials = trials();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    if let Err(reason) = world::open() {
        eprintln!("error: the end-to-end tests cannot run: {reason}");
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    world::close();
    conclusion.exit_code()
}

/// Long tests alternate with short ones, so that the long ones neither wait for each other with every
/// thread nor are left for the end.
fn trials() -> Vec<Trial> {
    let short = [
        topics::trials(),
        produce::trials(),
        consume::trials(),
        status::trials(),
        verify::trials(),
        permissions::trials(),
        errors::trials(),
        completion::trials(),
        security::trials(),
    ];
    let mut short = short.into_iter().flatten();
    let installs = [install::trials(), uninstall::trials(), document::trials(), metrics::trials(), hardening::trials()];
    let mut installs = installs.into_iter().flatten();
    let mut all = Vec::new();
    for fault in faults::trials().into_iter().chain(restart::trials()).chain(zookeeper::trials()) {
        all.push(fault);
        for install in installs.by_ref().take(3) {
            all.extend(short.by_ref().take(4));
            all.push(install);
        }
    }
    all.extend(installs.chain(short));
    all
}
