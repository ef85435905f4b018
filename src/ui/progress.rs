//! Live progress on stderr: a block of lines, one per thing that is waited for.
//!
//! On a terminal the block is redrawn in place; elsewhere (CI logs) a line is appended whenever its
//! text changes, so that a log shows the history and no line twice.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Lines by key. Dropping it clears what is drawn.
pub struct Progress {
    bars: Option<MultiProgress>,
    lines: Mutex<BTreeMap<String, Line>>,
}

struct Line {
    text: String,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bars = io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, lines: Mutex::default() }
    }

    /// Sets the text of a line; a new key adds a line at the end.
    pub fn set(&self, key: &str, text: impl Into<String>) {
        let text = text.into();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.get(key).is_some_and(|line| line.text == text) {
            return;
        }
        let line = lines
            .entry(key.to_owned())
            .or_insert_with(|| Line { text: String::new(), bar: self.bars.as_ref().map(|bars| bars.add(spinner())) });
        line.text.clone_from(&text);
        match &line.bar {
            Some(bar) => bar.set_message(text),
            None => {
                let _ = writeln!(io::stderr(), "{text}");
            }
        }
    }

    /// Writes a line that stays, above what is drawn.
    pub fn note(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.println(text);
            }
            None => {
                let _ = writeln!(io::stderr(), "{text}");
            }
        }
    }

    /// Removes what is drawn.
    pub fn clear(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
        }
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
