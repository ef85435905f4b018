//! `kubectl kafka acls list`

use clap::Args;

use super::checks;
use super::rules::{AclList, ResourceArgs, explained};
use crate::cli::OutputArgs;
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::admin::acls::{self, Acl, AclFilter, Operation, Pattern, PatternFilter, Permission};
use crate::kafka::{Ask, Cluster};

/// Which rules.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FilterArgs {
    /// Rules about this user, User:NAME, or User:* (not those about everyone that apply to it too)
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,

    #[command(flatten)]
    pub(super) resources: ResourceArgs,

    /// Rules about this operation
    #[arg(long, value_name = "OPERATION")]
    operation: Option<Operation>,

    /// Rules about this IP address
    #[arg(long, value_name = "IP")]
    host: Option<String>,

    /// Rules that deny
    #[arg(long)]
    deny: bool,
}

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for ListArgs {
    async fn run(self, context: Context) -> CommandResult {
        // What applies to a topic is asked for, so prefixes and `*` that cover it are in the answer.
        let pattern = if self.filter.resources.prefixed {
            PatternFilter::Exactly(Pattern::Prefixed)
        } else {
            PatternFilter::Match
        };
        let filters = self.filter.filters(pattern)?;
        let session = context.kafka(&Ask::Nothing).await?;
        let items = found(&session.kafka, &filters).await?;
        if items.is_empty() && self.output.output.is_none() {
            context.ui.status(format!("No ACLs found in cluster \"{}\".", session.name));
            return Ok(Exit::Done);
        }
        context.ui.show(&self.output, &AclList { items })?;
        Ok(Exit::Done)
    }
}

impl FilterArgs {
    /// One filter per resource that was named, or one for all; twice as many where an address can be written in two
    /// ways. Whatever a rule may have can be named, however odd it is.
    pub(super) fn filters(&self, pattern: PatternFilter) -> Result<Vec<AclFilter>, CommandError> {
        let all = AclFilter {
            principal: self.principal.as_deref().map(checks::filtered_principal).transpose()?,
            operation: self.operation,
            permission: self.deny.then_some(Permission::Deny),
            ..AclFilter::default()
        };
        let named = self.resources.named();
        if named.iter().any(|(_, name)| name.is_empty()) {
            return Err(CommandError::usage("a resource's name is missing"));
        }
        let filters = if named.is_empty() {
            let any = if self.resources.prefixed { pattern } else { PatternFilter::Any };
            vec![AclFilter { pattern: any, ..all }]
        } else {
            let of = |(kind, name)| AclFilter {
                resource_type: Some(kind),
                resource_name: Some(name),
                pattern,
                ..all.clone()
            };
            named.into_iter().map(of).collect()
        };
        let Some(host) = &self.host else { return Ok(filters) };
        let hosts = checks::filtered_hosts(host)?;
        let from = |filter: &AclFilter, host: &String| AclFilter { host: Some(host.clone()), ..filter.clone() };
        Ok(filters.iter().flat_map(|filter| hosts.iter().map(move |host| from(filter, host))).collect())
    }

    /// Whether anything narrows the rules down.
    pub(super) fn is_empty(&self) -> bool {
        self.principal.is_none()
            && self.resources.named().is_empty()
            && self.operation.is_none()
            && self.host.is_none()
            && !self.deny
            && !self.resources.prefixed
    }
}

/// Every rule that one of the filters means, once.
pub(super) async fn found(kafka: &Cluster, filters: &[AclFilter]) -> Result<Vec<Acl>, CommandError> {
    let mut found = Vec::new();
    for filter in filters {
        found.extend(acls::describe(kafka, filter).await.map_err(explained)?);
    }
    found.sort();
    found.dedup();
    Ok(found)
}
