//! `kubectl kafka users`: who can log in.
//!
//! Of each user there are two halves: Kafka's hash of the password, and a Secret with everything that a client
//! needs. `account` changes both, or neither, and `changes` keeps an interrupt from tearing them apart; `enter` finds a way
//! in when the admin's password does not open. `keeper` is where the Secrets are.

mod account;
mod changes;
mod create;
mod delete;
mod describe;
mod enter;
mod keeper;
mod list;
mod name;
mod password;
mod rotate;

subcommands! {
    /// The verbs of users.
    pub enum UsersCommand {
        /// Create a user, and a Secret with what it connects with
        Create(create::CreateArgs),
        /// List the users
        #[command(visible_alias = "ls")]
        List(list::ListArgs),
        /// Show users with what they may do
        #[command(visible_alias = "get")]
        Describe(describe::DescribeArgs),
        /// Delete users and their Secrets
        Delete(delete::DeleteArgs),
        /// Give a user a new password
        Rotate(rotate::RotateArgs),
    }
}
