//! `-o`: which rendering of a model is printed.

use std::str::FromStr;

use clap::Args;

/// One rendering of a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OutputFormat {
    /// The table or the report for people.
    #[default]
    Text,
    /// The same with more columns.
    Wide,
    /// The whole model.
    Json,
    /// The whole model.
    Yaml,
    /// `kind/name` lines.
    Name,
    /// kubectl's template: `{.items[*].name}`.
    JsonPath(String),
    /// `HEADER:.path,…`
    CustomColumns(String),
}

impl FromStr for OutputFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, argument) = match text.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        match (name, argument) {
            ("wide", None) => Ok(Self::Wide),
            ("json", None) => Ok(Self::Json),
            ("yaml", None) => Ok(Self::Yaml),
            ("name", None) => Ok(Self::Name),
            ("jsonpath", Some(template)) => Ok(Self::JsonPath(template.into())),
            ("custom-columns", Some(columns)) => Ok(Self::CustomColumns(columns.into())),
            ("jsonpath" | "custom-columns", None) => Err(format!("{name} needs a template, as in {name}=…")),
            ("go-template" | "go-template-file", _) => Err("go-template is not offered; use jsonpath=… or json".into()),
            _ => Err("expected json, yaml, wide, name, jsonpath=… or custom-columns=…".into()),
        }
    }
}

/// The output flags of every command that shows something.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// Output format: json, yaml, wide, name, jsonpath=…, custom-columns=…
    #[arg(short = 'o', long = "output", value_name = "FORMAT")]
    pub output: Option<OutputFormat>,

    /// Print a table without its heading
    #[arg(long)]
    pub no_headers: bool,
}

impl OutputArgs {
    /// The chosen format.
    pub fn format(&self) -> OutputFormat {
        self.output.clone().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_kubectls_formats_and_says_what_is_missing() {
        assert_eq!("wide".parse(), Ok(OutputFormat::Wide));
        assert_eq!("jsonpath={.a}".parse(), Ok(OutputFormat::JsonPath("{.a}".into())));
        assert!(OutputFormat::from_str("jsonpath").is_err_and(|error| error.contains("template")));
        assert!(OutputFormat::from_str("go-template={{.a}}").is_err_and(|error| error.contains("not offered")));
        assert!(OutputFormat::from_str("xml").is_err());
    }
}
