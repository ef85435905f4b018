//! What cannot be meant: rules that Kafka would take without a word and that would never apply to anything. With
//! `--deny` such a rule is worse than none.

use std::net::IpAddr;

use crate::commands::topics::names;
use crate::error::CommandError;
use crate::kafka::admin::acls::ResourceType;

/// Everyone, everything, everywhere.
pub(super) const ALL: &str = "*";
const USER: &str = "User";

/// `alice` is `User:alice`; for a rule to be made.
pub(super) fn principal(typed: &str) -> Result<String, CommandError> {
    let refused = |reason: &str, hint: String| {
        Err(CommandError::usage(format!("--principal \"{typed}\": {reason}")).hinted(hint))
    };
    // Distinguished names have commas, and may have colons.
    let is_distinguished = |name: &str| name.contains('=');
    if typed.contains(',') && !is_distinguished(typed) {
        let each: Vec<String> = typed.split(',').map(|name| format!("--principal {}", name.trim())).collect();
        return refused("it would be one user of this name", format!("repeat the flag: {}", each.join(" ")));
    }
    let whole = filtered_principal(typed)?;
    let Some((kind, name)) = whole.split_once(':') else { return Ok(whole) };
    if kind != USER && kind.eq_ignore_ascii_case(USER) {
        return refused("Kafka tells capital letters from small ones", format!("write --principal {USER}:{name}"));
    }
    if kind != USER {
        let reason = format!("Kafka's authorizer knows principals of type {USER} only");
        return refused(&reason, format!("write --principal {USER}:NAME, and repeat it for each user"));
    }
    if name.contains(ALL) && name != ALL {
        return refused(
            "Kafka does not expand the star",
            format!("name each user, or write {USER}:{ALL} for everyone"),
        );
    }
    if name.trim() != name {
        return refused("its name begins or ends with a blank", format!("write --principal {USER}:{}", name.trim()));
    }
    Ok(whole)
}

/// `alice` is `User:alice`; for rules that are there, however odd.
pub(super) fn filtered_principal(typed: &str) -> Result<String, CommandError> {
    match typed.split_once(':') {
        _ if typed.is_empty() => Err(CommandError::usage("--principal: a principal needs a name")),
        Some((kind, name)) if kind.contains('=') && !name.is_empty() => Ok(format!("{USER}:{typed}")),
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(typed.to_owned()),
        Some(_) => Err(CommandError::usage(format!("--principal \"{typed}\": expected NAME or {USER}:NAME"))),
        None => Ok(format!("{USER}:{typed}")),
    }
}

/// The flag that names a resource of a kind.
fn flag(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Topic => "--topic",
        ResourceType::Group => "--group",
        ResourceType::TransactionalId => "--transactional-id",
        ResourceType::Cluster | ResourceType::DelegationToken | ResourceType::User => "--kafka-cluster",
    }
}

/// The name of a resource, for a rule to be made.
pub(super) fn resource(kind: ResourceType, name: &str, prefixed: bool) -> Result<(), CommandError> {
    let flag = flag(kind);
    let refused = |reason: &str| CommandError::usage(format!("{flag} \"{name}\": {reason}"));
    if name.is_empty() {
        return Err(CommandError::usage(format!("{flag}: a name is missing")));
    }
    if kind == ResourceType::Cluster || name == ALL {
        let error = match kind {
            ResourceType::Cluster => {
                CommandError::usage("--kafka-cluster --prefixed: the cluster has one name, and no beginning")
            }
            _ => refused("with --prefixed it would be names that begin with a star"),
        };
        return if prefixed { Err(error.hinted("leave --prefixed out")) } else { Ok(()) };
    }
    if let Some(beginning) = name.strip_suffix(ALL).filter(|beginning| !beginning.contains(ALL)) {
        let hint = format!("write {flag} {beginning} --prefixed");
        return Err(refused("Kafka does not expand the star").hinted(hint));
    }
    if kind != ResourceType::Topic {
        return Ok(());
    }
    if name.contains(ALL) {
        return Err(refused("Kafka does not expand stars").hinted("write * for all, or a beginning with --prefixed"));
    }
    if name.contains(',') {
        let each: Vec<String> = name.split(',').map(|name| format!("{flag} {}", name.trim())).collect();
        let hint = format!("repeat the flag: {}", each.join(" "));
        return Err(refused("it would be one topic of this name").hinted(hint));
    }
    names::wrong(name, prefixed).map_or(Ok(()), |reason| Err(refused(reason)))
}

/// An address as Kafka compares it, for a rule to be made: Java's way to write it.
pub(super) fn host(typed: &str) -> Result<String, CommandError> {
    if typed == ALL {
        return Ok(typed.to_owned());
    }
    if let Ok(address) = typed.parse::<IpAddr>() {
        return Ok(as_java_writes_it(address));
    }
    let is_range = typed.split_once('/').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok());
    let reason = if is_range { "Kafka compares whole addresses and knows no ranges" } else { "it is no IP address" };
    let hint = "write an address, as in --host 10.0.0.7; repeat the flag for several, or leave it out for all";
    Err(CommandError::usage(format!("--host \"{typed}\": {reason}")).hinted(hint))
}

/// The ways to write an address that a rule may have: as it was typed to whatever tool, and as Java has it.
pub(super) fn filtered_hosts(typed: &str) -> Result<Vec<String>, CommandError> {
    if typed.is_empty() {
        return Err(CommandError::usage("--host: an address is missing"));
    }
    let mut ways = vec![typed.to_owned()];
    ways.extend(typed.parse::<IpAddr>().ok().map(as_java_writes_it).filter(|way| way != typed));
    Ok(ways)
}

