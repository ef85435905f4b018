//! The lossless JSON line of a record, both ways.
//!
//! ```json
//! {"topic":"orders","partition":0,"offset":42,"timestamp":"2026-01-31T00:00:00.123Z",
//!  "timestampType":"CreateTime","leaderEpoch":3,"key":"a","keyEncoding":"utf8",
//!  "value":"AP8=","valueEncoding":"base64","headers":[{"key":"trace","value":"1"}]}
//! ```
//!
//! Bytes that are UTF-8 are a string, others base64; a header says so only when it is base64. Null is null,
//! so a tombstone is not an empty value. Headers keep their order and duplicates. What is read may also say
//! `json`: then the value's own text is taken, byte for byte.

use std::borrow::Cow;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::input::{Draft, DraftHeader};
use super::record::Record;

/// Writes one record as a line, its newline included, behind what the buffer holds.
pub fn write(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"topic\":");
    string(record.topic, out);
    put(out, format_args!(",\"partition\":{},\"offset\":{},\"timestamp\":", record.partition, record.offset));
    match Timestamp::from_millisecond(record.timestamp) {
        Ok(_) if record.timestamp < 0 => out.extend_from_slice(b"null"),
        Ok(instant) => put(out, format_args!("\"{instant:.3}\"")),
        // Beyond the year 9999, where RFC 3339 ends.
        Err(_) => put(out, format_args!("{}", record.timestamp)),
    }
    put(out, format_args!(",\"timestampType\":\"{}\",\"leaderEpoch\":", record.timestamp_type.name()));
    match record.leader_epoch {
        Some(epoch) => put(out, format_args!("{epoch}")),
        None => out.extend_from_slice(b"null"),
    }
    field("key", record.key, true, out);
    field("value", record.value, true, out);
    out.extend_from_slice(b",\"headers\":[");
    for (position, (name, value)) in record.headers.iter().enumerate() {
        out.extend_from_slice(if position == 0 { b"{" } else { b",{" });
        let start = out.len();
        field("key", Some(name), false, out);
        // No comma before an object's first member.
        out.remove(start);
        field("value", value, false, out);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}\n");
}

/// `,"<name>":…,"<name>Encoding":"…"`; a header names its encoding only when it is not text.
fn field(name: &str, bytes: Option<&[u8]>, always: bool, out: &mut Vec<u8>) {
    put(out, format_args!(",\"{name}\":"));
    let encoding = match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => {
            out.extend_from_slice(b"null");
            "utf8"
        }
        Some((_, Ok(text))) => {
            string(text, out);
            "utf8"
        }
        Some((bytes, Err(_))) => {
            put(out, format_args!("\"{}\"", STANDARD.encode(bytes)));
            "base64"
        }
    };
    if always || encoding != "utf8" {
        put(out, format_args!(",\"{name}Encoding\":\"{encoding}\""));
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    // A string cannot fail to serialize, and a vector cannot fail to grow.
    let _ = serde_json::to_writer(out, text);
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector cannot fail to grow.
    let _ = out.write_fmt(text);
}

/// Why a line is no envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not JSON, or not of the envelope's shape.
    #[error("not a JSON record: {0}")]
    Json(String),
    /// A field that holds something else than its encoding says.
    #[error("{field}: {problem}")]
    Field {
        /// Which one: `key`, `value`, `header 2`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(default)]
    partition: Option<i32>,
    #[serde(default)]
    timestamp: Option<Instant<'a>>,
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(default)]
    key_encoding: Option<Encoding>,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(default)]
    value_encoding: Option<Encoding>,
    #[serde(borrow, default)]
    headers: Option<Vec<Header<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    #[serde(borrow)]
    key: &'a RawValue,
    #[serde(default)]
    key_encoding: Option<Encoding>,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(default)]
    value_encoding: Option<Encoding>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Instant<'a> {
    Milliseconds(i64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Utf8,
    Json,
    Base64,
}

/// Reads a line that [`write()`] or a person wrote. `key`, `headers`, `timestamp` and `partition` may be left
/// out; `value` may not, because a forgotten value must not become a tombstone.
pub fn parse(line: &[u8]) -> Result<Draft<'_>, EnvelopeError> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| EnvelopeError::Json(error.to_string()))?;
    let mut headers = Vec::new();
    for (header, number) in line.headers.unwrap_or_default().into_iter().zip(1..) {
        let name = bytes(header.key, header.key_encoding, || format!("header {number}"))?;
        let name = name.and_then(|name| match name {
            Cow::Borrowed(name) => std::str::from_utf8(name).ok().map(Cow::Borrowed),
            Cow::Owned(name) => String::from_utf8(name).ok().map(Cow::Owned),
        });
        let name = name.filter(|name| !name.contains('\0')).ok_or_else(|| EnvelopeError::Field {
            field: format!("header {number}"),
            problem: "its key is no text".to_owned(),
        })?;
        let value = bytes(header.value, header.value_encoding, || format!("header {number}"))?;
        headers.push(DraftHeader { name, value });
    }
    Ok(Draft {
        key: line.key.map(|key| bytes(key, line.key_encoding, || "key".to_owned())).transpose()?.flatten(),
        value: bytes(line.value, line.value_encoding, || "value".to_owned())?,
        headers,
        timestamp: line.timestamp.map(milliseconds).transpose()?,
        partition: line.partition,
    })
}

fn milliseconds(instant: Instant<'_>) -> Result<i64, EnvelopeError> {
    match instant {
        Instant::Milliseconds(milliseconds) => Ok(milliseconds),
        Instant::Text(text) => text
            .parse::<Timestamp>()
            .map(Timestamp::as_millisecond)
            .map_err(|error| EnvelopeError::Field { field: "timestamp".to_owned(), problem: error.to_string() }),
    }
}

