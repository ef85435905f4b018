//! Where messages come from: lines of text, JSON lines, or one value many times.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::{InputFormat, PartitionChoice, ProduceArgs};
use crate::error::CommandError;
use crate::kafka::records::input::{LineFormat, numbered};
use crate::kafka::records::{Draft, envelope};

/// One read from stdin or a file.
const READ: usize = 256 * 1024;

/// The largest line. Brokers refuse requests beyond 100 MiB (`socket.request.max.bytes`).
const MAX_LINE: u64 = 100 << 20;

/// The messages, one after the other.
pub(super) enum Source {
    /// Lines from a reader.
    Lines(Lines),
    /// One message, so many times.
    Repeat(Repeat),
}

pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    name: String,
    line: Vec<u8>,
    number: u64,
    format: Format,
}

enum Format {
    Text(LineFormat),
    Json,
}

pub(super) struct Repeat {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    /// Whether `{}` is the number.
    numbered: bool,
    number: u64,
    count: u64,
}

impl ProduceArgs {
    pub(super) fn check(&self) -> Result<(), CommandError> {
        if self.count.is_some() && self.value.is_none() && !self.null_value {
            return Err(CommandError::usage("--count repeats a --value; lines are sent once each"));
        }
        if self.partition == Some(PartitionChoice::Same) && self.format != Some(InputFormat::Json) {
            return Err(CommandError::usage(
                "--partition same needs --format json: only there a line names its partition",
            ));
        }
        Ok(())
    }
}

impl Source {
    /// Opens what was asked for; stdin is not read yet.
    pub(super) fn open(args: &ProduceArgs) -> Result<Self, CommandError> {
        if args.value.is_some() || args.null_value {
            let value = args.value.as_ref().filter(|value| !(args.empty_as_null && value.is_empty()));
            return Ok(Self::Repeat(Repeat {
                key: args.key.clone().map(String::into_bytes),
                value: value.map(|value| value.clone().into_bytes()),
                numbered: args.count.is_some(),
                number: 0,
                count: args.count.unwrap_or(1),
            }));
        }
        let (reader, name): (Box<dyn Read + Send>, String) = match &args.file {
            Some(file) if file != Path::new("-") => {
                let opened = File::open(file)
                    .map_err(|error| CommandError::failed(format!("cannot read {}: {error}", file.display())))?;
                (Box::new(opened), file.display().to_string())
            }
            _ => (Box::new(io::stdin()), "stdin".to_owned()),
        };
        let format = match args.format {
            Some(InputFormat::Json) => Format::Json,
            _ => Format::Text(LineFormat {
                separator: args.key_separator.as_ref().map(|separator| separator.0.clone()),
                empty_is_null: args.empty_as_null,
            }),
        };
        let reader = Box::new(BufReader::with_capacity(READ, reader));
        Ok(Self::Lines(Lines { reader, name, line: Vec::new(), number: 0, format }))
    }

    /// The next message; `None` at the end. Blocks.
    pub(super) fn next(&mut self) -> Result<Option<Draft<'_>>, CommandError> {
        match self {
            Self::Lines(lines) => lines.next(),
            Self::Repeat(repeat) => Ok(repeat.next()),
        }
    }

    /// Where the last message came from: `line 7 of stdin`, `message 7`.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Lines(lines) => format!("line {} of {}", lines.number, lines.name),
            Self::Repeat(repeat) => format!("message {}", repeat.number),
        }
    }
}

impl Lines {
    fn next(&mut self) -> Result<Option<Draft<'_>>, CommandError> {
        while self.read_line()? {
            // A JSON file may end in empty lines; an empty line of text is an empty value.
            if matches!(self.format, Format::Text(_)) || !self.line.iter().all(u8::is_ascii_whitespace) {
                return self.parse().map(Some);
            }
        }
        Ok(None)
    }

    fn read_line(&mut self) -> Result<bool, CommandError> {
        self.line.clear();
        let read = (&mut self.reader).take(MAX_LINE + 1).read_until(b'\n', &mut self.line);
        let length = read.map_err(|error| CommandError::failed(format!("cannot read {}: {error}", self.name)))?;
        if length == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if length > usize::try_from(MAX_LINE).unwrap_or(usize::MAX) {
            return Err(CommandError::failed(format!(
                "line {} of {} is longer than 100 MiB, the most that a broker takes",
                self.number, self.name
            )));
        }
        Ok(true)
    }

    fn parse(&self) -> Result<Draft<'_>, CommandError> {
        let place = || format!("line {} of {}", self.number, self.name);
        match &self.format {
            Format::Json => {
                envelope::parse(&self.line).map_err(|error| CommandError::failed(error.to_string()).about(place()))
            }
            Format::Text(format) => format.parse(&self.line).ok_or_else(|| {
                CommandError::failed("it has no key separator").about(place()).hinted(
                    "every line must be a key, the separator of --key-separator, and a value; the value may be empty",
                )
            }),
        }
    }
}

impl Repeat {
    fn next(&mut self) -> Option<Draft<'_>> {
        if self.number == self.count {
            return None;
        }
        self.number += 1;
        let number = self.number;
        let (key, value) = (self.key.as_deref(), self.value.as_deref());
        Some(if self.numbered {
            Draft {
                key: key.map(|key| numbered(key, number)),
                value: value.map(|value| numbered(value, number)),
                ..Draft::default()
            }
        } else {
            Draft { key: key.map(Cow::Borrowed), value: value.map(Cow::Borrowed), ..Draft::default() }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &'static [u8], format: Format) -> Source {
        let reader = Box::new(BufReader::with_capacity(4, text));
        Source::Lines(Lines { reader, name: "stdin".into(), line: Vec::new(), number: 0, format })
    }

    fn values(mut source: Source) -> Result<Vec<Vec<u8>>, String> {
        let mut values = Vec::new();
        while let Some(draft) = source.next().map_err(|error| error.message)? {
            values.push(draft.value.expect("no tombstones here").into_owned());
        }
        Ok(values)
    }

    #[test]
    fn lines_are_bytes_and_the_last_one_counts_without_its_newline() {
        let text = || Format::Text(LineFormat::default());
        assert_eq!(values(lines(b"", text())), Ok(vec![]));
        assert_eq!(values(lines(b"\n", text())), Ok(vec![b"".to_vec()]));
        assert_eq!(
            values(lines(b"a\r\n\n\xff\0b", text())),
            Ok(vec![b"a\r".to_vec(), b"".to_vec(), b"\xff\0b".to_vec()])
        );
    }

    #[test]
    fn mistakes_name_their_line() {
        let format = Format::Text(LineFormat { separator: Some(b":".to_vec()), empty_is_null: false });
        assert_eq!(values(lines(b"a:b\nc\n", format)), Err("line 2 of stdin: it has no key separator".into()));
        let error = values(lines(b"{\"value\":\"a\"}\n\n{\"key\":1}\n", Format::Json)).expect_err("no value");
        assert!(error.starts_with("line 3 of stdin: not a JSON record: missing field `value`"), "{error}");
    }

    #[test]
    fn a_value_is_repeated_and_numbered_only_when_counted() {
        let repeat = |count, numbered| {
            Source::Repeat(Repeat { key: None, value: Some(b"m{}".to_vec()), numbered, number: 0, count })
        };
        assert_eq!(values(repeat(3, true)), Ok(vec![b"m1".to_vec(), b"m2".to_vec(), b"m3".to_vec()]));
        assert_eq!(values(repeat(1, false)), Ok(vec![b"m{}".to_vec()]));
    }
}
