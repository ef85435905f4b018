//! Whether a document has the shape that its JSON Schema says: every field known and of its type, nothing without a
//! value. What fits is one value from then on, whoever reads it.
//!
//! The schema is made from the types and is what editors check with (`docs/cluster.schema.json`), so that nothing is
//! taken here that is red there. Of JSON Schema it knows what `schemars` writes for our types.

use serde_json::{Map, Value};

use super::meant::{fields, meant, nearest};
use super::written::{Content, Node};

/// More names than these are no help in the middle of a sentence.
const FEW: usize = 6;

/// The first mistake of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    line: u64,
    text: String,
}

impl Mistake {
    /// At a line, about a path (`spec.storage.size`; empty for the document itself).
    pub(super) fn new(line: u64, path: &str, reason: impl AsRef<str>) -> Self {
        let (separator, reason) = (if path.is_empty() { "" } else { ": " }, reason.as_ref());
        Self { line, text: format!("{path}{separator}{reason}") }
    }
}

impl From<Mistake> for String {
    /// `line 4: spec.brokrs: unknown field; did you mean "brokers"?`
    fn from(Mistake { line, text }: Mistake) -> Self {
        format!("line {line}: {text}")
    }
}

/// The value of a document that fits its schema: numbers are text where the schema takes both.
pub(super) fn fitted(document: &Node, schema: &Value) -> Result<Value, Mistake> {
    Fitting { root: schema }.value(document, schema, "")
}

struct Fitting<'s> {
    root: &'s Value,
}

impl<'s> Fitting<'s> {
    fn value(&self, node: &Node, schema: &'s Value, path: &str) -> Result<Value, Mistake> {
        let schema = resolved(schema, self.root);
        let types = types(schema);
        match &node.content {
            Content::Scalar { value: Value::Null, .. } => Err(nothing(node, schema, &types, path)),
            Content::Scalar { value, text } => scalar(value, text, schema, &types)
                .map_err(|reason| Mistake::new(node.line, path, reason.unwrap_or_else(|| expected(schema, &types)))),
            Content::List(items) if types.contains(&"array") => {
                let schema = schema.get("items").unwrap_or(&Value::Bool(true));
                let items = items.iter().enumerate();
                items.map(|(place, item)| self.value(item, schema, &format!("{path}[{place}]"))).collect()
            }
            Content::Fields(fields) if is_template(fields) => {
                Err(Mistake::new(node.line, path, "it is a template: fill in what {{ … }} stands for"))
            }
            Content::Fields(fields) if types.contains(&"object") => self.fields(node, fields, schema, path),
            Content::List(_) if types == ["object"] => {
                Err(Mistake::new(node.line, path, "it takes names with values, not a list: leave the hyphens out"))
            }
            Content::Fields(_) if types == ["string", "number", "boolean"] => {
                let reason =
                    "it must be text, a number, true or false: write the whole name, as log.retention.hours: 4";
                Err(Mistake::new(node.line, path, reason))
            }
            Content::List(_) | Content::Fields(_) => Err(Mistake::new(node.line, path, expected(schema, &types))),
        }
    }

    fn fields(&self, node: &Node, fields: &[(Node, Node)], schema: &'s Value, path: &str) -> Result<Value, Mistake> {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let mut fitted = Map::new();
        for (key, value) in fields {
            let Some(name) = key.text() else { return Err(Mistake::new(key.line, path, "a name is no list")) };
            let at = joined(path, name);
            let Some(within) = known.and_then(|known| known.get(name)).or(others) else {
                let meant = meant(name, path, schema, self.root);
                return Err(Mistake::new(key.line, &at, format!("unknown field{meant}")));
            };
            if fitted.contains_key(name) {
                return Err(twice(fields, key, name, &at));
            }
            if is_nothing(value)
                && let Some(error) = self.beside(fields, (name, within), schema, path)
            {
                return Err(error);
            }
            fitted.insert(name.to_owned(), self.value(value, within, &at)?);
        }
        complete(schema, &fitted).map_err(|reason| Mistake::new(node.line, path, reason))?;
        Ok(Value::Object(fitted))
    }

    /// What should be in a field that has no value and stands beside it: it is not indented enough.
    fn beside(
        &self,
        neighbours: &[(Node, Node)],
        (name, within): (&str, &'s Value),
        schema: &Value,
        path: &str,
    ) -> Option<Mistake> {
        let (inside, here) = (fields(resolved(within, self.root)), fields(schema));
        let stray = |key: &&Node| key.text().is_some_and(|key| inside.contains(&key) && !here.contains(&key));
        let key = neighbours.iter().map(|(key, _)| key).find(stray)?;
        let reason = format!("it belongs in {name}: indent it by two spaces more");
        Some(Mistake::new(key.line, &joined(path, key.text()?), reason))
    }
}

fn is_nothing(node: &Node) -> bool {
    matches!(&node.content, Content::Scalar { value: Value::Null, .. })
}

/// `{{ .Values.brokers }}` is, to YAML, a mapping whose only name is a mapping.
fn is_template(fields: &[(Node, Node)]) -> bool {
    fields.iter().any(|(key, _)| matches!(key.content, Content::Fields(_)))
}

fn twice(fields: &[(Node, Node)], second: &Node, name: &str, path: &str) -> Mistake {
    let first = fields.iter().find(|(key, _)| key.text() == Some(name)).map(|(key, _)| key.line);
    let first = first.filter(|first| *first != second.line).map(|first| format!(", first in line {first}"));
    Mistake::new(second.line, path, format!("it is written twice{}", first.unwrap_or_default()))
}

/// Whether everything is there that must be.
fn complete(schema: &Value, fitted: &Map<String, Value>) -> Result<(), String> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let missing: Vec<&str> = required.filter_map(Value::as_str).filter(|name| !fitted.contains_key(*name)).collect();
    let only = |name: &str| only(schema.pointer(&format!("/properties/{name}"))?);
    match missing.as_slice() {
        [] => Ok(()),
        [one, ..] if only(one).is_some() => {
            Err(format!("{one} is missing: write {one}: {}", only(one).unwrap_or_default()))
        }
        [one] => Err(format!("{one} is missing")),
        several => Err(format!("{} are missing", several.join(", "))),
    }
}

