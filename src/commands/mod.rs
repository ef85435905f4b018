//! The commands: one folder or file per noun, one file per verb.
//!
//! Each gathers (I/O), makes a model (a plain struct) and shows it. Registering a command is one line in
//! [`Command`].

mod context;
#[macro_use]
mod macros;

pub mod acls;
pub mod certs;
pub mod clusters;
pub mod completion;
pub mod consume;
pub mod get;
pub mod install;
mod lookup;
pub mod produce;
pub mod restart;
mod securing;
pub mod status;
mod tally;
pub mod topics;
pub mod uninstall;
pub mod users;
pub mod verify;
pub mod version;

pub use context::Context;

use crate::error::CommandResult;

/// A command that can be run.
pub trait Run {
    /// Whether the command ends itself in an orderly way on Ctrl-C.
    const HANDLES_INTERRUPT: bool = false;

    /// The same of a noun: what its verb says.
    fn handles_interrupt(&self) -> bool {
        Self::HANDLES_INTERRUPT
    }

    /// Does the work; printing goes through the context's `Ui`.
    fn run(self, context: Context) -> impl Future<Output = CommandResult> + Send;
}

subcommands! {
    /// The nouns and verbs.
    pub enum Command {
        /// Install a Kafka cluster
        Install(install::InstallArgs),
        /// Replace the pods of a Kafka cluster, one after the other
        Restart(restart::RestartArgs),
        /// Remove a Kafka cluster, keeping its data unless told otherwise
        Uninstall(uninstall::UninstallArgs),
        /// List the Kafka clusters
        #[command(visible_alias = "cluster")]
        Clusters(clusters::ClustersArgs),
        /// Print what was asked of a Kafka cluster, as a document
        #[command(subcommand, arg_required_else_help = true)]
        Get(get::GetCommand),
        /// Show whether a Kafka cluster is healthy, and why not
        Status(status::StatusArgs),
        /// Prove that a Kafka cluster takes and returns messages
        Verify(verify::VerifyArgs),
        /// List and renew the certificates of a secured Kafka cluster
        #[command(subcommand, arg_required_else_help = true)]
        Certs(certs::CertsCommand),
        /// Create, list, describe and delete topics
        #[command(visible_alias = "topic", subcommand, arg_required_else_help = true)]
        Topics(topics::TopicsCommand),
        /// Create, list, describe, delete and rotate users
        #[command(visible_alias = "user", subcommand, arg_required_else_help = true)]
        Users(users::UsersCommand),
        /// Create, list and delete ACLs: who may do what
        #[command(visible_alias = "acl", subcommand, arg_required_else_help = true)]
        Acls(acls::AclsCommand),
        /// Send messages to a topic
        Produce(produce::ProduceArgs),
        /// Read messages from topics
        Consume(consume::ConsumeArgs),
        /// Print a completion script
        Completion(completion::CompletionArgs),
        /// Answer a shell that completes a line
        #[command(name = "__complete", hide = true)]
        Complete(completion::CompleteArgs),
        /// Print the versions of this client and of the Kafka cluster
        Version(version::VersionArgs),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    #[test]
    fn a_verb_of_a_noun_ends_itself_in_an_orderly_way_too() {
        for (line, orderly) in [
            ("install", true),
            ("certs renew", true),
            ("certs list", false),
            ("users create a", true),
            ("users rotate a", true),
            ("users delete a", true),
            ("users list", false),
            ("topics list", false),
        ] {
            let cli = Cli::parse_from(["kubectl-kafka"].into_iter().chain(line.split(' ')));
            assert_eq!(cli.command.handles_interrupt(), orderly, "{line}");
        }
    }
}
