//! The grammar of `--offset`, rpk's: where to start in each partition, and where to stop.
//!
//! | typed | meaning |
//! |---|---|
//! | `start`, `end` | the first record that is kept; behind the last one |
//! | `N` or `N:` | offset N |
//! | `+N`, `-N` | N behind the start; N before the end |
//! | `A:B` | from A up to, not including, B; either may be left out, either may be any of the above |
//! | `@T`, `@T:`, `@:T`, `@T1:T2` | the same by time; the second `@` may be written or not |
//!
//! A time is 13 digits (ms), 10 digits (s), `YYYY-MM-DD` (UTC), RFC 3339, a duration before now (`-1h`), or
//! `end`.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// A place in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The first record that is kept.
    Start,
    /// Behind the last record, at the moment of asking.
    End,
    /// This many offsets behind the start.
    AfterStart(i64),
    /// This many offsets before the end.
    BeforeEnd(i64),
    /// This offset.
    At(i64),
    /// The first record at or after this time, in milliseconds since 1970; the end when there is none.
    Time(i64),
}

/// From where to where; without a stop, reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// The first record that is wanted.
    pub start: Bound,
    /// The first record that is no longer wanted.
    pub stop: Option<Bound>,
}

/// What must be known of a partition before a [`Bound`] is a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// The offset of the first record that is kept.
    pub start: i64,
    /// The offset behind the last record.
    pub end: i64,
    /// The offset of the start's [`Bound::Time`]; `None` when no record is that late.
    pub start_time: Option<i64>,
    /// The offset of the stop's [`Bound::Time`]; `None` when no record is that late.
    pub stop_time: Option<i64>,
}

impl OffsetRange {
    /// Everything, then what comes.
    pub const FROM_START: Self = Self { start: Bound::Start, stop: None };
    /// What comes.
    pub const FROM_END: Self = Self { start: Bound::End, stop: None };

    /// Parses what was typed; `now` is what durations are counted from.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        let invalid = || {
            format!(
                "`{text}` is no offset; write start, end, N, +N, -N, A:B, or a time as in @-1h, @2026-01-31 or \
                 @2026-01-31T10:00:00Z"
            )
        };
        let (rest, timed) = text.strip_prefix('@').map_or((text, false), |rest| (rest, true));
        let bound = |side: &str| match side.strip_prefix('@') {
            Some(side) => time(side, now),
            None if timed => time(side, now),
            None => offset(side),
        };
        if rest.starts_with('@') {
            return Err(invalid());
        }
        if let Some(start) = bound(rest) {
            return Ok(Self { start, stop: None });
        }
        // A time has colons of its own: the split is where both sides make sense.
        for (at, _) in rest.match_indices(':') {
            let (left, right) = (&rest[..at], &rest[at + 1..]);
            let start = if left.is_empty() { Some(Bound::Start) } else { bound(left) };
            let stop = if right.is_empty() { Some(None) } else { bound(right).map(Some) };
            if let (Some(start), Some(stop)) = (start, stop)
                && rest.len() > 1
            {
                return Ok(Self { start, stop });
            }
        }
        Err(invalid())
    }

    /// The times that must be looked up: of the start, of the stop.
    pub fn times(&self) -> (Option<i64>, Option<i64>) {
        let time = |bound| if let Bound::Time(time) = bound { Some(time) } else { None };
        (time(self.start), self.stop.and_then(time))
    }

    /// Whether the partition's first offset matters.
    pub fn needs_start(&self) -> bool {
        // A place before the end or an offset may lie before the start, which reading cannot.
        !matches!(self.start, Bound::End)
            || self.stop.is_some_and(|stop| matches!(stop, Bound::Start | Bound::AfterStart(_)))
    }

    /// Whether the partition's end matters: everything but reading on from the start needs it.
    pub fn needs_end(&self) -> bool {
        self.start != Bound::Start || !matches!(self.stop, None | Some(Bound::At(_)))
    }

    /// The first offset that is wanted, and the first that is not.
    pub fn resolve(&self, known: &Known) -> (i64, Option<i64>) {
        let place = |bound, by_time: Option<i64>| match bound {
            Bound::Start => known.start,
            Bound::End => known.end,
            Bound::AfterStart(count) => known.start.saturating_add(count),
            Bound::BeforeEnd(count) => known.end.saturating_sub(count).max(known.start),
            Bound::At(offset) => offset,
            Bound::Time(_) => by_time.unwrap_or(known.end),
        };
        (place(self.start, known.start_time), self.stop.map(|stop| place(stop, known.stop_time)))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => formatter.write_str("start"),
            Self::End => formatter.write_str("end"),
            Self::AfterStart(count) => write!(formatter, "+{count}"),
            Self::BeforeEnd(count) => write!(formatter, "-{count}"),
            Self::At(offset) => offset.fmt(formatter),
            Self::Time(time) => write!(formatter, "@{time}"),
        }
    }
}

