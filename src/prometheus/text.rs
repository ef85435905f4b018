//! Prometheus' text format, version 0.0.4: a sample per line, `name{label="value"} value timestamp`.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The series' name.
    pub name: String,
    /// Its labels, in their order.
    pub labels: Vec<(String, String)>,
    /// Its value; may be `NaN` or infinite.
    pub value: f64,
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// A line that is no sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {start}")]
pub struct Malformed {
    /// Counted from 1.
    number: usize,
    /// Its first characters.
    start: String,
}

/// All samples of a text. Comments (`# HELP`, `# TYPE`) and empty lines are passed over, anything else that is no
/// sample is an error.
pub(super) fn samples(text: &str) -> Result<Vec<Sample>, Malformed> {
    let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
    let wanted = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = |(number, line): (usize, &str)| {
        sample(line).ok_or_else(|| Malformed { number, start: line.chars().take(60).collect() })
    };
    wanted.map(read).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let (name, rest) = name(line)?;
    let (labels, rest) = match rest.trim_start().strip_prefix('{') {
        Some(inside) => labels(inside)?,
        // Something must part the name from the value.
        None if rest.starts_with([' ', '\t']) => (Vec::new(), rest),
        None => return None,
    };
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?.parse().ok()?;
    let timestamp = words.next().map(str::parse::<i64>);
    (words.next().is_none() && !matches!(timestamp, Some(Err(_)))).then(|| Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// The name at the start, and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':');
    let (name, rest) = text.split_at(text.find(|letter| !is_name(letter)).unwrap_or(text.len()));
    name.starts_with(|letter: char| !letter.is_ascii_digit()).then_some((name, rest))
}

type Labels = Vec<(String, String)>;

/// The labels up to the closing brace, and what follows it. The last one may have a comma too.
fn labels(mut text: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (key, rest) = name(text)?;
        let (value, rest) = quoted(rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?)?;
        labels.push((key.to_owned(), value));
        text = rest.trim_start();
        text = match text.strip_prefix(',') {
            Some(next) => next,
            None if text.starts_with('}') => text,
            None => return None,
        };
    }
}

/// A label's value up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            letter => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(String, Labels, f64)> {
        samples(line).ok()?.pop().map(|sample| (sample.name, sample.labels, sample.value))
    }

    #[test]
    fn every_form_of_a_sample() {
        for (line, name, labels, value) in [
            ("up 1", "up", &[][..], 1.0),
            ("\tup   1.5  1795520668118", "up", &[], 1.5),
            ("up -1 -62135596800000", "up", &[], -1.0),
            ("a:b_c9 1.795520667618E12", "a:b_c9", &[], 1.795_520_667_618e12),
            ("up +Inf", "up", &[], f64::INFINITY),
            ("up -Inf", "up", &[], f64::NEG_INFINITY),
            ("up{} 1", "up", &[], 1.0),
            ("up{area=\"heap\"} 1", "up", &[("area", "heap")], 1.0),
            ("up {area=\"heap\"}1", "up", &[("area", "heap")], 1.0),
            ("up{ a = \"1\" , b = \"2\" , } 1", "up", &[("a", "1"), ("b", "2")], 1.0),
            (
                "up{pool=\"mapped - 'non-volatile memory'\"} 0.0",
                "up",
                &[("pool", "mapped - 'non-volatile memory'")],
                0.0,
            ),
            (r#"up{path="C:\\DIR",say="\"hi\"\nyou"} 2"#, "up", &[("path", r"C:\DIR"), ("say", "\"hi\"\nyou")], 2.0),
            (r#"up{a="}, b=\"x\" # Größe"} 3"#, "up", &[("a", "}, b=\"x\" # Größe")], 3.0),
            ("up{a=\"\"} 3", "up", &[("a", "")], 3.0),
        ] {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(read(line), Some((name.to_owned(), labels, value)), "{line}");
        }
        assert!(read("up NaN").is_some_and(|(_, _, value)| value.is_nan()));
    }

    #[test]
    fn comments_are_passed_over_and_garbage_is_not() {
        let text =
            "# HELP up Whether it is up, with \\\\ and {}\n# TYPE up gauge\r\n\nup 1\r\n#\nup{a=\"b\"} 2\n# EOF\n";
        assert_eq!(samples(text).map(|samples| samples.len()), Ok(2));
        assert_eq!(samples("").map(|samples| samples.len()), Ok(0));
        for line in [
            "up",
            "up one",
            "up 1 soon",
            "up 1 2 3",
            "9up 1",
            "{a=\"b\"} 1",
            "up{a=\"b\" 1",
            "up{a=\"b} 1",
            "up{a=b} 1",
            "up{a} 1",
            "up{a=\"b\"c=\"d\"} 1",
            "up{,} 1",
            "up{a=\"\\x\"} 1",
            "up{a=\"b\\",
            "up{a=\"b\"}",
            "up-down 1",
            "up\u{a0}1",
            "<!DOCTYPE html>",
        ] {
            assert_eq!(samples(&format!("fine 1\n{line}\n")).expect_err(line).to_string(), format!("line 2: {line}"));
        }
    }
}
