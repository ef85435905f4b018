//! `kubectl kafka acls create`

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::checks;
use super::rules::{AclOutcome, AclOutcomes, ResourceArgs, explained};
use crate::cli::{DryRun, DryRunArgs, OutputArgs};
use crate::commands::topics::finish;
use crate::commands::{Context, Run};
use crate::error::{CommandError, CommandResult, Exit};
use crate::kafka::Ask;
use crate::kafka::admin::acls::{self, Acl, AclFilter, Operation, Permission, ResourceType};

/// How to say what somebody may do; the usual ones first.
const WHAT: &str =
    "pass --producer with a --topic, --consumer with a --topic and a --group, or --operation Read and the like";

/// A broker that has not heard of a rule by then is not well.
const KNOWN_WITHIN: Duration = Duration::from_secs(10);

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    /// Whom it is about: a user, User:NAME, or User:* for everyone; repeat it for several
    #[arg(long = "principal", value_name = "NAME", required = true)]
    principals: Vec<String>,

    #[command(flatten)]
    resources: ResourceArgs,

    /// What: Read, Write, Describe, Create, Delete, Alter, All, …; repeat it for several
    #[arg(long = "operation", value_name = "OPERATION")]
    operations: Vec<Operation>,

    /// All that a producer needs: Write, Describe and Create on the topics, Write and Describe on the transactional ids
    #[arg(long)]
    producer: bool,

    /// All that a consumer needs: Read and Describe on the topics, Read on the groups
    #[arg(long)]
    consumer: bool,

    /// Deny it instead of allowing it; a deny wins over every allow
    #[arg(long, conflicts_with_all = ["producer", "consumer"])]
    deny: bool,

    /// From this IP address only; repeat it for several
    #[arg(long = "host", value_name = "IP")]
    hosts: Vec<String>,

    #[command(flatten)]
    dry_run: DryRunArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for CreateArgs {
    async fn run(self, context: Context) -> CommandResult {
        let wanted = self.rules()?;
        match self.dry_run.dry_run {
            DryRun::None => {}
            DryRun::Client => {
                self.show(&context, wanted, &[])?;
                return Ok(Exit::Done);
            }
            DryRun::Server => {
                return Err(CommandError::usage("--dry-run=server: Kafka cannot check an ACL without creating it")
                    .hinted("pass --dry-run=client"));
            }
        }
        let session = context.kafka(&Ask::Nothing).await?;
        // Kafka does not say whether a rule was there. Whoever may make rules may see them.
        let before = acls::describe(&session.kafka, &about(&wanted)).await.unwrap_or_default();
        let outcomes = acls::create(&session.kafka, &wanted).await.map_err(explained)?;
        let mut created = Vec::new();
        let mut errors: Vec<CommandError> = Vec::new();
        for (acl, outcome) in wanted.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => created.push(acl),
                // One sentence says it for all rules.
                Err(error) => {
                    let error = explained(error);
                    if !errors.contains(&error) {
                        errors.push(error);
                    }
                }
            }
        }
        if !created.is_empty() && !acls::wait_until(&session.kafka, &created, true, Instant::now() + KNOWN_WITHIN).await
        {
            context.ui.warning("not every broker knows the new rules yet");
        }
        self.show(&context, created, &before)?;
        finish(&context, errors)
    }
}

/// All rules among which some may be: those about the one principal, or about anyone.
fn about(wanted: &[Acl]) -> AclFilter {
    let principal = wanted.first().map(|first| first.principal.clone());
    let is_one = wanted.iter().all(|acl| Some(&acl.principal) == principal.as_ref());
    AclFilter { principal: principal.filter(|_| is_one), ..AclFilter::default() }
}

