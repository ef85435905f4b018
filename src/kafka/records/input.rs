//! Lines of text that become records.

use std::borrow::Cow;

/// A record that is not in Kafka yet, borrowed from the line that it was read from where that is possible.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft<'a> {
    /// The key.
    pub key: Option<Cow<'a, [u8]>>,
    /// The value; `None` is a tombstone.
    pub value: Option<Cow<'a, [u8]>>,
    /// In order.
    pub headers: Vec<DraftHeader<'a>>,
    /// Milliseconds since 1970; `None` means now.
    pub timestamp: Option<i64>,
    /// Where it was read from, if the line says.
    pub partition: Option<i32>,
}

/// A header of a [`Draft`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftHeader<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: Option<Cow<'a, [u8]>>,
}

/// How a line of plain text is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFormat {
    /// What stands between key and value.
    pub separator: Option<Vec<u8>>,
    /// An empty value is null.
    pub empty_is_null: bool,
}

impl LineFormat {
    /// Splits a line, which comes without its newline. `None` when the separator is missing.
    pub fn parse<'a>(&self, line: &'a [u8]) -> Option<Draft<'a>> {
        let (key, value) = match &self.separator {
            None => (None, line),
            Some(separator) => {
                let at = find(line, separator)?;
                (Some(Cow::Borrowed(&line[..at])), &line[at + separator.len()..])
            }
        };
        let value = (!value.is_empty() || !self.empty_is_null).then_some(Cow::Borrowed(value));
        Some(Draft { key, value, ..Draft::default() })
    }
}

fn find(line: &[u8], separator: &[u8]) -> Option<usize> {
    match separator {
        [byte] => line.iter().position(|candidate| candidate == byte),
        _ => line.windows(separator.len()).position(|candidate| candidate == separator),
    }
}

/// Replaces `{}` by the number.
pub fn numbered(template: &[u8], number: u64) -> Cow<'_, [u8]> {
    let Some(at) = find(template, b"{}") else { return Cow::Borrowed(template) };
    let mut filled = template[..at].to_vec();
    let mut rest = &template[at..];
    let digits = number.to_string();
    while let Some(at) = find(rest, b"{}") {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(digits.as_bytes());
        rest = &rest[at + 2..];
    }
    filled.extend_from_slice(rest);
    Cow::Owned(filled)
}

/// Replaces `\n \r \t \\ \xXX`, for separators that are hard to type.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    super::template::literal(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    type KeyAndValue = (Option<Vec<u8>>, Option<Vec<u8>>);

    fn split(separator: &str, empty_is_null: bool, line: &[u8]) -> Option<KeyAndValue> {
        let separator = (!separator.is_empty()).then(|| separator.as_bytes().to_vec());
        let draft = LineFormat { separator, empty_is_null }.parse(line)?;
        Some((draft.key.map(Cow::into_owned), draft.value.map(Cow::into_owned)))
    }

    #[test]
    fn lines_are_split_at_the_first_separator() {
        let some = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(split("", false, b"a:b"), Some((None, some("a:b"))));
        assert_eq!(split(":", false, b"a:b:c"), Some((some("a"), some("b:c"))));
        assert_eq!(split("::", false, b"a:b::c"), Some((some("a:b"), some("c"))));
        assert_eq!(split(":", false, b":"), Some((some(""), some(""))));
        assert_eq!(split(":", false, b"no separator"), None);
        assert_eq!(split("", false, b"\xff\0"), Some((None, Some(vec![0xff, 0]))));
    }

    #[test]
    fn empty_is_null_only_when_asked() {
        assert_eq!(split(":", true, b"a:"), Some((Some(b"a".to_vec()), None)));
        assert_eq!(split("", true, b""), Some((None, None)));
        assert_eq!(split("", false, b""), Some((None, Some(Vec::new()))));
    }

    #[test]
    fn numbers_are_filled_in() {
        assert_eq!(numbered(b"a", 7), Cow::Borrowed(b"a".as_slice()));
        assert_eq!(numbered(b"{}-{}-{", 12).as_ref(), b"12-12-{");
    }

    #[test]
    fn separators_may_be_escaped() {
        assert_eq!(unescape("\\t%\\x01"), Ok(b"\t%\x01".to_vec()));
        assert!(unescape("\\q").is_err());
    }
}