/// The bytes of a field; `None` is null. Without an encoding a string is text, anything else JSON.
fn bytes(
    raw: &RawValue,
    encoding: Option<Encoding>,
    field: impl Fn() -> String,
) -> Result<Option<Cow<'_, [u8]>>, EnvelopeError> {
    let text = raw.get();
    let encoding = encoding.unwrap_or(if text.starts_with('"') { Encoding::Utf8 } else { Encoding::Json });
    if text == "null" {
        return Ok(None);
    }
    if encoding == Encoding::Json {
        return Ok(Some(Cow::Borrowed(text.as_bytes())));
    }
    let wrong = |problem: String| EnvelopeError::Field { field: field(), problem };
    let text: Cow<'_, str> = borrowed(text)
        .map_or_else(|| serde_json::from_str(text).map(Cow::Owned), |text| Ok(Cow::Borrowed(text)))
        .map_err(|_| wrong("a string was expected, because its encoding is not json".to_owned()))?;
    if encoding == Encoding::Base64 {
        let decoded = STANDARD.decode(text.as_bytes()).map_err(|error| wrong(format!("not base64: {error}")))?;
        return Ok(Some(Cow::Owned(decoded)));
    }
    Ok(Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }))
}

/// The inside of a JSON string that has no escapes.
fn borrowed(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.contains('\\')).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::super::record::{Headers, TimestampType};
    use super::*;

    type Pair<'a> = (&'a [u8], Option<&'a [u8]>);

    fn line(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Pair<'_>], timestamp: i64) -> Vec<u8> {
        let mut encoded = Vec::new();
        Headers::encode(headers.iter().copied(), &mut encoded);
        let record = Record {
            topic: "orders",
            partition: 3,
            offset: 42,
            timestamp,
            timestamp_type: TimestampType::Create,
            leader_epoch: Some(7),
            key,
            value,
            headers: Headers::encoded(&encoded),
        };
        let mut out = Vec::new();
        write(&record, &mut out);
        out
    }

    #[test]
    fn the_line() {
        let headers: [Pair<'_>; 2] = [(b"a", Some(b"1")), (b"b", Some(&[0xff]))];
        let written = line(None, Some("gr\u{fc}n\n".as_bytes()), &headers, 1_769_817_600_123);
        assert_eq!(
            String::from_utf8_lossy(&written),
            concat!(
                r#"{"topic":"orders","partition":3,"offset":42,"timestamp":"2026-01-31T00:00:00.123Z","#,
                r#""timestampType":"CreateTime","leaderEpoch":7,"key":null,"keyEncoding":"utf8","#,
                r#""value":"grün\n","valueEncoding":"utf8","headers":[{"key":"a","value":"1"},"#,
                r#"{"key":"b","value":"/w==","valueEncoding":"base64"}]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn every_byte_comes_back() {
        let every: Vec<u8> = (0..=255).collect();
        let contents: [Option<&[u8]>; 6] =
            [None, Some(b""), Some(b"plain"), Some(b"\"quoted\"\\\n\0"), Some(&every), Some("€".as_bytes())];
        for key in contents {
            for value in contents {
                let headers: [Pair<'_>; 3] = [(b"a", key), (b"a", value), (b"", None)];
                let written = line(key, value, &headers, 1_769_817_600_123);
                let draft = parse(&written).expect("what was written");
                assert_eq!((draft.key.as_deref(), draft.value.as_deref()), (key, value));
                let read: Vec<Pair<'_>> =
                    draft.headers.iter().map(|header| (header.name.as_bytes(), header.value.as_deref())).collect();
                assert_eq!(read, headers);
                assert_eq!((draft.timestamp, draft.partition), (Some(1_769_817_600_123), Some(3)));
            }
        }
    }

    #[test]
    fn times_that_have_no_rfc_3339() {
        for (timestamp, read) in [(-1, None), (0, Some(0)), (i64::MAX, Some(i64::MAX))] {
            let written = line(None, None, &[], timestamp);
            assert_eq!(parse(&written).expect("what was written").timestamp, read);
        }
    }

    #[test]
    fn what_a_person_writes() {
        let draft = parse(br#"{"value": {"b": 1.0,  "a":[]}, "key": 7}"#).expect("valid");
        assert_eq!(draft.value.as_deref(), Some(br#"{"b": 1.0,  "a":[]}"#.as_slice()));
        assert_eq!(draft.key.as_deref(), Some(b"7".as_slice()));
        let draft = parse(br#"{"value":"1","valueEncoding":"json","timestamp":5}"#).expect("valid");
        assert_eq!((draft.value.as_deref(), draft.timestamp), (Some(br#""1""#.as_slice()), Some(5)));
    }

    #[test]
    fn mistakes_are_explained() {
        for (line, words) in [
            ("", "not a JSON record"),
            ("[]", "not a JSON record"),
            (r#"{"key":"a"}"#, "missing field `value`"),
            (r#"{"value":"*","valueEncoding":"base64"}"#, "value: not base64"),
            (r#"{"value":5,"valueEncoding":"utf8"}"#, "value: a string was expected"),
            (r#"{"value":"a","headers":[{"key":"a","value":"*","valueEncoding":"base64"}]}"#, "header 1: not base64"),
            (r#"{"value":"a","headers":[{"key":null,"value":"a"}]}"#, "header 1: its key is no text"),
            (r#"{"value":"a","timestamp":"soon"}"#, "timestamp: "),
            (r#"{"value":"a","valueEncoding":"rot13"}"#, "unknown variant `rot13`"),
        ] {
            let error = parse(line.as_bytes()).expect_err(line).to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
