//! Java's properties files, pure: continued lines, escapes, comments, and three ways to separate key and value.

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it begins, from 1.
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// The entries of a file in order; of a key that is there twice the last one counts, which is the caller's to see.
/// Editors on Windows put a byte order mark before the first one.
pub(super) fn parse(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let line = line.trim_start_matches(BLANK);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while is_continued(&whole) {
            whole.pop();
            match lines.next() {
                Some((next, _)) => whole.push_str(next.trim_start_matches(BLANK)),
                None => break,
            }
        }
        entries.push(entry(&whole, number));
    }
    entries
}

const BLANK: [char; 3] = [' ', '\t', '\u{c}'];

/// An odd number of backslashes at the end.
fn is_continued(line: &str) -> bool {
    line.chars().rev().take_while(|character| *character == '\\').count() % 2 == 1
}

fn entry(line: &str, number: usize) -> Entry {
    let mut escaped = false;
    let end = line.find(|character: char| {
        let ends = !escaped && (BLANK.contains(&character) || matches!(character, '=' | ':'));
        escaped = character == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(BLANK);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(BLANK);
    Entry { line: number, key: unescaped(key), value: unescaped(value) }
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

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

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
        assert_eq!(pairs(text), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_file_that_ends_within_an_entry() {
        assert_eq!(pairs("a=b\\"), [("a".to_owned(), "b".to_owned())]);
        assert_eq!(pairs("a=b\\u12"), [("a".to_owned(), "b\u{12}".to_owned())]);
    }

    #[test]
    fn an_entry_knows_the_line_where_it_begins() {
        let lines: Vec<usize> = parse("a=1\n# no\nb=2\\\n  3\nc=4\n").into_iter().map(|entry| entry.line).collect();
        assert_eq!(lines, [1, 3, 5]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_key() {
        assert_eq!(pairs("\u{feff}a=b"), [("a".to_owned(), "b".to_owned())]);
    }
}
