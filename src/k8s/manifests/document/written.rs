//! A document as somebody wrote it: YAML, with the line and the own words of everything in it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Spanned};

use crate::k8s::manifests::spec::Step;

/// Something in a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// From 1; for an alias where it is used.
    pub line: u64,
    /// What it is.
    pub content: Content,
}

/// What is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Text, a number, true or false, or nothing (null).
    Scalar {
        /// What YAML takes it for.
        value: Value,
        /// As it is written, without quotes: `1.50`, `yes`.
        text: String,
    },
    /// `[a, b]`
    List(Vec<Node>),
    /// `{a: 1}`; keys may be anything, and be there twice.
    Fields(Vec<(Node, Node)>),
}

impl Node {
    /// Reads the only document of a file. `None`: there is none.
    ///
    /// # Errors
    /// `line 4: reason`
    pub(super) fn read(text: &str) -> Result<Option<Self>, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let options = serde_saphyr::options! {
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            with_snippet: false,
        };
        let mut documents: Vec<Spanned<Raw>> = serde_saphyr::from_multiple_with_options(text, options)
            .map_err(|error| placed(error.location(), &unreadable(&error)))?;
        if let Some(second) = documents.get(1) {
            let count = documents.len();
            let reason = format!("here begins another of {count} documents, and a file holds one cluster");
            return Err(format!("line {}: {reason}", line(second)));
        }
        Ok(documents.pop().map(|document| Self::of(document, text)))
    }

    fn of(spanned: Spanned<Raw>, source: &str) -> Self {
        let line = line(&spanned);
        let own_words = spanned.defined;
        let content = match spanned.value {
            Raw::Text(text) => Content::Scalar { value: Value::String(text.clone()), text },
            Raw::Other(value) => {
                let text = slice(source, own_words).map_or_else(|| value.to_string(), str::to_owned);
                Content::Scalar { value, text }
            }
            Raw::List(items) => Content::List(items.into_iter().map(|item| Self::of(item, source)).collect()),
            Raw::Fields(fields) => Content::Fields(
                fields.into_iter().map(|(key, value)| (Self::of(key, source), Self::of(value, source))).collect(),
            ),
        };
        Self { line, content }
    }

    /// The text of a scalar as it is written.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The field of this name, if this has fields.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|(_, value)| value)
    }

    fn entry(&self, name: &str) -> Option<(&Self, &Self)> {
        let Content::Fields(fields) = &self.content else { return None };
        fields.iter().find(|(key, _)| key.text() == Some(name)).map(|(key, value)| (key, value))
    }

    /// The line of what is there: of its name, where it has one. In the error: of the last that is on the way.
    pub(super) fn line_at(&self, steps: &[Step]) -> Result<u64, u64> {
        let (mut node, mut line) = (self, self.line);
        for step in steps {
            let next = match step {
                Step::Field(name) | Step::Named(name) => node.entry(name).map(|(key, value)| (value, key.line)),
                Step::Item(place) => node.item(*place).map(|item| (item, item.line)),
            };
            (node, line) = next.ok_or(line)?;
        }
        Ok(line)
    }

    /// The item at this place, if this is a list.
    pub(super) fn item(&self, place: usize) -> Option<&Self> {
        let Content::List(items) = &self.content else { return None };
        items.get(place)
    }
}

fn line(spanned: &Spanned<Raw>) -> u64 {
    if spanned.referenced.line() > 0 { spanned.referenced.line() } else { spanned.defined.line() }
}

/// The words of a scalar that is not quoted.
fn slice(source: &str, location: Location) -> Option<&str> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let length = usize::try_from(location.span().byte_len()?).ok()?;
    let words = source.get(start..start.checked_add(length)?)?.trim();
    (!words.is_empty() && !words.contains('\n')).then_some(words)
}

fn placed(location: Option<Location>, reason: &str) -> String {
    match location.filter(|location| location.line() > 0) {
        Some(location) => format!("line {}: {reason}", location.line()),
        None => reason.to_owned(),
    }
}

/// The parser's own words are good where they are about YAML, and not where they are about Rust.
fn unreadable(error: &Error) -> String {
    match error.without_snippet() {
        Error::AliasError { error, .. } => unreadable(error),
        Error::Eof { .. } => "it ends in the middle of something".to_owned(),
        Error::UnknownAnchor { .. } => "an alias (*name) stands for an anchor (&name) that is not there".to_owned(),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => "<< takes a mapping, or a list of them".to_owned(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias (*name) is within its own anchor".to_owned(),
        Error::NonFiniteFloat { value, .. } => format!("{value} is no number that can be meant"),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "it is too large or too deep for a cluster document".to_owned()
        }
        other => {
            let message = other.to_string();
            let first = message.lines().next().unwrap_or_default();
            let first = first.split(" at line ").next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first);
            let known = CAUSES.iter().find(|(words, _)| first.contains(words));
            known.map_or_else(|| first.to_owned(), |(_, cause)| (*cause).to_owned())
        }
    }
}

