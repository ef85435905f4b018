//! `kubectl kafka certs`: the certificates of a secured cluster, and new ones for old ones.
//!
//! * `place`: which cluster, its pods and their listeners.
//! * `list`: what is kept, and what is served.
//! * `renew`, `reload`: new certificates, and the pods that take them up without a restart.

mod list;
mod place;
mod reload;
mod renew;

subcommands! {
    /// What can be done with certificates.
    pub enum CertsCommand {
        /// List the certificates with their end, as they are served
        #[command(visible_alias = "ls")]
        List(list::ListArgs),
        /// Give every pod a new certificate, without a restart
        Renew(renew::RenewArgs),
    }
}