/// `InetAddress.getHostAddress`: eight groups in full, without leading zeros; an IPv4 address within IPv6 is IPv4.
fn as_java_writes_it(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => address.segments().map(|group| format!("{group:x}")).join(":"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_user() {
        for (typed, meant) in [
            ("alice", "User:alice"),
            ("*", "User:*"),
            ("User:CN=a,O=b", "User:CN=a,O=b"),
            ("CN=a,O=b", "User:CN=a,O=b"),
            ("CN=a:b", "User:CN=a:b"),
        ] {
            assert_eq!(principal(typed).as_deref(), Ok(meant));
        }
        for bad in ["", ":", "User:", ":alice"] {
            assert!(principal(bad).is_err() && filtered_principal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_principal_that_nobody_is() {
        for (typed, text) in [
            (
                "user:alice",
                "\"user:alice\": Kafka tells capital letters from small ones\nhint: write --principal User:alice\n",
            ),
            (
                "Group:foo",
                "\"Group:foo\": Kafka's authorizer knows principals of type User only\nhint: write --principal User:NAME, and repeat it for each user\n",
            ),
            (
                "alice,bob",
                "\"alice,bob\": it would be one user of this name\nhint: repeat the flag: --principal alice --principal bob\n",
            ),
            (
                "app-*",
                "\"app-*\": Kafka does not expand the star\nhint: name each user, or write User:* for everyone\n",
            ),
            (
                "User: alice",
                "\"User: alice\": its name begins or ends with a blank\nhint: write --principal User:alice\n",
            ),
        ] {
            let error = principal(typed).expect_err(typed);
            assert_eq!((error.text(), error.exit_code()), (format!("error: --principal {text}"), 2));
            // A rule of this kind may be there, from another tool.
            assert!(filtered_principal(typed).is_ok(), "{typed}");
        }
    }

    #[test]
    fn a_resource_that_cannot_be() {
        use ResourceType::{Cluster, Group, Topic, TransactionalId};
        for (kind, name, prefixed, text) in [
            (
                Topic,
                "pre*",
                false,
                "--topic \"pre*\": Kafka does not expand the star\nhint: write --topic pre --prefixed\n",
            ),
            (
                Group,
                "pre*",
                false,
                "--group \"pre*\": Kafka does not expand the star\nhint: write --group pre --prefixed\n",
            ),
            (
                Topic,
                "pre*",
                true,
                "--topic \"pre*\": Kafka does not expand the star\nhint: write --topic pre --prefixed\n",
            ),
            (
                Topic,
                "a*b",
                false,
                "--topic \"a*b\": Kafka does not expand stars\nhint: write * for all, or a beginning with --prefixed\n",
            ),
            (
                Topic,
                "*",
                true,
                "--topic \"*\": with --prefixed it would be names that begin with a star\nhint: leave --prefixed out\n",
            ),
            (
                Topic,
                "bad topic!",
                false,
                "--topic \"bad topic!\": a topic's name has only letters, digits, dots, underscores and hyphens\n",
            ),
            (
                Topic,
                "x,y",
                false,
                "--topic \"x,y\": it would be one topic of this name\nhint: repeat the flag: --topic x --topic y\n",
            ),
            (Topic, "", false, "--topic: a name is missing\n"),
            (Group, "", true, "--group: a name is missing\n"),
            (
                Cluster,
                "kafka-cluster",
                true,
                "--kafka-cluster --prefixed: the cluster has one name, and no beginning\nhint: leave --prefixed out\n",
            ),
        ] {
            let error = resource(kind, name, prefixed).expect_err(name);
            assert_eq!((error.text(), error.exit_code()), (format!("error: {text}"), 2));
        }
        for (kind, name, prefixed) in [
            (Topic, "*", false),
            (Topic, ".", true),
            (Topic, "orders.", true),
            (Group, "a group, with *s", false),
            (TransactionalId, "*", false),
            (Cluster, "kafka-cluster", false),
        ] {
            assert_eq!(resource(kind, name, prefixed), Ok(()), "{name}");
        }
    }

    #[test]
    fn an_address_as_kafka_compares_it() {
        for (typed, meant) in [
            ("*", "*"),
            ("10.0.0.7", "10.0.0.7"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("2001:DB8::0a:0", "2001:db8:0:0:0:0:a:0"),
            ("::ffff:10.0.0.7", "10.0.0.7"),
        ] {
            assert_eq!(host(typed).as_deref(), Ok(meant));
        }
        for (typed, reason) in [
            ("10.0.0.0/8", "Kafka compares whole addresses and knows no ranges"),
            ("notanip", "it is no IP address"),
            ("10.0.0.*", "it is no IP address"),
            ("", "it is no IP address"),
        ] {
            let error = host(typed).expect_err(typed);
            assert_eq!(
                (error.message, error.kind),
                (format!("--host \"{typed}\": {reason}"), crate::error::ErrorKind::Usage)
            );
        }
        assert_eq!(filtered_hosts("::1"), Ok(vec!["::1".to_owned(), "0:0:0:0:0:0:0:1".to_owned()]));
        assert_eq!(filtered_hosts("10.0.0.0/8"), Ok(vec!["10.0.0.0/8".to_owned()]));
        assert!(filtered_hosts("").is_err());
    }
}
