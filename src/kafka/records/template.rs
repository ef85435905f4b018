//! `--format`: a line per record from a template, with the verbs of kcat and rpk.
//!
//! | verb | prints |
//! |---|---|
//! | `%t` `%p` `%o` | topic, partition, offset |
//! | `%k` `%K` | key, its length (−1 for null) |
//! | `%v` or `%s`, `%V` or `%S` | value, its length (−1 for null) |
//! | `%h` | headers as `name=value,name=value`; a null value has no `=` |
//! | `%d` or `%T` | timestamp in milliseconds; `%d{strftime[%F %T]}` in UTC; `%d{rfc3339}` |
//! | `%e` | leader epoch (−1 when not known) |
//! | `%%` | a percent sign |
//!
//! `%k`, `%v` and `%s` take a form: `{hex}`, `{base64}`, `{json}`. Escapes: `\n \r \t \\ \xXX`.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::strtime;

use super::record::Record;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Key(Form),
    KeyLength,
    Value(Form),
    ValueLength,
    Headers,
    Time(TimeForm),
    LeaderEpoch,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are; null as nothing.
    Raw,
    Hex,
    Base64,
    /// A JSON string, or `null`.
    Json,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TimeForm {
    Milliseconds,
    Rfc3339,
    Strftime(String),
}

impl Template {
    /// Parses what was typed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            rest = &rest[next.len_utf8()..];
            match next {
                '\\' => literal.push(escape(&mut rest)?),
                '%' if rest.starts_with('%') => {
                    literal.push(b'%');
                    rest = &rest[1..];
                }
                '%' => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(verb(&mut rest)?);
                }
                other => literal.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    /// Writes one record behind what the buffer holds.
    pub fn write(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Literal(bytes) => out.extend_from_slice(bytes),
                Piece::Topic => out.extend_from_slice(record.topic.as_bytes()),
                Piece::Partition => number(out, record.partition),
                Piece::Offset => number(out, record.offset),
                Piece::Key(form) => form.write(record.key, out),
                Piece::KeyLength => length(out, record.key),
                Piece::Value(form) => form.write(record.value, out),
                Piece::ValueLength => length(out, record.value),
                Piece::Headers => headers(record, out),
                Piece::Time(form) => form.write(record.timestamp, out),
                Piece::LeaderEpoch => number(out, record.leader_epoch.unwrap_or(-1)),
            }
        }
    }
}

/// Text with escapes and without verbs.
pub(super) fn literal(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '\\' => bytes.push(escape(&mut rest)?),
            other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(bytes)
}

fn escape(rest: &mut &str) -> Result<u8, String> {
    let mut characters = rest.chars();
    let next = characters.next();
    let byte = match next {
        Some('n') => b'\n',
        Some('r') => b'\r',
        Some('t') => b'\t',
        Some('\\') => b'\\',
        Some('x') => {
            let byte = rest.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
            *rest = rest.get(3..).unwrap_or_default();
            return byte.ok_or_else(|| "\\x needs two hexadecimal digits".to_owned());
        }
        Some(other) => return Err(format!("unknown escape \\{other}; there are \\n \\r \\t \\\\ \\xXX")),
        None => return Err("a backslash at the end escapes nothing; write \\\\ for one".to_owned()),
    };
    *rest = characters.as_str();
    Ok(byte)
}

fn verb(rest: &mut &str) -> Result<Piece, String> {
    const VERBS: &str = "%t %p %o %k %K %v %s %V %S %h %d %T %e %%";
    let mut characters = rest.chars();
    let letter = characters.next().ok_or_else(|| format!("a percent sign at the end; the verbs are {VERBS}"))?;
    *rest = characters.as_str();
    Ok(match letter {
        't' => Piece::Topic,
        'p' => Piece::Partition,
        'o' => Piece::Offset,
        'k' => Piece::Key(form(rest)?),
        'K' => Piece::KeyLength,
        'v' | 's' => Piece::Value(form(rest)?),
        'V' | 'S' => Piece::ValueLength,
        'h' => Piece::Headers,
        'd' | 'T' => Piece::Time(time_form(rest)?),
        'e' => Piece::LeaderEpoch,
        other => return Err(format!("unknown verb %{other}; the verbs are {VERBS}")),
    })
}

/// The `{…}` behind a verb, if there is one.
fn modifier<'a>(rest: &mut &'a str) -> Result<Option<&'a str>, String> {
    let Some(inside) = rest.strip_prefix('{') else { return Ok(None) };
    // A strftime format may have braces of its own: it ends with `]}`.
    let end = if inside.starts_with("strftime[") { inside.find("]}").map(|at| at + 1) } else { inside.find('}') };
    let end = end.ok_or_else(|| format!("`{{{inside}` is not closed"))?;
    *rest = &inside[end + 1..];
    Ok(Some(&inside[..end]))
}

fn form(rest: &mut &str) -> Result<Form, String> {
    match modifier(rest)? {
        None => Ok(Form::Raw),
        Some("hex") => Ok(Form::Hex),
        Some("base64") => Ok(Form::Base64),
        Some("json") => Ok(Form::Json),
        Some(other) => Err(format!("unknown form {{{other}}}; there are {{hex}}, {{base64}}, {{json}}")),
    }
}

