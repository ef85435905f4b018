//! Java's properties files, pure: continued lines, escapes, comments, and three ways to separate key and value.

/// The entries of a file in order; of a key that is there twice the last one counts, which is the caller's to see.
pub(super) fn parse(text: &str) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start_matches(BLANK);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while is_continued(&whole) {
            whole.pop();
            match lines.next() {
                Some(next) => whole.push_str(next.trim_start_matches(BLANK)),
                None => break,
            }
        }
        entries.push(entry(&whole));
    }
    entries
}

const BLANK: [char; 3] = [' ', '\t', '\u{c}'];

/// An odd number of backslashes at the end.
fn is_continued(line: &str) -> bool {
    line.chars().rev().take_while(|character| *character == '\\').count() % 2 == 1
}

fn entry(line: &str) -> (String, String) {
    let mut escaped = false;
    let end = line.find(|character: char| {
        let ends = !escaped && (BLANK.contains(&character) || matches!(character, '=' | ':'));
        escaped = character == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(BLANK);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(BLANK);
    (unescaped(key), unescaped(value))
}

fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            '\\' => match characters.next() {
                None => break,
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('f') => '\u{c}',
                Some('u') => {
                    let digits: String = characters.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xFFFD));
                    continue;
                }
                Some(other) => other,
            },
            plain => plain,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_java_reads_them() {
        let text = "# a comment\n! another\n\n  key = value \na:b\nc d\nempty=\nbare\nwith\\ blank=x\n\
                    url=http\\://h\\=1\nlong=one\\\n   two\\\n\tthree\nbackslash=a\\\\\nnext=1\n\
                    uni=\\u00fc\\uD83D\\uDE00\nescapes=\\t\\n\\q";
        let expected = [
            ("key", "value "),
            ("a", "b"),
            ("c", "d"),
            ("empty", ""),
            ("bare", ""),
            ("with blank", "x"),
            ("url", "http://h=1"),
            ("long", "onetwothree"),
            ("backslash", "a\\"),
            ("next", "1"),
            ("uni", "ü😀"),
            ("escapes", "\t\nq"),
        ];
        let expected: Vec<(String, String)> =
            expected.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        assert_eq!(parse(text), expected);
    }

    #[test]
    fn a_file_that_ends_within_an_entry() {
        assert_eq!(parse("a=b\\"), [("a".to_owned(), "b".to_owned())]);
        assert_eq!(parse("a=b\\u12"), [("a".to_owned(), "b\u{12}".to_owned())]);
    }
}
