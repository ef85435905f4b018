//! `kubectl kafka certs renew`: new certificates from the same authority, taken up by the pods that run.
//!
//! Kafka reads a keystore when its configuration changes, and no other time. The Secret is changed first;
//! the kubelet brings it into the pods within a minute or so; then each node is told to look, and a
//! handshake says whether it did. Nothing is ever without a valid certificate.

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::place::Place;
use super::reload::Reload;
use crate::cli::interrupted;
use crate::commands::securing::Renewed;
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, ErrorKind, Exit};
use crate::k8s::apply::{self, Intent};
use crate::k8s::manifests::{Manifest, Target};
use crate::view::{duration, plural};

/// The kubelet takes up to its sync period and the lifetime of its cache, 1 to 2 minutes.
const DEFAULT_TIMEOUT: &str = "5m";

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct RenewArgs {
    /// The Kafka cluster; the same as --kafka
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Give up when the new certificates are not served after this time
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::duration::parse, default_value = DEFAULT_TIMEOUT)]
    timeout: Duration,
}

impl Run for RenewArgs {
    const HANDLES_INTERRUPT: bool = true;

    async fn run(self, context: Context) -> CommandResult {
        tokio::select! {
            result = self.renew(&context) => result,
            () = interrupted() => Err(CommandError::new(
                ErrorKind::Interrupted,
                "interrupted; every listener has a valid certificate, the old or the new one",
            )
            .hinted("the same command renews them again; `kubectl kafka certs list` shows which are served")),
        }
    }
}

impl RenewArgs {
    async fn renew(&self, context: &Context) -> CommandResult {
        let began = Instant::now();
        let place = Place::of(context, self.name.as_deref()).await?;
        let target = Target { name: &place.name, namespace: &place.kubernetes.namespace, spec: &place.spec };
        let renewed = Renewed::of(&place.kept, &target, &place.tls)?;
        let manifests: Vec<Manifest> = renewed.keystores.iter().chain(&renewed.admin).cloned().collect();
        let existing = apply::existing(&place.kubernetes, &manifests).await?;
        for (manifest, before) in manifests.iter().zip(&existing) {
            // The admin's Secret belongs to whoever created it; see `replace_data`.
            if renewed.admin.as_ref() == Some(manifest) {
                apply::replace_data(&place.kubernetes, manifest, before).await?;
            } else {
                apply::apply(&place.kubernetes, manifest, before, Intent::Real).await?;
            }
            context.ui.out(format!("{} configured\n", manifest.reference()))?;
        }
        context.ui.flush()?;
        let reload = Reload::new(context, &place, &renewed.serials, began + self.timeout);
        let listeners = reload.run().await?;
        context.ui.status(format!(
            "{} of {} serve their new certificates after {}",
            plural(listeners, "listener"),
            plural(place.pods.len(), "pod"),
            duration(began.elapsed())
        ));
        context.ui.hint(format!(
            "towards each other, pods show the certificate that they started with: restart them before it ends, \
             with `kubectl kafka restart {}{}`",
            place.name,
            context.namespace_flag()
        ));
        Ok(Exit::Done)
    }
}