/// Follows a reference.
pub(super) fn resolved<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    target.and_then(|target| root.pointer(target)).unwrap_or(schema)
}

/// `spec.pods`, of the document itself `spec`.
pub(super) fn joined(parent: &str, field: &str) -> String {
    if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ if schema.get("oneOf").is_some() => vec!["string"],
        _ => Vec::new(),
    }
}

/// YAML's null: `tls:` with nothing behind it. It could mean the defaults or the absence, so it means neither.
fn nothing(node: &Node, schema: &Value, types: &[&str], path: &str) -> Mistake {
    if let Some(only) = only(schema) {
        return Mistake { line: node.line, text: format!("{path} has no value: write {only}") };
    }
    let write = match types {
        ["object"] => "{} for the defaults",
        ["array"] => "[] for an empty list",
        _ => "one",
    };
    Mistake { line: node.line, text: format!("{path} has no value: write {write}, or leave the line out") }
}

/// The scalar as the schema wants it. `None`: what is expected says it all.
fn scalar(value: &Value, text: &str, schema: &Value, types: &[&str]) -> Result<Value, Option<String>> {
    let choices = choices(schema);
    if !choices.is_empty() {
        return if choices.contains(&text) {
            Ok(text.into())
        } else {
            let alike = nearest(text, &choices).map(|alike| format!("; did you mean \"{alike}\"?"));
            Err(Some(format!("\"{text}\" is not one of: {}{}", choices.join(", "), alike.unwrap_or_default())))
        };
    }
    let is_text = types.contains(&"string");
    match value {
        Value::String(_) if is_text => Ok(value.clone()),
        Value::Number(_) if is_text && types.contains(&"number") => Ok(text.into()),
        Value::Bool(_) if is_text && types.contains(&"boolean") => Ok(text.into()),
        Value::Number(_) | Value::Bool(_) if types == ["string"] => {
            Err(Some(format!("it must be text: write it in quotes, \"{text}\"")))
        }
        Value::Bool(_) if types.contains(&"boolean") => Ok(value.clone()),
        Value::Number(number) if types.contains(&"integer") => {
            let (least, most) = bounds(schema).into_inner();
            match number.as_i64() {
                Some(number) if (least..=most).contains(&number) => Ok(number.into()),
                Some(number) if number < least => Err(None),
                None if !is_huge(number) => Err(None),
                _ => Err(Some(format!("{text} is too large: at most {most}"))),
            }
        }
        Value::String(_) if types == ["object"] && text.contains(':') && !text.contains(' ') => {
            let (name, value) = text.split_once(':').unwrap_or_default();
            Err(Some(format!("write a space after the colon, {name}: {value}")))
        }
        Value::String(_) if would_fit(text, types) => Err(Some(format!("{}, without quotes", expected(schema, types)))),
        _ => Err(None),
    }
}

/// Whether a number that does not fit an `i64` is a whole one beyond it.
fn is_huge(number: &serde_json::Number) -> bool {
    number.as_f64().is_some_and(|number| number >= 9e18)
}

/// The only text that is taken.
fn only(schema: &Value) -> Option<&str> {
    schema.get("const").and_then(Value::as_str)
}

/// The texts of an enumeration.
fn choices(schema: &Value) -> Vec<&str> {
    let options = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    options.filter_map(|option| option.get("const")?.as_str()).collect()
}

/// The whole numbers that the schema takes.
fn bounds(schema: &Value) -> std::ops::RangeInclusive<i64> {
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    };
    let said = |key: &str| schema.get(key).and_then(Value::as_i64);
    said("minimum").unwrap_or(least)..=said("maximum").unwrap_or(most)
}

/// Whether text in quotes is what would be right without them.
fn would_fit(text: &str, types: &[&str]) -> bool {
    match types {
        ["boolean"] => ["true", "false"].contains(&text),
        ["integer"] => text.parse::<i64>().is_ok(),
        _ => false,
    }
}

fn expected(schema: &Value, types: &[&str]) -> String {
    let what = match types {
        ["object"] => {
            let known = fields(schema);
            return match known.len() {
                0 => "it takes names with values, as {name: value}".to_owned(),
                1..=FEW => format!("it takes fields of its own ({}), or {{}}", known.join(", ")),
                _ => "it takes fields of its own, or {}".to_owned(),
            };
        }
        ["array"] => "a list: begin each item with a hyphen, or write [a, b]",
        ["boolean"] => "true or false",
        ["integer"] => {
            let (least, most) = bounds(schema).into_inner();
            return match (least, most) {
                (0, most) if most < u32::MAX.into() => format!("it must be a whole number from 0 to {most}"),
                (0, _) => "it must be a whole number that is not negative".to_owned(),
                _ => "it must be a whole number".to_owned(),
            };
        }
        ["string", "number"] => "a number, or text such as 512Mi",
        ["string", "number", "boolean"] => "text, a number, true or false",
        _ => "text",
    };
    format!("it must be {what}")
}