fn offset(text: &str) -> Option<Bound> {
    match text {
        "start" => return Some(Bound::Start),
        "end" => return Some(Bound::End),
        _ => {}
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => ('+', digits),
        ("-", digits) => ('-', digits),
        _ => (' ', text),
    };
    let count = number(digits)?;
    Some(match sign {
        '+' => Bound::AfterStart(count),
        '-' => Bound::BeforeEnd(count),
        _ => Bound::At(count),
    })
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn time(text: &str, now: Timestamp) -> Option<Bound> {
    if text == "end" {
        return Some(Bound::End);
    }
    if let Some(count) = number(text) {
        return match text.len() {
            13 => Some(Bound::Time(count)),
            10 => Some(Bound::Time(count.checked_mul(1000)?)),
            _ => None,
        };
    }
    if let Some(ago) = text.strip_prefix('-') {
        let ago: SignedDuration = ago.parse().ok().filter(|ago: &SignedDuration| !ago.is_negative())?;
        return Some(Bound::Time(now.checked_sub(ago).ok()?.as_millisecond()));
    }
    instant(text).map(|instant| Bound::Time(instant.as_millisecond()))
}

/// A time alone, in milliseconds since 1970: 13 digits, 10 digits, a date, RFC 3339, or `-1h`.
pub fn parse_time(text: &str, now: Timestamp) -> Option<i64> {
    match time(text, now)? {
        Bound::Time(time) => Some(time),
        _ => None,
    }
}

/// `YYYY-MM-DD` (UTC) or RFC 3339.
fn instant(text: &str) -> Option<Timestamp> {
    if text.contains('T') {
        return text.parse().ok();
    }
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|midnight| midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn parse(text: &str) -> Result<OffsetRange, String> {
        OffsetRange::parse(text, Timestamp::from_millisecond(NOW).expect("a time"))
    }

    #[test]
    fn the_whole_grammar() {
        let day = 1_769_817_600_000; // 2026-01-31T00:00:00Z
        let ten = day + 36_000_000;
        for (text, start, stop) in [
            ("start", Bound::Start, None),
            ("end", Bound::End, None),
            ("+5", Bound::AfterStart(5), None),
            ("-5", Bound::BeforeEnd(5), None),
            ("5", Bound::At(5), None),
            ("5:", Bound::At(5), None),
            (":5", Bound::Start, Some(Bound::At(5))),
            (":end", Bound::Start, Some(Bound::End)),
            ("start:end", Bound::Start, Some(Bound::End)),
            ("5:8", Bound::At(5), Some(Bound::At(8))),
            ("-10:end", Bound::BeforeEnd(10), Some(Bound::End)),
            ("-10:-5", Bound::BeforeEnd(10), Some(Bound::BeforeEnd(5))),
            ("+1:+3", Bound::AfterStart(1), Some(Bound::AfterStart(3))),
            ("@1769817600000", Bound::Time(day), None),
            ("@1769817600", Bound::Time(day), None),
            ("@2026-01-31", Bound::Time(day), None),
            ("@2026-01-31T10:00:00Z", Bound::Time(ten), None),
            ("@2026-01-31T12:00:00+02:00", Bound::Time(ten), None),
            ("@2026-01-31T10:00:00Z:", Bound::Time(ten), None),
            ("@:2026-01-31T10:00:00Z", Bound::Start, Some(Bound::Time(ten))),
            ("@2026-01-31:2026-01-31T10:00:00Z", Bound::Time(day), Some(Bound::Time(ten))),
            ("@2026-01-31T10:00:00Z:2026-01-31T12:00:00+02:00", Bound::Time(ten), Some(Bound::Time(ten))),
            ("@-1h", Bound::Time(NOW - 3_600_000), None),
            ("@-1h:-30m", Bound::Time(NOW - 3_600_000), Some(Bound::Time(NOW - 1_800_000))),
            ("@-1h:@-30m", Bound::Time(NOW - 3_600_000), Some(Bound::Time(NOW - 1_800_000))),
            ("5:@1769817600", Bound::At(5), Some(Bound::Time(day))),
            ("@-1h:end", Bound::Time(NOW - 3_600_000), Some(Bound::End)),
        ] {
            assert_eq!(parse(text), Ok(OffsetRange { start, stop }), "{text}");
        }
    }

    #[test]
    fn what_is_no_offset_is_refused() {
        for text in [
            "",
            ":",
            "@",
            "@:",
            "five",
            "1.5",
            "--1",
            "+-1",
            "1:2:3",
            "@tomorrow",
            "@12345",
            "@--1h",
            "@-",
            "@@-1h",
            "5-8",
            "+",
        ] {
            assert!(parse(text).is_err_and(|error| error.contains("is no offset")), "{text:?}");
        }
    }

    #[test]
    fn bounds_become_numbers() {
        let known = Known { start: 100, end: 200, start_time: Some(150), stop_time: None };
        for (text, resolved) in [
            ("start", (100, None)),
            ("end", (200, None)),
            (":end", (100, Some(200))),
            ("+5", (105, None)),
            ("-5", (195, None)),
            ("-500", (100, None)),
            ("120:130", (120, Some(130))),
            ("-10:-5", (190, Some(195))),
            ("@2026-01-31:2026-02-01", (150, Some(200))),
        ] {
            assert_eq!(parse(text).expect("valid").resolve(&known), resolved, "{text}");
        }
    }

    #[test]
    fn only_what_is_needed_is_looked_up() {
        assert!(!OffsetRange::FROM_END.needs_start());
        assert!(OffsetRange::FROM_START.needs_start());
        assert_eq!(parse("@-1h:end").expect("valid").times(), (Some(NOW - 3_600_000), None));
    }
}
