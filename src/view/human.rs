//! Numbers as people read them, in kubectl's style.

use std::fmt::Display;
use std::time::Duration;

/// A size in binary units with one digit: `1.5Gi`, `512Ki`, `17B`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["Ki", "Mi", "Gi", "Ti", "Pi"];
    if count < 1024 {
        return format!("{count}B");
    }
    let mut value = count as f64;
    let mut unit = "";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if value >= 100.0 || value.fract() < 0.05 { format!("{value:.0}{unit}") } else { format!("{value:.1}{unit}") }
}

/// An age as kubectl's `AGE` column shows it: `45s`, `12m`, `3h20m`, `5d`.
pub fn age(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 if !seconds.is_multiple_of(60) => format!("{minutes}m{}s", seconds % 60),
        120..10_800 => format!("{minutes}m"),
        10_800..28_800 if !minutes.is_multiple_of(60) => format!("{hours}h{}m", minutes % 60),
        10_800..172_800 => format!("{hours}h"),
        172_800..691_200 if !hours.is_multiple_of(24) => format!("{days}d{}h", hours % 24),
        172_800..63_072_000 => format!("{days}d"),
        _ => format!("{}y", days / 365),
    }
}

/// How long something took: `950ms`, `1.4s`, `2m5s`.
pub fn duration(elapsed: Duration) -> String {
    match elapsed.as_millis() {
        milliseconds @ 0..1000 => format!("{milliseconds}ms"),
        1000..60_000 => format!("{:.1}s", elapsed.as_secs_f64()),
        _ => format!("{}m{}s", elapsed.as_secs() / 60, elapsed.as_secs() % 60),
    }
}

/// `a,b,c`, or `<none>`.
pub fn list<T: Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "<none>".to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The value, or `<none>`.
pub fn or_none<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "<none>".to_owned(), |value| value.to_string())
}

/// `1 topic`, `2 topics`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let shown = [0, 1023, 1024, 1536, 10 << 20, 3 << 30, 150 << 30].map(bytes);
        assert_eq!(shown, ["0B", "1023B", "1Ki", "1.5Ki", "10Mi", "3Gi", "150Gi"]);
    }

    #[test]
    fn ages() {
        let shown = [5, 119, 125, 700, 12_000, 90_000, 400_000].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(shown, ["5s", "119s", "2m5s", "11m", "3h20m", "25h", "4d15h"]);
    }

    #[test]
    fn lists_are_never_blank() {
        assert_eq!((list(&[1, 2]), list::<i32>(&[])), ("1,2".into(), "<none>".into()));
    }
}
