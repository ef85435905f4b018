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

    /// Rules about this operation; repeat it for several
    #[arg(long = "operation", value_name = "OPERATION")]
    operations: Vec<Operation>,

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
    /// One filter per resource that was named, or one for all; as many times as there are operations, and twice as many
    /// where an address can be written in two ways. Whatever a rule may have can be named, however odd it is.
    pub(super) fn filters(&self, pattern: PatternFilter) -> Result<Vec<AclFilter>, CommandError> {
        let all = AclFilter {
            principal: self.principal.as_deref().map(checks::filtered_principal).transpose()?,
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
        let about = |filter: AclFilter| -> Vec<AclFilter> {
            let of = |operation: &Operation| AclFilter { operation: Some(*operation), ..filter.clone() };
            if self.operations.is_empty() { vec![filter] } else { self.operations.iter().map(of).collect() }
        };
        let filters: Vec<AclFilter> = filters.into_iter().flat_map(about).collect();
        let Some(host) = &self.host else { return Ok(filters) };
        let hosts = checks::filtered_hosts(host)?;
        let from = |filter: &AclFilter, host: &String| AclFilter { host: Some(host.clone()), ..filter.clone() };
        Ok(filters.iter().flat_map(|filter| hosts.iter().map(move |host| from(filter, host))).collect())
    }

    /// Whether anything narrows the rules down.
    pub(super) fn is_empty(&self) -> bool {
        self.principal.is_none()
            && self.resources.named().is_empty()
            && self.operations.is_empty()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_every_resource_is_asked_for() {
        let arguments = FilterArgs {
            resources: ResourceArgs { topics: vec!["a".into(), "b".into()], ..ResourceArgs::default() },
            operations: vec![Operation::Read, Operation::Write],
            ..FilterArgs::default()
        };
        let filters = arguments.filters(PatternFilter::Match).expect("filters");
        let asked: Vec<String> = filters
            .iter()
            .map(|filter| {
                let operation = filter.operation.map_or_else(|| "any".to_owned(), |operation| operation.to_string());
                format!("{} {operation}", filter.resource_name.as_deref().unwrap_or("any"))
            })
            .collect();
        assert_eq!(asked, ["a Read", "a Write", "b Read", "b Write"]);
        let everything = FilterArgs::default().filters(PatternFilter::Any).expect("filters");
        assert_eq!(everything, [AclFilter::default()]);
    }
}
