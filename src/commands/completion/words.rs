//! Where the cursor is: which command, and what can stand in the last word.

use clap::{Arg, Command};

/// What the last word is about to be.
#[derive(Debug)]
pub(super) enum Slot<'t> {
    /// A flag's name: it starts with a hyphen.
    Flag,
    /// The value of a flag.
    Value(&'t Arg),
    /// A subcommand.
    Subcommand,
    /// A positional argument; `None` when the command takes no more.
    Positional(Option<&'t Arg>),
}

/// The cursor's place in a command line.
#[derive(Debug)]
pub(super) struct Place<'t> {
    /// The command that the words before lead to.
    pub(super) command: &'t Command,
    /// The names on the way to it, without the program's: `topics`, `delete`.
    pub(super) path: Vec<&'t str>,
    /// What the last word is.
    pub(super) slot: Slot<'t>,
    /// What has been typed of it; of `--flag=value` only the value, as cobra's scripts expect.
    pub(super) typed: &'t str,
    /// Flags that were given, by id.
    pub(super) flags: Vec<&'t str>,
    /// Positional arguments that were given.
    pub(super) positionals: Vec<&'t str>,
    /// The words of the global flags that were given, to be parsed as they are.
    pub(super) global: Vec<&'t str>,
}

/// Follows the words through the tree as clap would; what clap would refuse is skipped.
pub(super) fn find<'t>(tree: &'t Command, before: &'t [String], last: &'t str) -> Place<'t> {
    let mut walk = Walk {
        place: Place {
            command: tree,
            path: Vec::new(),
            slot: Slot::Subcommand,
            typed: last,
            flags: Vec::new(),
            positionals: Vec::new(),
            global: Vec::new(),
        },
        pending: None,
        only_positionals: false,
    };
    for word in before {
        walk.word(word);
    }
    walk.end(last)
}

struct Walk<'t> {
    place: Place<'t>,
    /// The flag whose value comes next.
    pending: Option<&'t Arg>,
    /// After `--`.
    only_positionals: bool,
}

impl<'t> Walk<'t> {
    fn word(&mut self, word: &'t str) {
        if let Some(flag) = self.pending.take()
            && (value_is_required(flag) || !word.starts_with('-'))
        {
            self.remember(flag, word);
            return;
        }
        if self.only_positionals || word == "-" || !word.starts_with('-') {
            match self.place.command.find_subcommand(word) {
                Some(command) if !self.only_positionals => {
                    self.place.command = command;
                    self.place.path.push(command.get_name());
                }
                _ => self.place.positionals.push(word),
            }
        } else if word == "--" {
            self.only_positionals = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let name = long.split('=').next().unwrap_or(long);
            if let Some(flag) = self.long(name) {
                self.flag(flag, word, !long.contains('='));
            }
        } else {
            self.shorts(word);
        }
    }

    /// `-n kafka`, `-nkafka`, `-n=kafka`, `-it`.
    fn shorts(&mut self, word: &'t str) {
        for (position, letter) in word.char_indices().skip(1) {
            let Some(flag) = self.short(letter) else { return };
            if flag.get_action().takes_values() {
                let attached = position + letter.len_utf8() < word.len();
                self.flag(flag, word, !attached);
                return;
            }
            self.place.flags.push(flag.get_id().as_str());
        }
    }

    fn flag(&mut self, flag: &'t Arg, word: &'t str, value_may_follow: bool) {
        self.place.flags.push(flag.get_id().as_str());
        self.remember(flag, word);
        if value_may_follow && flag.get_action().takes_values() && !flag.is_require_equals_set() {
            self.pending = Some(flag);
        }
    }

    fn remember(&mut self, flag: &Arg, word: &'t str) {
        if flag.is_global_set() {
            self.place.global.push(word);
        }
    }