impl CreateArgs {
    fn show(&self, context: &Context, acls: Vec<Acl>, before: &[Acl]) -> Result<(), CommandError> {
        let outcome = |acl: &Acl| if before.contains(acl) { "unchanged" } else { "created" };
        let items = acls.into_iter().map(|acl| AclOutcome { outcome: outcome(&acl), acl }).collect();
        context.ui.show(&self.output, &AclOutcomes { items, suffix: self.dry_run.dry_run.suffix() })
    }

    /// Every principal with every operation on every resource from every host.
    fn rules(&self) -> Result<Vec<Acl>, CommandError> {
        let principals = self.principals.iter().map(|typed| checks::principal(typed)).collect::<Result<Vec<_>, _>>()?;
        let named = self.named()?;
        self.check_conveniences()?;
        let mut hosts = self.hosts.iter().map(|typed| checks::host(typed)).collect::<Result<Vec<_>, _>>()?;
        if hosts.is_empty() {
            hosts.push(checks::ALL.to_owned());
        }
        let permission = if self.deny { Permission::Deny } else { Permission::Allow };
        let mut rules = Vec::new();
        for principal in &principals {
            for (kind, name) in &named {
                for operation in self.operations(*kind)? {
                    rules.extend(hosts.iter().map(|host| Acl {
                        principal: principal.clone(),
                        resource_type: *kind,
                        resource_name: name.clone(),
                        pattern: self.resources.pattern(),
                        operation,
                        permission,
                        host: host.clone(),
                    }));
                }
            }
        }
        Ok(rules)
    }

    /// On what.
    fn named(&self) -> Result<Vec<(ResourceType, String)>, CommandError> {
        let named = self.resources.named();
        let says_what = self.producer || self.consumer || !self.operations.is_empty();
        if named.is_empty() {
            let on = "name it with --topic, --group, --transactional-id or --kafka-cluster";
            let error = CommandError::usage("on what? no resource is named").hinted(on);
            return Err(if says_what { error } else { error.hinted(WHAT) });
        }
        if !says_what {
            return Err(CommandError::usage("what is it about? no operation is named").hinted(WHAT));
        }
        for (kind, name) in &named {
            checks::resource(*kind, name, self.resources.prefixed)?;
        }
        Ok(named)
    }

    fn check_conveniences(&self) -> Result<(), CommandError> {
        let resources = &self.resources;
        if self.consumer && (resources.topics.is_empty() || resources.groups.is_empty()) {
            return Err(CommandError::usage("--consumer needs a --topic and a --group"));
        }
        if self.producer && resources.topics.is_empty() {
            return Err(CommandError::usage("--producer needs a --topic"));
        }
        if !self.consumer && self.operations.is_empty() && !resources.groups.is_empty() {
            return Err(CommandError::usage("--group does not go with --producer"));
        }
        if !self.producer && self.operations.is_empty() && !resources.transactional_ids.is_empty() {
            return Err(CommandError::usage("--transactional-id does not go with --consumer"));
        }
        Ok(())
    }

    /// What is asked for on a kind of resource.
    fn operations(&self, kind: ResourceType) -> Result<Vec<Operation>, CommandError> {
        let mut operations = self.operations.clone();
        let known = |operation: &Operation| *operation == Operation::All || kind.operations().contains(operation);
        if let Some(senseless) = operations.iter().find(|operation| !known(operation)) {
            let all: Vec<String> = kind.operations().iter().map(ToString::to_string).collect();
            return Err(CommandError::usage(format!("--operation {senseless} means nothing on a {kind}"))
                .hinted(format!("on a {kind} there are {} and All", all.join(", "))));
        }
        if self.producer {
            operations.extend_from_slice(match kind {
                ResourceType::Topic => &[Operation::Write, Operation::Describe, Operation::Create],
                ResourceType::TransactionalId => &[Operation::Write, Operation::Describe],
                _ => &[],
            });
        }
        if self.consumer {
            operations.extend_from_slice(match kind {
                ResourceType::Topic => &[Operation::Read, Operation::Describe],
                ResourceType::Group => &[Operation::Read],
                _ => &[],
            });
        }
        operations.sort_unstable();
        operations.dedup();
        Ok(operations)
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches};

