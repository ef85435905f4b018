//! `kubectl kafka topics`

mod list;

subcommands! {
    /// The verbs of topics.
    pub enum TopicsCommand {
        /// List topics
        #[command(visible_alias = "ls")]
        List(list::ListArgs),
    }
}