    fn end(mut self, last: &'t str) -> Place<'t> {
        let command = self.place.command;
        if let Some(flag) = self.pending.take().filter(|flag| value_is_required(flag) || !last.starts_with('-')) {
            self.place.slot = Slot::Value(flag);
            if flag.is_global_set() {
                // Its value is not there yet.
                self.place.global.pop();
            }
        } else if last.starts_with('-') && last != "-" && !self.only_positionals && last.contains('=') {
            let (name, value) = last.split_once('=').unwrap_or((last, ""));
            let flag = match name.strip_prefix("--") {
                Some(long) => self.long(long),
                None => name.chars().nth(1).and_then(|letter| self.short(letter)),
            };
            self.place.typed = value;
            self.place.slot = flag.map_or(Slot::Positional(None), Slot::Value);
        } else if last.starts_with('-') && !self.only_positionals {
            self.place.slot = Slot::Flag;
        } else if command.has_subcommands() && self.place.positionals.is_empty() {
            self.place.slot = Slot::Subcommand;
        } else {
            let given = self.place.positionals.len();
            let positionals: Vec<&Arg> = command.get_positionals().collect();
            let repeated = positionals.last().filter(|argument| takes_many(argument));
            self.place.slot = Slot::Positional(positionals.get(given).or(repeated).copied());
        }
        self.place
    }

    fn long(&self, name: &str) -> Option<&'t Arg> {
        self.place.command.get_arguments().find(|argument| {
            argument.get_long() == Some(name)
                || argument.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
        })
    }

    fn short(&self, letter: char) -> Option<&'t Arg> {
        self.place.command.get_arguments().find(|argument| argument.get_short() == Some(letter))
    }
}

fn value_is_required(flag: &Arg) -> bool {
    flag.get_num_args().is_none_or(|range| range.min_values() > 0)
}

fn takes_many(argument: &Arg) -> bool {
    matches!(argument.get_action(), clap::ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `topics delete [Value namespace] typed=ka`
    fn place(line: &str) -> String {
        let mut tree = crate::cli::Cli::tree();
        tree.build();
        let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        let (last, before) = words.split_last().expect("a last word");
        let place = find(&tree, before, last);
        let slot = match place.slot {
            Slot::Flag => "Flag".to_owned(),
            Slot::Subcommand => "Subcommand".to_owned(),
            Slot::Value(flag) => format!("Value {}", flag.get_id()),
            Slot::Positional(argument) => {
                format!("Positional {}", argument.map_or("none", |arg| arg.get_id().as_str()))
            }
        };
        format!("{} [{slot}] typed={}", place.path.join(" "), place.typed)
    }

    #[test]
    fn every_kind_of_word() {
        let expected = [
            ("", " [Subcommand] typed="),
            ("to", " [Subcommand] typed=to"),
            ("topics ", "topics [Subcommand] typed="),
            ("topic ", "topics [Subcommand] typed="),
            ("topics delete ", "topics delete [Positional topics] typed="),
            ("topics delete a b", "topics delete [Positional topics] typed=b"),
            ("topics delete -", "topics delete [Flag] typed=-"),
            ("topics delete --if", "topics delete [Flag] typed=--if"),
            ("topics -n kafka delete ", "topics delete [Positional topics] typed="),
            ("topics -nkafka delete ", "topics delete [Positional topics] typed="),
            ("topics -n=kafka delete ", "topics delete [Positional topics] typed="),
            ("topics --namespace=kafka delete ", "topics delete [Positional topics] typed="),
            ("-n ", " [Value namespace] typed="),
            ("-n ka", " [Value namespace] typed=ka"),
            ("topics list --namespace=ka", "topics list [Value namespace] typed=ka"),
            ("topics list -n=ka", "topics list [Value namespace] typed=ka"),
            ("topics list -v ", "topics list [Positional none] typed="),
            ("topics list --dry-run=", "topics list [Positional none] typed="),
            ("topics create --dry-run=s", "topics create [Value dry_run] typed=s"),
            ("topics delete -- --if", "topics delete [Positional topics] typed=--if"),
            ("completion ", "completion [Positional shell] typed="),
            ("completion bash ", "completion [Positional none] typed="),
        ];
        for (line, wanted) in expected {
            assert_eq!(place(line), wanted, "{line:?}");
        }
    }

    #[test]
    fn global_flags_are_kept_for_the_live_cluster() {
        let mut tree = crate::cli::Cli::tree();
        tree.build();
        let before: Vec<String> =
            "--context far topics -nkafka list -o wide -K".split(' ').map(ToOwned::to_owned).collect();
        let place = find(&tree, &before, "");
        assert_eq!(place.global, ["--context", "far", "-nkafka"], "-K has no value yet");
        assert_eq!(place.flags, ["context", "namespace", "output", "kafka"]);
    }
}
