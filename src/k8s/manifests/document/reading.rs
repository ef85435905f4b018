//! Reads a document so that a mistake is found by the person who made it: line, path, and the name that
//! was probably meant.

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Error;

use super::{API_VERSION, ClusterDocument, KIND};

/// Below this likeness (Jaro-Winkler, 0 to 1) a name is no suggestion.
const ALIKE: f64 = 0.75;

/// The fields of `spec.pods` whose types are Kubernetes' own.
const KUBERNETES_FIELDS: [&str; 3] = ["tolerations", "affinity", "topologySpreadConstraints"];

/// The document, typed and as it was written.
pub(super) fn read(text: &str) -> Result<(ClusterDocument, Value), String> {
    let written: Value = serde_saphyr::from_str(text).map_err(|error| explained(&error, ""))?;
    check_kind(&written)?;
    let mut path = String::new();
    let document = serde_saphyr::with_deserializer_from_str(text, |deserializer| {
        let mut track = serde_path_to_error::Track::new();
        let result = ClusterDocument::deserialize(serde_path_to_error::Deserializer::new(deserializer, &mut track));
        if result.is_err() {
            path = track.path().to_string();
        }
        result
    })
    .map_err(|error| explained(&error, &path))?;
    let known = serde_json::to_value(&document).map_err(|error| error.to_string())?;
    refuse_lost(text, &written, &known)?;
    Ok((document, written))
}

fn check_kind(written: &Value) -> Result<(), String> {
    let field = |key: &str| written.get(key).and_then(Value::as_str);
    match (field("apiVersion"), field("kind")) {
        (Some(API_VERSION), Some(KIND)) => Ok(()),
        (Some(version), Some(kind)) => {
            Err(format!("it is a {version} {kind}, and this version of kubectl-kafka reads {API_VERSION} {KIND}"))
        }
        _ => Err(format!("it does not start with apiVersion: {API_VERSION} and kind: {KIND}")),
    }
}

/// `line 4: spec.brokrs: unknown field; did you mean "brokers"?`
fn explained(error: &Error, path: &str) -> String {
    let error = error.without_snippet();
    let line = error.location().map(|location| format!("line {}: ", location.line())).unwrap_or_default();
    let (path, reason) = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            (joined(parent(path, field), field), format!("unknown field{}", meant(field, expected)))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            (path.to_owned(), format!("\"{variant}\" is none of {}{}", expected.join(", "), meant(variant, expected)))
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => (path.to_owned(), format!("{key} is written twice")),
        other => (path.to_owned(), plain(&without_place(&other.to_string()))),
    };
    if path.is_empty() || path == "." { format!("{line}{reason}") } else { format!("{line}{path}: {reason}") }
}

/// The path of an unknown field ends with the field in some serializers, and without it in others.
fn parent<'p>(path: &'p str, field: &str) -> &'p str {
    let path = path.strip_suffix(field).unwrap_or(path);
    path.trim_end_matches(['.', '?'])
}

fn joined(parent: &str, field: &str) -> String {
    if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") }
}

/// The library's message names the place at its end, or before it.
fn without_place(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let first = first.split(" at line ").next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}

/// Rust's names of types are nobody's business.
fn plain(message: &str) -> String {
    match message {
        "invalid u32" | "invalid u16" => "it must be a whole number that is not negative".to_owned(),
        "invalid bool" => "it must be true or false".to_owned(),
        other => other.to_owned(),
    }
}

fn meant(name: &str, known: &[&str]) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    let best = known.iter().copied().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
    match best.filter(|best| likeness(best) >= ALIKE) {
        Some(best) => format!("; did you mean \"{best}\"?"),
        None => format!("; known are {}", known.join(", ")),
    }
}

/// Kubernetes' own types ignore fields that they do not know; whoever wrote one is told.
fn refuse_lost(text: &str, written: &Value, known: &Value) -> Result<(), String> {
    let found = KUBERNETES_FIELDS.iter().find_map(|field| {
        let place = format!("/spec/pods/{field}");
        lost(written.pointer(&place)?, known.pointer(&place)?, &format!("spec.pods.{field}"))
    });
    let Some((path, field)) = found else { return Ok(()) };
    let line =
        text.lines().position(|line| line.trim_start().trim_start_matches("- ").starts_with(&format!("{field}:")));
    let line = line.map(|line| format!("line {}: ", line + 1)).unwrap_or_default();
    let known = known_fields(&path);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(format!("{line}{path}: unknown field{}", meant(&field, &known)))
}

