//! Whether a document has the shape that its JSON Schema says: every field known and of its type, nothing without a
//! value. What fits is one value from then on, whoever reads it.
//!
//! The schema is made from the types and is what editors check with (`docs/cluster.schema.json`), so that nothing is
//! taken here that is red there. Of JSON Schema it knows what `schemars` writes for our types.

use serde_json::{Map, Value};

use super::written::{Content, Node};

/// Below this likeness (Jaro-Winkler, 0 to 1) a name is no suggestion.
const ALIKE: f64 = 0.75;

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
        let schema = self.resolved(schema);
        let types = types(schema);
        match &node.content {
            Content::Scalar { value: Value::Null, .. } => Err(nothing(node, &types, path)),
            Content::Scalar { value, text } => scalar(value, text, schema, &types)
                .map_err(|reason| Mistake::new(node.line, path, reason.unwrap_or_else(|| expected(schema, &types)))),
            Content::List(items) if types.contains(&"array") => {
                let schema = schema.get("items").unwrap_or(&Value::Bool(true));
                let items = items.iter().enumerate();
                items.map(|(place, item)| self.value(item, schema, &format!("{path}[{place}]"))).collect()
            }
            Content::Fields(fields) if types.contains(&"object") => self.fields(node, fields, schema, path),
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
            let Some(schema) = known.and_then(|known| known.get(name)).or(others) else {
                let known: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
                return Err(Mistake::new(key.line, &at, format!("unknown field{}", meant(name, &known))));
            };
            if fitted.contains_key(name) {
                return Err(Mistake::new(key.line, &at, "it is written twice"));
            }
            fitted.insert(name.to_owned(), self.value(value, schema, &at)?);
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let missing: Vec<&str> =
            required.filter_map(Value::as_str).filter(|name| !fitted.contains_key(*name)).collect();
        match missing.as_slice() {
            [] => Ok(Value::Object(fitted)),
            [one] => Err(Mistake::new(node.line, path, format!("{one} is missing"))),
            several => Err(Mistake::new(node.line, path, format!("{} are missing", several.join(", ")))),
        }
    }

    /// Follows a reference.
    fn resolved(&self, schema: &'s Value) -> &'s Value {
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        target.and_then(|target| self.root.pointer(target)).unwrap_or(schema)
    }
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
fn nothing(node: &Node, types: &[&str], path: &str) -> Mistake {
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
            let number = number.as_i64().ok_or(None)?;
            if bounds(schema).contains(&number) { Ok(number.into()) } else { Err(None) }
        }
        Value::String(_) if would_fit(text, types) => Err(Some(format!("{}, without quotes", expected(schema, types)))),
        _ => Err(None),
    }
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
        ["object"] => return "it takes fields of its own, or {}".to_owned(),
        ["array"] => "a list, as [a, b]",
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

/// The name that was probably meant, or all that there are.
fn meant(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(best) => format!("; did you mean \"{best}\"?"),
        None => format!("; known are {}", known.join(", ")),
    }
}

fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    let best = known.iter().copied().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
    best.filter(|best| likeness(best) >= ALIKE)
}
