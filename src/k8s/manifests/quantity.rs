//! Kubernetes' quantities (`500m`, `2Gi`, `1.5G`), compared by value: `2Gi` is `2048Mi`.
//!
//! Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Suffixes and their factor in thousandths, the unit that values are kept in.
const SUFFIXES: [(&str, i128); 13] = [
    ("Ki", 1000 << 10),
    ("Mi", 1000 << 20),
    ("Gi", 1000 << 30),
    ("Ti", 1000 << 40),
    ("Pi", 1000 << 50),
    ("Ei", 1000 << 60),
    ("m", 1),
    ("k", 1000 * 1000),
    ("M", 1000 * 1_000_000),
    ("G", 1000 * 1_000_000_000),
    ("T", 1000 * 1_000_000_000_000),
    ("P", 1000 * 1_000_000_000_000_000),
    ("E", 1000 * 1_000_000_000_000_000_000),
];

/// A positive amount of bytes or cores, shown as it was typed. In a document it may be a number too.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("type" = ["string", "number"]))]
pub struct Quantity {
    text: String,
    thousandths: i128,
}

impl Quantity {
    /// So many GiB.
    pub(super) fn gibibytes(count: u32) -> Self {
        Self { text: format!("{count}Gi"), thousandths: i128::from(count) * (1000 << 30) }
    }

    /// So many thousandths.
    pub(super) fn millis(count: u32) -> Self {
        Self { text: format!("{count}m"), thousandths: count.into() }
    }

    /// The amount in whole units, rounded down: bytes of memory.
    pub fn whole(&self) -> i128 {
        self.thousandths / 1000
    }

    /// The smaller of two.
    #[must_use]
    pub fn at_most(&self, other: &Self) -> Self {
        if other.thousandths < self.thousandths { other.clone() } else { self.clone() }
    }

    /// Kubernetes' own type.
    pub fn to_kubernetes(&self) -> k8s_openapi::apimachinery::pkg::api::resource::Quantity {
        k8s_openapi::apimachinery::pkg::api::resource::Quantity(self.text.clone())
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || match meant(text) {
            Some(meant) => format!("`{text}` is no quantity; did you mean {meant}?"),
            None => format!("`{text}` is no quantity; write for example 10Gi, 512Mi or 500m"),
        };
        let (number, factor) = SUFFIXES
            .iter()
            .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))
            .unwrap_or((text, 1000));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        // 15 digits and the largest factor stay far below what an i128 holds.
        if digits.is_empty() || digits.len() > 15 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(invalid());
        }
        let mantissa: i128 = digits.parse().map_err(|_| invalid())?;
        let scale = (0..fraction.len()).fold(1, |scale: i128, _| scale * 10);
        let thousandths = mantissa * factor / scale;
        if thousandths == 0 {
            return Err(format!("`{text}` is not more than zero"));
        }
        Ok(Self { text: text.to_owned(), thousandths })
    }
}

/// The quantity that is probably meant by `2 GB`, `10gi` or `1GiB`.
fn meant(text: &str) -> Option<String> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let unit = unit.trim().to_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    // Thousandths are no bytes, and nobody means them by a capital letter.
    let (suffix, _) = SUFFIXES.iter().find(|(suffix, factor)| *factor > 1 && suffix.to_lowercase() == unit)?;
    let meant = format!("{number}{suffix}");
    (meant != text && meant.parse::<Quantity>().is_ok()).then_some(meant)
}

impl TryFrom<String> for Quantity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.text
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.thousandths == other.thousandths
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.thousandths.cmp(&other.thousandths)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for (text, thousandths) in [
            ("1", 1000),
            ("500m", 500),
            ("0.5", 500),
            ("1.5k", 1_500_000),
            ("2Ki", 2_048_000),
            ("1.5Gi", 1_610_612_736_000),
            ("1G", 1_000_000_000_000),
        ] {
            assert_eq!(text.parse::<Quantity>().map(|quantity| quantity.thousandths), Ok(thousandths), "{text}");
        }
    }

    #[test]
    fn what_kubernetes_would_refuse_is_refused_here() {
        for bad in ["", "Gi", "-1Gi", "1GiB", "1 Gi", "1,5Gi", "one", "1e", "."] {
            assert!(bad.parse::<Quantity>().is_err_and(|error| error.contains("is no quantity")), "{bad}");
        }
        assert!("0Gi".parse::<Quantity>().is_err_and(|error| error.contains("not more than zero")));
    }

    #[test]
    fn other_spellings_are_told_what_kubernetes_calls_them() {
        for (text, expected) in [
            ("2GB", Some("2G")),
            ("2GiB", Some("2Gi")),
            ("2 Gi", Some("2Gi")),
            ("10gi", Some("10Gi")),
            ("1.5KB", Some("1.5k")),
            ("512mb", Some("512M")),
            ("500mm", None),
            ("-1Gi", None),
            ("many", None),
            ("0gi", None),
        ] {
            let error = text.parse::<Quantity>().expect_err(text);
            let meant = error.split_once("did you mean ").map(|(_, meant)| meant.trim_end_matches('?'));
            assert_eq!(meant, expected, "{error}");
        }
    }

    #[test]
    fn the_same_amount_is_equal_however_it_is_written() {
        assert_eq!("2Gi".parse::<Quantity>(), "2048Mi".parse());
        assert!("1G".parse::<Quantity>() < "1Gi".parse());
    }
}