    use super::*;
    use crate::ui::{TextOptions, View};

    fn rules(line: &str) -> Result<String, String> {
        let command = CreateArgs::augment_args(clap::Command::new("create").no_binary_name(true));
        let matches = command.try_get_matches_from(line.split(' ')).map_err(|error| error.to_string())?;
        let arguments = CreateArgs::from_arg_matches(&matches).expect("arguments");
        let items = arguments.rules().map_err(|error| error.text())?;
        let items = items.into_iter().map(|acl| AclOutcome { acl, outcome: "created" }).collect();
        Ok(AclOutcomes { items, suffix: "" }.text(TextOptions::default()))
    }

    #[test]
    fn every_principal_gets_every_operation_on_every_resource() {
        let text = rules("--principal a --principal User:b --topic x --topic y --operation read").expect("rules");
        assert_eq!(
            text,
            "Allow User:a Read on Topic x created\nAllow User:a Read on Topic y created\n\
             Allow User:b Read on Topic x created\nAllow User:b Read on Topic y created\n"
        );
    }

    #[test]
    fn producers_and_consumers_as_in_kafkas_own_tool() {
        assert_eq!(
            rules("--principal a --topic x --producer --transactional-id t"),
            Ok("Allow User:a Write on Topic x created\nAllow User:a Create on Topic x created\n\
                Allow User:a Describe on Topic x created\nAllow User:a Write on TransactionalId t created\n\
                Allow User:a Describe on TransactionalId t created\n"
                .to_owned())
        );
        assert_eq!(
            rules("--principal a --topic x- --group g --consumer --prefixed"),
            Ok("Allow User:a Read on Topic x-… created\nAllow User:a Describe on Topic x-… created\n\
                Allow User:a Read on Group g… created\n"
                .to_owned())
        );
    }

    #[test]
    fn what_was_there_is_looked_for_among_the_fewest() {
        let rule = |principal: &str| Acl {
            principal: principal.into(),
            resource_type: ResourceType::Topic,
            resource_name: "x".into(),
            pattern: crate::kafka::admin::acls::Pattern::Literal,
            operation: Operation::Read,
            permission: Permission::Allow,
            host: "*".into(),
        };
        assert_eq!(about(&[rule("User:a"), rule("User:a")]).principal.as_deref(), Some("User:a"));
        assert_eq!(about(&[rule("User:a"), rule("User:b")]), AclFilter::default());
    }

    #[test]
    fn hosts_denials_and_the_cluster() {
        assert_eq!(
            rules("--principal * --kafka-cluster --operation Alter --deny --host 10.0.0.1"),
            Ok("Deny User:* Alter on the cluster from 10.0.0.1 created\n".to_owned())
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (line, reason) in [
            ("--principal a --operation Read", "on what? no resource is named"),
            ("--principal a --topic x", "pass --producer with a --topic, --consumer with a --topic and a --group, or"),
            ("--principal a", "pass --producer"),
            ("--principal user:a --topic x --operation Read --deny", "write --principal User:a"),
            ("--principal a --topic x* --operation Read --deny", "write --topic x --prefixed"),
            ("--principal a --kafka-cluster --prefixed --operation Alter", "--kafka-cluster --prefixed"),
            ("--principal a --topic x --operation Read --deny --host 10.0.0.0/8", "no ranges"),
            ("--principal a --kafka-cluster --operation Read", "means nothing on a Cluster"),
            ("--principal a --topic x --consumer", "needs a --topic and a --group"),
            ("--principal a --transactional-id x --producer", "--producer needs a --topic"),
            ("--principal a --topic x --group g --producer", "does not go with --producer"),
            ("--principal a --topic x --operation Reed", "expected an operation of"),
        ] {
            let refused = rules(line).expect_err(line);
            assert!(refused.contains(reason), "{line}: {refused}");
        }
    }
}
