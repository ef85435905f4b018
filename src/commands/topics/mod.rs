//! `kubectl kafka topics`

mod create;
mod delete;
mod describe;
mod list;
pub(super) mod names;

pub(super) use create::finish;

subcommands! {
    /// The verbs of topics.
    pub enum TopicsCommand {
        /// Create topics
        Create(create::CreateArgs),
        /// List topics
        #[command(visible_alias = "ls")]
        List(list::ListArgs),
        /// Show topics with their partitions and the settings that differ from the default
        #[command(visible_alias = "get")]
        Describe(describe::DescribeArgs),
        /// Delete topics and their messages
        Delete(delete::DeleteArgs),
    }
}
