//! kubectl takes `-v6`, `-v 6` and `-v=6`. Ours also takes a bare `-v`, so clap must not take the next word
//! for its level: only a number is one, and it is joined to the flag here.

use std::ffi::{OsStr, OsString};

/// The arguments with every level written as `-v=6`. Words after `--` are left alone.
pub(super) fn normalized(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut normal: Vec<OsString> = Vec::new();
    let mut only_positionals = false;
    for word in arguments {
        only_positionals |= word == "--";
        let joined = if only_positionals { None } else { level(normal.last(), &word) };
        match joined {
            Some(Joined::Same(flag)) => normal.push(flag),
            Some(Joined::WithPrevious(flag)) => {
                normal.pop();
                normal.push(flag);
            }
            None => normal.push(word),
        }
    }
    normal
}

enum Joined {
    Same(OsString),
    WithPrevious(OsString),
}

fn level(previous: Option<&OsString>, word: &OsStr) -> Option<Joined> {
    let word = word.to_str()?;
    let is_level = |text: &str| matches!(text.as_bytes(), [b'0'..=b'9'] | [b'1', b'0'..=b'9']);
    if let Some(attached) = word.strip_prefix("-v").filter(|rest| is_level(rest)) {
        return Some(Joined::Same(format!("-v={attached}").into()));
    }
    let flag = previous?.to_str().filter(|previous| matches!(*previous, "-v" | "--v"))?;
    is_level(word).then(|| Joined::WithPrevious(format!("{flag}={word}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_joined_to_their_flag_and_nothing_else_is() {
        let normal = |line: &str| {
            let words = normalized(line.split(' ').map(OsString::from));
            words.join(OsStr::new(" ")).into_string().expect("UTF-8")
        };
        assert_eq!(normal("k -v6 topics list"), "k -v=6 topics list");
        assert_eq!(normal("k topics list -v 8"), "k topics list -v=8");
        assert_eq!(normal("k topics list --v 10"), "k topics list --v=10");
        assert_eq!(normal("k -v topics list"), "k -v topics list");
        assert_eq!(normal("k consume -v orders"), "k consume -v orders");
        assert_eq!(normal("k consume -v=6 7"), "k consume -v=6 7");
        assert_eq!(normal("k consume -v -- 6"), "k consume -v -- 6");
        assert_eq!(normal("k produce a -- -v6"), "k produce a -- -v6");
    }
}
