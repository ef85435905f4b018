//! Names of users: what Kafka and a Secret can both carry.

use crate::error::CommandError;
use crate::k8s::names::ANCHOR;

/// Refuses the name of who only keeps the users; see [`ANCHOR`].
pub(super) fn refuse_anchor(name: &str) -> Result<(), CommandError> {
    if name != ANCHOR {
        return Ok(());
    }
    Err(CommandError::usage(format!(
        "\"{ANCHOR}\" is no user: nobody can log in as it, and it keeps Kafka from forgetting the others"
    )))
}

/// A name that Kafka and a Secret can carry.
pub(super) fn check_name(name: &str) -> Result<(), CommandError> {
    refuse_anchor(name)?;
    let valid = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-' | '.');
    let edge = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    if !name.is_empty()
        && name.len() <= 63
        && name.chars().all(valid)
        && name.starts_with(edge)
        && name.ends_with(edge)
        && !name.contains("..")
    {
        return Ok(());
    }
    Err(CommandError::usage(format!("user \"{name}\": its Secret carries the name, which must suit Kubernetes")).hinted(
        "a name has 1 to 63 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_secret_cannot_carry_are_refused() {
        for good in ["alice", "a", "order-service", "team.orders", "7up"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Alice", "a b", "-a", "a-", "a..b", "CN=a", "ä", &"x".repeat(64), ANCHOR] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
