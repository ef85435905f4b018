//! Words as a shell takes them, for commands that a hint offers.

/// A word in quotes where it needs them.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-:=,@/+".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_take_apart() {
        for (word, expected) in [
            ("orders", "orders"),
            ("CN=a,O=b", "CN=a,O=b"),
            ("arn:aws:eks:eu:1:cluster/a", "arn:aws:eks:eu:1:cluster/a"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("*", "'*'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
