//! Topic names as typed: checked with Kafka's own rules before anything is sent.

use std::collections::BTreeSet;

use crate::error::CommandError;

/// Kafka's `Topic.validate`: 1 to 249 of `[a-zA-Z0-9._-]`, and neither `.` nor `..`.
pub(in crate::commands) fn check(names: &[String]) -> Result<(), CommandError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if let Some(reason) = wrong(name, false) {
            return Err(CommandError::usage(format!("topic \"{name}\": {reason}")));
        }
        if !seen.insert(name) {
            return Err(CommandError::usage(format!("topic \"{name}\" is named twice")));
        }
    }
    Ok(())
}

/// Why no topic can have a name, or begin with it.
pub(in crate::commands) fn wrong(name: &str, is_beginning: bool) -> Option<&'static str> {
    let valid = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    if name.is_empty() {
        Some("a topic needs a name")
    } else if name.len() > 249 {
        Some("a topic's name has at most 249 characters")
    } else if matches!(name, "." | "..") && !is_beginning {
        Some("a topic's name cannot be . or ..")
    } else if !name.chars().all(valid) {
        Some("a topic's name has only letters, digits, dots, underscores and hyphens")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_rules() {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(check(&owned(&["orders", "a.b_c-D9"])).is_ok());
        for bad in ["", ".", "..", "a b", "a/b", "ä", &"x".repeat(250)] {
            assert!(check(&owned(&[bad])).is_err(), "{bad}");
        }
        assert!(check(&owned(&["a", "a"])).is_err_and(|error| error.message.contains("twice")));
    }
}
