//! `kubectl kafka acls`: who may do what.

mod checks;
mod create;
mod delete;
mod list;
pub(super) mod rules;

subcommands! {
    /// The verbs of acls.
    pub enum AclsCommand {
        /// Allow or deny something
        Create(create::CreateArgs),
        /// List the rules; of a topic or group all that apply to it
        #[command(visible_alias = "ls")]
        List(list::ListArgs),
        /// Delete rules
        Delete(delete::DeleteArgs),
    }
}
