//! The program as a person meets it: arguments in; stdout, stderr and exit code out.
//!
//! Hermetic: every run has an empty environment, its own `HOME`, and no cluster (or a few canned answers
//! of an API server on a loopback port). What needs a real cluster is in `tests/e2e`.

mod api_server;
mod arguments;
mod bootstrap_server;
mod clusters;
mod completion;
mod credentials;
mod documentation;
mod documents;
mod help;
mod kafka;
mod krew;
mod kubeconfig;
mod output;
mod security;
mod shell_words;
mod verbosity;