fn time_form(rest: &mut &str) -> Result<TimeForm, String> {
    match modifier(rest)? {
        None => Ok(TimeForm::Milliseconds),
        Some("rfc3339") => Ok(TimeForm::Rfc3339),
        Some(other) => {
            let format = other.strip_prefix("strftime[").and_then(|rest| rest.strip_suffix(']'));
            let format = format
                .ok_or_else(|| format!("unknown form {{{other}}}; there are {{strftime[%F %T]}} and {{rfc3339}}"))?;
            strtime::format(format, &Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC))
                .map_err(|error| format!("strftime[{format}]: {error}"))?;
            Ok(TimeForm::Strftime(format.to_owned()))
        }
    }
}

impl Form {
    fn write(self, bytes: Option<&[u8]>, out: &mut Vec<u8>) {
        match (self, bytes) {
            (Self::Json, _) => json(bytes, out),
            (_, None) => {}
            (Self::Raw, Some(bytes)) => out.extend_from_slice(bytes),
            (Self::Hex, Some(bytes)) => bytes.iter().for_each(|byte| put(out, format_args!("{byte:02x}"))),
            (Self::Base64, Some(bytes)) => out.extend_from_slice(STANDARD.encode(bytes).as_bytes()),
        }
    }
}

impl TimeForm {
    fn write(&self, milliseconds: i64, out: &mut Vec<u8>) {
        let instant = Timestamp::from_millisecond(milliseconds).ok().filter(|_| milliseconds >= 0);
        match (self, instant) {
            (Self::Milliseconds, _) => number(out, milliseconds),
            (_, None) => {}
            (Self::Rfc3339, Some(instant)) => put(out, format_args!("{instant:.3}")),
            (Self::Strftime(format), Some(instant)) => {
                put(out, format_args!("{}", instant.to_zoned(jiff::tz::TimeZone::UTC).strftime(format)));
            }
        }
    }
}

/// A JSON string; bytes that are no UTF-8 are replaced, which `{base64}` does not do.
fn json(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    match bytes {
        None => out.extend_from_slice(b"null"),
        // A string cannot fail to serialize, and a vector cannot fail to grow.
        Some(bytes) => drop(serde_json::to_writer(out, &String::from_utf8_lossy(bytes))),
    }
}

fn headers(record: &Record<'_>, out: &mut Vec<u8>) {
    for (position, (name, value)) in record.headers.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name);
        if let Some(value) = value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}

fn length(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.extend_from_slice(b"-1"),
        Some(bytes) => number(out, bytes.len()),
    }
}

fn number(out: &mut Vec<u8>, number: impl std::fmt::Display) {
    put(out, format_args!("{number}"));
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector cannot fail to grow.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::super::record::{Headers, TimestampType};
    use super::*;

    fn print(template: &str, key: Option<&[u8]>, value: Option<&[u8]>) -> String {
        let mut headers = Vec::new();
        let pairs: [(&[u8], Option<&[u8]>); 3] = [(b"a", Some(b"1")), (b"a", None), (b"b", Some(b""))];
        Headers::encode(pairs.into_iter(), &mut headers);
        let record = Record {
            topic: "orders",
            partition: 3,
            offset: 42,
            timestamp: 1_769_817_600_123,
            timestamp_type: TimestampType::Create,
            leader_epoch: Some(7),
            key,
            value,
            headers: Headers::encoded(&headers),
        };
        let mut out = Vec::new();
        Template::parse(template).expect("a template").write(&record, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn every_verb() {
        let key: Option<&[u8]> = Some(b"k");
        for (template, printed) in [
            ("%t/%p@%o", "orders/3@42"),
            ("%k(%K)=%v(%V)", "k(1)=hi\n(3)"),
            ("%s %S", "hi\n 3"),
            ("%h", "a=1,a,b="),
            ("%d %T", "1769817600123 1769817600123"),
            ("%d{strftime[%F %T]}|%d{rfc3339}", "2026-01-31 00:00:00|2026-01-31T00:00:00.123Z"),
            ("%e 100%%", "7 100%"),
            ("%v{hex} %v{base64} %v{json}", "68690a aGkK \"hi\\n\""),
            ("a\\tb\\n\\\\\\x41\\r€", "a\tb\n\\A\r€"),
        ] {
            assert_eq!(print(template, key, Some(b"hi\n")), printed, "{template}");
        }
    }

    #[test]
    fn null_is_not_empty() {
        assert_eq!(print("[%k|%K|%v{json}|%v{hex}]", Some(b""), None), "[|0|null|]");
        assert_eq!(print("[%K|%v{json}]", None, Some(b"")), "[-1|\"\"]");
    }

    #[test]
    fn mistakes_are_explained() {
        for (template, words) in [
            ("%x", "unknown verb %x"),
            ("100%", "percent sign at the end"),
            ("%v{octal}", "unknown form {octal}"),
            ("%v{hex", "is not closed"),
            ("%d{hex}", "strftime"),
            ("\\q", "unknown escape \\q"),
            ("\\xZZ", "two hexadecimal digits"),
            ("\\", "a backslash at the end"),
        ] {
            assert!(Template::parse(template).is_err_and(|error| error.contains(words)), "{template}");
        }
    }
}
