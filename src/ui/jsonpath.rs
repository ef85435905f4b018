//! kubectl's JSONPath templates: literal text, `{.path}`, `{"\n"}`, `{range .items[*]}…{end}`.
//!
//! The paths themselves are RFC 9535's, evaluated by `jsonpath_rust`; this file adds what kubectl puts
//! around them. Source: <https://kubernetes.io/docs/reference/kubectl/jsonpath/>.

use jsonpath_rust::JsonPath;
use serde_json::Value;

use crate::error::CommandError;

enum Node {
    Text(String),
    Path(String),
    Range(String, Vec<Node>),
}

/// Renders a template. As in kubectl, a path that matches nothing prints nothing, and no newline is added.
pub fn render(template: &str, value: &Value) -> Result<String, CommandError> {
    // kubectl accepts a bare path as well.
    let wrapped = if template.contains('{') { template.to_owned() } else { format!("{{{template}}}") };
    let mut rest = wrapped.as_str();
    let (nodes, ended) = parse(&mut rest)?;
    if ended {
        return Err(invalid("{end} without {range …}"));
    }
    let mut text = String::new();
    evaluate(&nodes, value, value, &mut text)?;
    Ok(text)
}

/// The values at one kubectl-style path (`.a.b`, `a.b`, `$.a`, `@.b`).
pub fn select<'v>(path: &str, value: &'v Value) -> Result<Vec<&'v Value>, CommandError> {
    let translated = translate(path);
    value.query(&translated).map_err(|error| invalid(format!("`{path}`: {error}")))
}

/// A value as a template prints it: strings without quotes, everything else as JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn invalid(reason: impl std::fmt::Display) -> CommandError {
    CommandError::usage(format!("invalid jsonpath template: {reason}"))
}

/// Parses up to the end, or up to `{end}` (then the flag is true).
fn parse(rest: &mut &str) -> Result<(Vec<Node>, bool), CommandError> {
    let mut nodes = Vec::new();
    while !rest.is_empty() {
        let Some(open) = rest.find('{') else {
            nodes.push(Node::Text(std::mem::take(rest).to_owned()));
            break;
        };
        if open > 0 {
            nodes.push(Node::Text(rest[..open].to_owned()));
        }
        let close = closing(&rest[open..]).ok_or_else(|| invalid("a `{` is never closed"))? + open;
        let inside = rest[open + 1..close].trim();
        *rest = &rest[close + 1..];
        if inside == "end" {
            return Ok((nodes, true));
        } else if let Some(path) = inside.strip_prefix("range ") {
            let (body, ended) = parse(rest)?;
            if !ended {
                return Err(invalid("{range …} without {end}"));
            }
            nodes.push(Node::Range(path.trim().to_owned(), body));
        } else if let Some(quoted) = inside.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            nodes.push(Node::Text(unescape(quoted)));
        } else {
            nodes.push(Node::Path(inside.to_owned()));
        }
    }
    Ok((nodes, false))
}

/// The position of the `}` that closes the leading `{`, quotes respected.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (position, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '}') => return Some(position),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\\"", "\"").replace("\\\\", "\\")
}

fn evaluate(nodes: &[Node], root: &Value, current: &Value, text: &mut String) -> Result<(), CommandError> {
    for node in nodes {
        match node {
            Node::Text(literal) => text.push_str(literal),
            Node::Path(path) => {
                let values: Vec<String> = matches(path, root, current)?.into_iter().map(plain).collect();
                text.push_str(&values.join(" "));
            }
            Node::Range(path, body) => {
                for item in matches(path, root, current)? {
                    evaluate(body, root, item, text)?;
                }
            }
        }
    }
    Ok(())
}

fn matches<'v>(path: &str, root: &'v Value, current: &'v Value) -> Result<Vec<&'v Value>, CommandError> {
    select(path, if path.starts_with('$') { root } else { current })
}

/// kubectl's spelling to RFC 9535's: the leading `$` may be missing, `\.` is a dot inside a name, and a
/// name may hold hyphens.
fn translate(path: &str) -> String {
    let body = path.strip_prefix(['$', '@']).unwrap_or(path);
    let mut translated = String::from("$");
    let mut characters = body.chars().peekable();
    if characters.peek().is_some_and(|first| !matches!(first, '.' | '[')) {
        translated.push_str(&name(&mut characters));
    }
    while let Some(character) = characters.next() {
        match character {
            '[' => {
                translated.push('[');
                let mut depth = 1;
                let mut quote = None;
                for inside in characters.by_ref() {
                    translated.push(inside);
                    match (quote, inside) {
                        (Some(open), _) if open == inside => quote = None,
                        (None, '"' | '\'') => quote = Some(inside),
                        (None, '[') => depth += 1,
                        (None, ']') => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            '.' if characters.peek() == Some(&'.') => {
                characters.next();
                translated.push_str("..");
                translated.push_str(&name(&mut characters));
            }
            '.' if characters.peek() == Some(&'[') || characters.peek().is_none() => {}
            '.' => translated.push_str(&name(&mut characters)),
            other => translated.push(other),
        }
    }
    translated
}

fn name(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(&next) = characters.peek() {
        if matches!(next, '.' | '[') {
            break;
        }
        characters.next();
        name.push(if next == '\\' { characters.next().unwrap_or('\\') } else { next });
    }
    if name == "*" { "[*]".to_owned() } else { format!("['{}']", name.replace('\'', "\\'")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(template: &str) -> String {
        let value = json!({"items": [
            {"name": "a", "partitions": 3, "configs": {"cleanup.policy": "compact"}},
            {"name": "b-c", "partitions": 1, "configs": {}},
        ]});
        render(template, &value).unwrap_or_else(|error| error.message)
    }

    #[test]
    fn kubectls_templates() {
        assert_eq!(shown("{.items[*].name}"), "a b-c");
        assert_eq!(shown(".items[1].partitions"), "1");
        assert_eq!(shown("items[0].name"), "a");
        assert_eq!(shown("{range .items[*]}{.name}{\"\\t\"}{.partitions}{\"\\n\"}{end}"), "a\t3\nb-c\t1\n");
        assert_eq!(shown("{.items[?(@.partitions==3)].name}"), "a");
        assert_eq!(shown("{.items[0].configs.cleanup\\.policy}"), "compact");
        assert_eq!(shown("{.items[0].nothing}"), "");
        assert_eq!(shown("{..name}"), "a b-c");
        assert_eq!(shown("{$.items[0].name}"), "a");
    }

    #[test]
    fn mistakes_are_named() {
        assert!(shown("{.items").contains("never closed"));
        assert!(shown("{range .items[*]}{.name}").contains("without {end}"));
        assert!(shown("{end}").contains("without {range"));
    }
}