/// What the parser's words are about, as whoever wrote the line knows it.
const CAUSES: [(&str, &str); 6] = [
    ("tabs disallowed", "it is indented with a tab, and YAML takes spaces only"),
    (
        "mapping values are not allowed",
        "it is indented deeper than its neighbours, or has a second \": \" that needs quotes",
    ),
    ("did not find expected key", "it is indented less than its neighbours and more than what they belong to"),
    ("did not find expected '-'", "it is indented as an item of the list above, and has no hyphen"),
    ("simple key expected", "a field's name ends with a colon and a space, as in brokers: 3"),
    ("unexpected character", "it begins with a character that means something to YAML: write the value in quotes"),
];

/// What the parser hands over.
enum Raw {
    Text(String),
    Other(Value),
    List(Vec<Spanned<Raw>>),
    Fields(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Other(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Other(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Other(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        let number = serde_json::Number::from_f64(value);
        number.map(|number| Raw::Other(number.into())).ok_or_else(|| E::custom("no number that can be meant"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            fields.push(entry);
        }
        Ok(Raw::Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Node {
        Node::read(text).expect("YAML").expect("a document")
    }

    #[test]
    fn everything_has_its_line_and_its_own_words() {
        let node = read("a: 1.50\nb:\n- 0x10\n- yes\n- 'no'\n- ~\n\"c\": {d: 007}\n");
        assert_eq!(node.field("a").map(|node| (node.line, node.text())), Some((1, Some("1.50"))));
        let items: Vec<_> = (0..4).filter_map(|place| node.field("b")?.item(place)).collect();
        let told: Vec<_> = items.iter().map(|node| (node.line, node.text().unwrap_or_default())).collect();
        assert_eq!(told, [(3, "0x10"), (4, "yes"), (5, "no"), (6, "~")]);
        let deep = node.field("c").and_then(|node| node.field("d")).expect("a field");
        assert_eq!((deep.line, deep.text()), (7, Some("007")));
    }

    #[test]
    fn an_alias_has_the_words_of_its_anchor_and_the_line_where_it_is_used() {
        let node = read("a: &ratio 0.50\nb: *ratio\n");
        assert_eq!(node.field("b").map(|node| (node.line, node.text())), Some((2, Some("0.50"))));
        let node = read("a: &base {size: 1}\nb: {<<: *base, class: x}\n");
        assert_eq!(node.field("b").and_then(|node| node.field("size")).and_then(Node::text), Some("1"));
    }

    #[test]
    fn a_way_through_a_document_ends_at_a_line_or_near_it() {
        let node = read("a:\n  b.c:\n  - 1\n  - d: 2\n  - {d: 3}\nbase: &base\n  e: 1\nf:\n  <<: *base\n");
        let field = |name: &str| Step::Field(name.into());
        let named = || Step::Named("b.c".into());
        for (steps, line) in [
            (vec![], Ok(1)),
            (vec![field("a")], Ok(1)),
            (vec![field("a"), named()], Ok(2)),
            (vec![field("a"), named(), Step::Item(1)], Ok(4)),
            (vec![field("a"), named(), Step::Item(2), field("d")], Ok(5)),
            (vec![field("a"), named(), Step::Item(3)], Err(2)),
            (vec![field("a"), field("x"), field("y")], Err(1)),
            (vec![field("f")], Ok(8)),
        ] {
            assert_eq!(node.line_at(&steps), line, "{steps:?}");
        }
        assert!(node.line_at(&[field("f"), field("e")]).is_ok(), "what is merged in is there");
    }

    #[test]
    fn dashes_that_nothing_follows_are_no_document() {
        for text in ["---\na: 1\n", "a: 1\n---\n", "a: 1\n...\n", "# c\n---\na: 1\n---\n# c\n", "\u{feff}a: 1\n"] {
            assert_eq!(read(text).field("a").and_then(Node::text), Some("1"), "{text:?}");
        }
        assert_eq!(Node::read(""), Ok(None));
        assert_eq!(Node::read("---\n"), Ok(None));
    }

    #[test]
    fn what_is_no_yaml_is_told_in_words_about_yaml() {
        let mistake = |text: &str| Node::read(text).expect_err("a mistake");
        insta::assert_snapshot!(mistake("a: 1\n---\nb: 2\n"), @"line 3: here begins another of 2 documents, and a file holds one cluster");
        insta::assert_snapshot!(mistake("a: [3"), @"line 1: unclosed bracket '['");
        insta::assert_snapshot!(mistake("a: *b"), @"line 1: an alias (*name) stands for an anchor (&name) that is not there");
        insta::assert_snapshot!(mistake("a: .nan"), @"line 1: .nan is no number that can be meant");
        insta::assert_snapshot!(mistake("a: b: c"), @r#"line 1: it is indented deeper than its neighbours, or has a second ": " that needs quotes"#);
        insta::assert_snapshot!(mistake("a:\n\t- b"), @"line 2: it is indented with a tab, and YAML takes spaces only");
        insta::assert_snapshot!(mistake(&"[".repeat(100)), @"line 1: unclosed bracket '['");
        insta::assert_snapshot!(mistake(&format!("a: [{}]", "1,".repeat(300_000))), @"line 1: it is too large or too deep for a cluster document");
    }
}
