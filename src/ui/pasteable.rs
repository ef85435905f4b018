//! Commands in hints, so that they work where they are pasted: with the flags that said which Kafka is meant.
//!
//! The rooms that know what to do do not know what was typed, and the terminal sees every hint.

use std::sync::OnceLock;

use crate::cli::GlobalArgs;
use crate::shell::quoted;

/// How a hint begins a command.
const BEGINNING: &str = "`kubectl kafka ";

/// What was typed to say where.
#[derive(Debug, Clone, Default)]
pub(super) struct Whereabouts {
    context: String,
    /// Typed, or as a document says.
    namespace: OnceLock<String>,
    kafka: Option<String>,
    addresses: String,
}

impl Whereabouts {
    pub(super) fn of(global: &GlobalArgs) -> Self {
        let namespace = OnceLock::new();
        if let Some(typed) = &global.namespace {
            let _ = namespace.set(typed.clone());
        }
        let addresses = (!global.bootstrap_server.is_empty()).then(|| global.bootstrap_server.join(","));
        Self {
            context: flag("--context", global.context.as_ref()),
            namespace,
            kafka: global.kafka.clone(),
            addresses: flag("--bootstrap-server", addresses.as_ref()),
        }
    }

    /// A namespace that nobody typed is the one that is meant.
    pub(super) fn now_in(&self, namespace: &str) {
        let _ = self.namespace.set(namespace.to_owned());
    }

    /// A text whose commands have the flags.
    pub(super) fn completed(&self, text: &str) -> String {
        let mut completed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(BEGINNING) {
            let Some((command, end)) = after.split_once('`') else { break };
            completed.extend([before, BEGINNING, command, &self.flags(command), "`"]);
            rest = end;
        }
        completed.push_str(rest);
        completed
    }

    /// What a command lacks. One that looks in all namespaces is meant to look elsewhere.
    fn flags(&self, command: &str) -> String {
        let words: Vec<&str> = command.split(' ').collect();
        let has = |flag: &str| words.contains(&flag);
        let speaks_to_kafka = matches!(words[0], "topics" | "users" | "acls" | "produce" | "consume");
        if speaks_to_kafka && !self.addresses.is_empty() {
            return self.addresses.clone();
        }
        let mut flags = String::new();
        if !has("--context") {
            flags.push_str(&self.context);
        }
        if has("-A") {
            return flags;
        }
        if !has("-n") {
            flags.push_str(&flag("-n", self.namespace.get()));
        }
        if let Some(kafka) = &self.kafka
            && (speaks_to_kafka || matches!(words[0], "status" | "verify" | "certs"))
            && !has(kafka)
            && !has("-K")
        {
            flags.push_str(" -K ");
            flags.push_str(kafka);
        }
        flags
    }
}

fn flag(name: &str, value: Option<&String>) -> String {
    value.map_or_else(String::new, |value| format!(" {name} {}", quoted(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global() -> GlobalArgs {
        GlobalArgs { namespace: Some("team".into()), kafka: Some("demo".into()), ..GlobalArgs::default() }
    }

    #[test]
    fn a_command_gets_what_it_lacks() {
        let somewhere = Whereabouts::of(&global());
        for (text, expected) in [
            ("nothing to paste", "nothing to paste"),
            ("`kubectl get pods`", "`kubectl get pods`"),
            (
                "list them with `kubectl kafka topics list`, or wait",
                "list them with `kubectl kafka topics list -n team -K demo`, or wait",
            ),
            (
                "`kubectl kafka status` and `kubectl kafka restart demo`",
                "`kubectl kafka status -n team -K demo` and `kubectl kafka restart demo -n team`",
            ),
            ("`kubectl kafka status demo --wait -n team`", "`kubectl kafka status demo --wait -n team`"),
            ("`kubectl kafka clusters -A`", "`kubectl kafka clusters -A`"),
            (
                "`kubectl kafka install --authentication scram`",
                "`kubectl kafka install --authentication scram -n team`",
            ),
            ("an end is missing: `kubectl kafka status", "an end is missing: `kubectl kafka status"),
        ] {
            assert_eq!(somewhere.completed(text), expected);
            assert_eq!(Whereabouts::default().completed(text), text);
        }
    }

    #[test]
    fn a_namespace_of_a_document_is_said_unless_one_was_typed() {
        let command = "`kubectl kafka status`";
        let nowhere = Whereabouts::default();
        nowhere.now_in("team");
        assert_eq!(nowhere.completed(command), "`kubectl kafka status -n team`");
        let typed = Whereabouts::of(&GlobalArgs { kafka: None, ..global() });
        typed.now_in("other");
        assert_eq!(typed.completed(command), "`kubectl kafka status -n team`");
    }

    #[test]
    fn another_context_or_an_address_is_said_too() {
        let context = Whereabouts::of(&GlobalArgs { context: Some("a b".into()), ..global() });
        assert_eq!(context.completed("`kubectl kafka clusters -A`"), "`kubectl kafka clusters -A --context 'a b'`");
        let addresses = vec!["a:9092".to_owned(), "b:9092".to_owned()];
        let address = Whereabouts::of(&GlobalArgs { bootstrap_server: addresses, ..GlobalArgs::default() });
        assert_eq!(
            address.completed("`kubectl kafka users list`"),
            "`kubectl kafka users list --bootstrap-server a:9092,b:9092`"
        );
        assert_eq!(address.completed("`kubectl kafka install`"), "`kubectl kafka install`");
    }
}
