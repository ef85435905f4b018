//! Every `kubectl kafka …` command in the documentation is one that the program understands, and every
//! page that is linked to exists.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use kubectl_kafka::cli::Cli;

use crate::shell_words;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = std::fs::read_dir(root().join("docs"))
        .expect("docs/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.extend(["README.md", "CONTRIBUTING.md"].map(|page| root().join(page)));
    pages.sort();
    pages
}

/// A command line of a page, and whether it stands in a block that people paste.
struct Example {
    words: Vec<String>,
    pasted: bool,
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut block = String::new();
    let mut in_block = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            let commands = shell_words::commands(&std::mem::take(&mut block));
            examples.extend(commands.into_iter().map(|words| Example { words, pasted: true }));
        } else if in_block {
            block.push_str(line.trim_start_matches("$ "));
            block.push('\n');
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            let commands = spans.flat_map(shell_words::commands);
            examples.extend(commands.map(|words| Example { words, pasted: false }));
        }
    }
    // `kubectl kafka …` and `kubectl kafka topics …` are names, not commands.
    examples.retain(|example| example.words.starts_with(&["kubectl".to_owned(), "kafka".to_owned()]));
    examples.retain(|example| !example.words.iter().any(|word| word.contains('…')));
    examples
}

fn parses(example: &Example) -> Result<(), String> {
    let words = std::iter::once("kubectl-kafka").chain(example.words[2..].iter().map(String::as_str));
    match Cli::tree().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(()),
            // In running text a command may be named without what it needs.
            ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                if !example.pasted =>
            {
                Ok(())
            }
            _ => Err(error.to_string()),
        },
    }
}

#[test]
fn every_command_in_the_documentation_is_understood() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for path in pages() {
        let page = std::fs::read_to_string(&path).expect("a page");
        for example in examples(&page) {
            checked += 1;
            if let Err(error) = parses(&example) {
                wrong.push(format!("{}: {}\n{error}", path.display(), example.words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 10, "only {checked} commands were found: is the search broken?");
}

#[test]
fn a_command_that_does_not_exist_would_be_noticed() {
    let page = "Use `kubectl kafka topics lost`.\n```sh\necho a | kubectl kafka topics create # no name\n```\n";
    let found = examples(page);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|example| parses(example).is_err()));
}

#[test]
fn every_link_leads_to_a_file() {
    for path in pages() {
        let page = std::fs::read_to_string(&path).expect("a page");
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                let file = path.parent().expect("a directory").join(target);
                assert!(file.exists(), "{} links to {target}", path.display());
            }
        }
    }
}

/// One Prometheus sees the clusters of many namespaces, and the same names in several of them.
#[test]
fn figures_of_two_namespaces_are_never_mixed() {
    for file in ["monitoring/alerts.yaml", "monitoring/dashboard.json"] {
        let text = std::fs::read_to_string(root().join(file)).expect(file);
        let groups: Vec<&str> = [" by (", " on ("]
            .iter()
            .flat_map(|start| text.split(start).skip(1))
            .filter_map(|rest| rest.split_once(')').map(|(labels, _)| labels))
            .collect();
        assert!(groups.len() > 5, "{file}: {groups:?}");
        for labels in groups {
            assert!(labels.split(", ").any(|label| label == "namespace"), "{file}: {labels}");
        }
    }
}
