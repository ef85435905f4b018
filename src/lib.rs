//! `kubectl kafka`: install and operate Apache Kafka on Kubernetes from a laptop.
//!
//! # The way of one command
//!
//! ```text
//! argv → cli (what was typed) → commands/<noun>/<verb> ── connect: find the cluster, dial its brokers
//!                                       │                    ├─ k8s:   kubeconfig, pods, port-forward
//!                                       │                    └─ kafka: the protocol, over those streams
//!                                       ▼
//!                             model (plain Serialize struct) → view (pure) → ui (the only place that prints)
//! ```
//!
//! Every command has three steps: **gather** (asynchronous I/O), **model** (a plain `Serialize`
//! struct of our own), **view** (pure text from the model). JSON, YAML and tables are renderings of
//! the same model, so they can never disagree.
//!
//! # Rooms
//!
//! * [`cli`]: flags and subcommands as typed.
//! * [`commands`]: one folder or file per noun, one file per verb.
//! * [`k8s`]: Kubernetes; knows nothing of Kafka's protocol or of the terminal.
//! * [`kafka`]: the protocol; knows nothing of Kubernetes or of the terminal.
//! * [`zookeeper`]: ZooKeeper's four-letter words, for clusters that still run it; knows neither of the two.
//! * [`prometheus`]: one scrape of an endpoint; knows neither of them.
//! * [`connect`]: the only room that knows them; joins Kubernetes and Kafka through [`kafka::Dialer`].
//! * [`roll`]: replaces pods one after the other, as Kafka's health allows; knows both sides too.
//! * [`gateway`]: one loopback listener per broker for clients that open their own sockets
//!   (librdkafka); brokers' addresses are rewritten by node id.
//! * [`ui`] and [`view`]: printing, tables and documents.
//! * `shell`: words as a shell takes them, for the commands that hints offer.

pub mod cli;
pub mod commands;
pub mod connect;
pub mod error;
pub mod gateway;
pub mod k8s;
pub mod kafka;
pub mod prometheus;
pub mod roll;
mod shell;
pub mod ui;
pub mod view;
pub mod zookeeper;

pub use error::{CommandError, CommandResult, ErrorKind, Exit};
