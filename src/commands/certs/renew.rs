//! `kubectl kafka certs renew`: new certificates from the same authority, taken up by the pods that run.
//!
//! Kafka reads a keystore when its configuration changes, and no other time. The Secret is changed first;
//! the kubelet brings it into the pods within a minute or so; then each node is told to look, and a
//! handshake says whether it did. Nothing is ever without a valid certificate.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::place::Place;
use super::reload::Reload;
use crate::cli::{ConflictArgs, DryRun, DryRunArgs, OutputArgs, interrupted};
use crate::commands::securing::Renewed;
use crate::commands::{Context, Run};
use crate::connect::Login;
use crate::error::{CommandError, CommandResult, ErrorKind, Exit};
use crate::k8s::apply::{self, Intent};
use crate::k8s::manifests::{Manifest, Target};
use crate::ui::{TextOptions, View};
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

    #[command(flatten)]
    dry_run: DryRunArgs,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    conflicts: ConflictArgs,
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
        let reload = Reload::new(context, &place, &renewed.serials, began + self.timeout);
        // The cluster's own admin may do it. With certificates that have ended nobody gets in, and new ones must be
        // written all the same.
        if self.dry_run.dry_run != DryRun::Client && !matches!(context.login()?, Login::Automatic) {
            reload.rehearse().await.map_err(|error| error.hinted("nothing was changed"))?;
        }
        let mut report = RenewReport::new(&place, self.dry_run.dry_run);
        let written = self.write(&place, &renewed, &mut report).await;
        if self.dry_run.dry_run.is_real() {
            report.pods.iter_mut().for_each(|pod| pod.serial = renewed.serials.get(&pod.name).cloned());
        }
        // What was changed is told, also when the next Secret was not.
        if written.is_ok() || !report.items.is_empty() {
            context.ui.show(&self.output, &report)?;
        }
        written?;
        if !self.dry_run.dry_run.is_real() {
            let pods = plural(report.pods.len(), "pod");
            context
                .ui
                .status(format!("{pods} would take up new certificates, without a restart; nothing was changed."));
            return Ok(Exit::Done);
        }
        let listeners = reload.run().await?;
        context.ui.status(format!(
            "{} of {} serve their new certificates after {}",
            plural(listeners, "listener"),
            plural(place.pods.len(), "pod"),
            duration(began.elapsed())
        ));
        context.ui.hint(format!(
            "towards each other, pods show the certificate that they started with: restart them before it ends, \
             with `kubectl kafka restart {}`",
            place.name
        ));
        Ok(Exit::Done)
    }

    /// Writes the Secrets, or lets the API server say whether that would work.
    async fn write(&self, place: &Place, renewed: &Renewed, report: &mut RenewReport) -> Result<(), CommandError> {
        let intent = match self.dry_run.dry_run {
            DryRun::None => Some(Intent::Real),
            DryRun::Server => Some(Intent::Rehearsal),
            DryRun::Client => None,
        };
        let manifests: Vec<Manifest> = renewed.keystores.iter().chain(&renewed.admin).cloned().collect();
        let existing = apply::existing(&place.kubernetes, &manifests).await?;
        let conflicts = self.conflicts.wish();
        if intent == Some(Intent::Real) {
            // All or none: keystores come first.
            for rehearsed in apply::rehearse(&place.kubernetes, &renewed.keystores, &existing, conflicts).await {
                rehearsed?;
            }
        }
        for (manifest, before) in manifests.iter().zip(&existing) {
            match intent {
                None => {}
                // The admin's Secret belongs to whoever created it; see `replace_data`.
                Some(intent) if renewed.admin.as_ref() == Some(manifest) => {
                    apply::replace_data(&place.kubernetes, manifest, before, intent).await?;
                }
                Some(intent) => {
                    apply::apply(&place.kubernetes, manifest, before, (intent, conflicts)).await?;
                }
            }
            report.items.push(RenewedSecret { kind: "Secret", name: manifest.name.clone(), outcome: "configured" });
        }
        Ok(())
    }
}

/// What a renewal changed.
#[derive(Debug, Serialize)]
struct RenewReport {
    /// The Secrets.
    items: Vec<RenewedSecret>,
    /// The pods that take up new certificates.
    pods: Vec<RenewedPod>,
    #[serde(skip)]
    suffix: &'static str,
}

#[derive(Debug, Serialize)]
struct RenewedSecret {
    kind: &'static str,
    name: String,
    outcome: &'static str,
}

#[derive(Debug, Serialize)]
struct RenewedPod {
    name: String,
    /// The new certificate's number; absent in a rehearsal, whose certificates are thrown away.
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
}

impl RenewReport {
    fn new(place: &Place, dry_run: DryRun) -> Self {
        let pods = place.pods.iter().map(|pod| RenewedPod { name: pod.name.clone(), serial: None }).collect();
        Self { items: Vec::new(), pods, suffix: dry_run.suffix() }
    }
}

impl View for RenewReport {
    fn text(&self, _options: TextOptions) -> String {
        let suffix = self.suffix;
        self.items.iter().map(|item| format!("secret/{} {}{suffix}\n", item.name, item.outcome)).collect()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|item| format!("secret/{}", item.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_says_so_and_has_no_serials() {
        let report = RenewReport {
            items: vec![RenewedSecret { kind: "Secret", name: "demo-broker-tls".into(), outcome: "configured" }],
            pods: vec![RenewedPod { name: "demo-broker-0".into(), serial: None }],
            suffix: DryRun::Server.suffix(),
        };
        assert_eq!(report.text(TextOptions::default()), "secret/demo-broker-tls configured (server dry run)\n");
        assert_eq!(report.names(), ["secret/demo-broker-tls"]);
        assert_eq!(
            serde_json::to_value(&report).expect("JSON"),
            serde_json::json!({
                "items": [{"kind": "Secret", "name": "demo-broker-tls", "outcome": "configured"}],
                "pods": [{"name": "demo-broker-0"}],
            })
        );
    }
}
