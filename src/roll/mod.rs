//! The roller: replaces the pods of a cluster one after the other, each only while Kafka's own state says
//! that nobody loses anything by it.
//!
//! The rules are Strimzi's `KafkaRoller`'s. Unready controllers first, then ready ones, the active one
//! last, then unready brokers, then ready ones. Before each pod the gates are asked; the pod goes by the
//! Eviction API; the next one's turn comes when it is ready, registered, in sync and caught up again.
//!
//! What is left to do is never remembered here: it is read from the revisions of the pods, so whoever is
//! interrupted runs the same command again.
//!
//! * [`facts`]: what Kubernetes and Kafka say at one moment; gathered by [`watcher`].
//! * [`order`], [`gates`], [`recovery`]: who is next, whether now, whether back. Pure.
//! * [`plan`]: what is going to happen, for people and programs.
//! * [`roller`]: the loop; [`account`]: what it did, and the words when it stops.
//! * [`leftovers`]: the files that nobody mounts afterwards.
//! * [`turn`]: one roller at a time.

pub mod account;
pub mod facts;
pub mod gates;
pub mod leftovers;
pub mod order;
pub mod plan;
pub mod recovery;
pub mod roller;
pub mod turn;
pub mod watcher;

pub use account::NextCommands;
pub use facts::Facts;
pub use leftovers::Leftovers;
pub use order::Selection;
pub use plan::Plan;
pub use roller::Roller;
