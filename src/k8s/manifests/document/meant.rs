//! Which field was probably meant by one that is not known.

use std::collections::VecDeque;

use serde_json::Value;

use super::shape::{joined, resolved};

/// Below this likeness (Jaro-Winkler, 0 to 1) a name is no suggestion.
const ALIKE: f64 = 0.75;
/// Fields of Kubernetes' own types lie deeper than these steps, and nobody means them at the top.
const DEEPEST: usize = 3;
/// What other tools, and we in flags and tables, call it.
const SYNONYMS: [(&str, &str); 9] = [
    ("authorization", "security"),
    ("resources", "memory"),
    ("nodes", "brokers"),
    ("replicas", "brokers"),
    ("version", "kafkaVersion"),
    ("serverProperties", "config"),
    ("properties", "config"),
    ("storageClass", "class"),
    ("storageClassName", "class"),
];

/// `; did you mean "brokers"?`, or all that there are.
pub(super) fn meant(name: &str, path: &str, schema: &Value, root: &Value) -> String {
    let known = fields(schema);
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    let synonym =
        || SYNONYMS.iter().find(|(other, field)| same(other) && known.contains(field)).map(|(_, field)| *field);
    let here = known.iter().copied().find(|field| same(field)).or_else(synonym);
    let suggestion = here.map(str::to_owned).or_else(|| elsewhere(name, path, root));
    match suggestion.or_else(|| nearest(name, &known).map(str::to_owned)) {
        Some(best) => format!("; did you mean \"{best}\"?"),
        None if known.is_empty() => String::new(),
        None => format!("; known are {}", known.join(", ")),
    }
}

/// The one of these that is most alike, if it is alike at all.
pub(super) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    let best = known.iter().copied().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
    best.filter(|best| likeness(best) >= ALIKE)
}

/// The names that a mapping may have.
pub(super) fn fields(schema: &Value) -> Vec<&str> {
    let known = schema.get("properties").and_then(Value::as_object);
    known.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

/// The path of a field of this name that is nearest to the top: an indentation that is wrong, or a flag's name.
fn elsewhere(name: &str, path: &str, root: &Value) -> Option<String> {
    let mut places = VecDeque::from([(root, String::new(), 0)]);
    while let Some((schema, at, depth)) = places.pop_front() {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (field, schema) in properties.into_iter().flatten() {
            let below = joined(&at, field);
            if field.eq_ignore_ascii_case(name) && at != path {
                return Some(below);
            }
            if depth < DEEPEST {
                places.push_back((resolved(schema, root), below, depth + 1));
            }
        }
    }
    None
}