/// The fields beside the last one of a path, as the schema has them.
fn known_fields(path: &str) -> Vec<String> {
    let schema = ClusterDocument::schema();
    let mut steps: Vec<&str> = path.split(['.', '[']).collect();
    steps.pop();
    let place = steps.into_iter().try_fold(&schema, |place, step| {
        let place = resolved(&schema, place);
        if step.ends_with(']') { place.get("items") } else { place.get("properties")?.get(step) }
    });
    let fields = place.and_then(|place| resolved(&schema, place).get("properties")).and_then(Value::as_object);
    fields.into_iter().flat_map(|fields| fields.keys().cloned()).collect()
}

/// Follows a reference, also one that may be null.
fn resolved<'s>(schema: &'s Value, place: &'s Value) -> &'s Value {
    let optional = place.get("anyOf").and_then(Value::as_array).and_then(|options| options.first());
    let place = optional.unwrap_or(place);
    let target = place.get("$ref").and_then(Value::as_str).and_then(|target| schema.pointer(target.strip_prefix('#')?));
    target.unwrap_or(place)
}

/// The first field that was written and not understood.
fn lost(written: &Value, known: &Value, path: &str) -> Option<(String, String)> {
    match (written, known) {
        (Value::Object(written), Value::Object(known)) => written.iter().find_map(|(key, value)| {
            let path = joined(path, key);
            match known.get(key) {
                Some(known) => lost(value, known, &path),
                None if is_empty(value) => None,
                None => Some((path, key.clone())),
            }
        }),
        (Value::Array(written), Value::Array(known)) => written
            .iter()
            .zip(known)
            .enumerate()
            .find_map(|(position, (written, known))| lost(written, known, &format!("{path}[{position}]"))),
        _ => None,
    }
}

/// What means the same as not being there.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(spec: &str) -> String {
        let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
        read(&format!("apiVersion: {API_VERSION}\nkind: {KIND}\nspec:\n{indented}")).expect_err("a mistake")
    }

    #[test]
    fn a_mistake_is_told_with_line_path_and_what_was_meant() {
        insta::assert_snapshot!(mistake("controllers: 3\nbrokrs: 5"), @r#"line 5: spec.brokrs: unknown field; did you mean "brokers"?"#);
        insta::assert_snapshot!(mistake("storage:\n  sise: 10Gi"), @r#"line 5: spec.storage.sise: unknown field; did you mean "size"?"#);
        insta::assert_snapshot!(mistake("brokers: many"), @"line 4: spec.brokers: it must be a whole number that is not negative");
        insta::assert_snapshot!(mistake("memory: lots"), @"line 4: spec.memory: `lots` is no quantity; write for example 10Gi, 512Mi or 500m");
        insta::assert_snapshot!(mistake("security:\n  authentication: scrm"), @r#"line 5: spec.security.authentication: "scrm" is none of none, scram; did you mean "scram"?"#);
        insta::assert_snapshot!(mistake("pods:\n  tolerations:\n  - key: a\n    opertor: Exists"), @r#"line 7: spec.pods.tolerations[0].opertor: unknown field; did you mean "operator"?"#);
        insta::assert_snapshot!(mistake("pods:\n  affinity:\n    nodeAffinty: {a: 1}"), @r#"line 6: spec.pods.affinity.nodeAffinty: unknown field; did you mean "nodeAffinity"?"#);
        insta::assert_snapshot!(mistake("brokers: 3\nbrokers: 4"), @"line 5: brokers is written twice");
        insta::assert_snapshot!(mistake("brokers: [3"), @"line 4: unclosed bracket '['");
    }

    #[test]
    fn other_documents_are_named() {
        insta::assert_snapshot!(read("apiVersion: v1\nkind: Pod\n").expect_err("a mistake"), @"it is a v1 Pod, and this version of kubectl-kafka reads kubectl-kafka/v1 Cluster");
        insta::assert_snapshot!(read("brokers: 3\n").expect_err("a mistake"), @"it does not start with apiVersion: kubectl-kafka/v1 and kind: Cluster");
    }

    #[test]
    fn every_preset_is_understood() {
        for preset in ["dev", "default", "production"] {
            let path = format!("{}/presets/{preset}.yaml", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect("a preset");
            read(&text).expect(preset);
        }
    }
}
