//! The terminal: the only room that prints.
//!
//! stdout carries data only, so that it can be piped; progress, notes, warnings, questions and errors
//! go to stderr.

pub mod columns;
pub mod jsonpath;
mod pasteable;
mod progress;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use pasteable::Whereabouts;
pub use progress::Progress;

use crate::cli::global::Color;
use crate::cli::{GlobalArgs, OutputArgs, OutputFormat};
use crate::error::CommandError;

/// What a table or a report may show.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextOptions {
    /// `-o wide`
    pub wide: bool,
    /// `--no-headers`
    pub no_headers: bool,
}

/// A model that can be shown: one struct, every rendering.
pub trait View: Serialize {
    /// The table or report for people, ending in a newline (or empty).
    fn text(&self, options: TextOptions) -> String;

    /// The lines of `-o name`: `topic/orders`.
    fn names(&self) -> Vec<String>;
}

/// The terminal. Cheap to clone; all clones share one stdout.
#[derive(Clone)]
pub struct Ui {
    stdout: Arc<Mutex<BufWriter<io::Stdout>>>,
    color: bool,
    verbosity: u8,
    /// Who we are to Kafka, for errors about what is not allowed.
    principal: Arc<OnceLock<String>>,
    /// What the commands in hints need.
    place: Arc<Whereabouts>,
}

impl Ui {
    /// Decides on colour and starts the log of `-v`.
    pub fn new(color: Color, verbosity: u8) -> Self {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        if verbosity > 0 {
            start_log(verbosity);
        }
        // Records come by the million: the buffer is wide, and whoever waits for more flushes.
        let stdout = Arc::new(Mutex::new(BufWriter::with_capacity(64 * 1024, io::stdout())));
        Self { stdout, color, verbosity, principal: Arc::default(), place: Arc::default() }
    }

    /// Knows the flags that were typed, which the commands in hints need too.
    #[must_use]
    pub fn in_place(self, global: &GlobalArgs) -> Self {
        Self { place: Arc::new(Whereabouts::of(global)), ..self }
    }

    /// Knows the namespace that a document says, which hints need too.
    pub fn now_in(&self, namespace: &str) {
        self.place.now_in(namespace);
    }

    /// The level of `-v`, 0 without it.
    pub fn verbosity(&self) -> u8 {
        self.verbosity
    }

    /// Writes data to stdout as it is.
    pub fn out(&self, data: impl AsRef<[u8]>) -> Result<(), CommandError> {
        Ok(self.lock().write_all(data.as_ref())?)
    }

    /// Writes what the buffer holds; needed before waiting and at the end.
    pub fn flush(&self) -> Result<(), CommandError> {
        Ok(self.lock().flush()?)
    }

    /// Shows a model in the chosen format.
    pub fn show<V: View>(&self, output: &OutputArgs, model: &V) -> Result<(), CommandError> {
        self.out(render(&output.format(), output.no_headers, model)?)?;
        self.flush()
    }

    /// A line about what happens or happened, on stderr.
    pub fn status(&self, line: impl AsRef<str>) {
        self.line(line.as_ref());
    }

    /// `warning: …` on stderr.
    pub fn warning(&self, line: impl AsRef<str>) {
        self.line(&format!("{} {}", self.styled(AnsiColor::Yellow, "warning:"), line.as_ref()));
    }

    /// `hint: …` on stderr.
    pub fn hint(&self, line: impl AsRef<str>) {
        self.line(&format!("{} {}", self.styled(AnsiColor::Cyan, "hint:"), line.as_ref()));
    }

    /// Remembers who we are to Kafka.
    pub fn known_as(&self, principal: Option<&str>) {
        if let Some(principal) = principal {
            // Whoever we were first is who the command was run as.
            let _ = self.principal.set(principal.to_owned());
        }
    }

    /// The error that ends the command, on stderr.
    pub fn error(&self, error: &CommandError) {
        let text = error.clone().told_to(self.principal.get().map(String::as_str)).text();
        let text = self.place.completed(&text);
        if self.color {
            let text = text
                .replacen("error:", &self.styled(AnsiColor::Red, "error:"), 1)
                .replace("\nhint:", &format!("\n{}", self.styled(AnsiColor::Cyan, "hint:")));
            let _ = io::stderr().write_all(text.as_bytes());
        } else {
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }

    /// A live display on stderr: lines that are redrawn on a terminal, appended elsewhere.
    pub fn progress(&self) -> Progress {
        Progress::new()
    }

    /// Awaits something that is usually over at once, and says what is waited for when it is not.
    pub async fn patiently<T>(&self, text: &str, work: impl Future<Output = T>) -> T {
        /// People begin to wonder after two seconds.
        const QUIET: Duration = Duration::from_secs(2);
        let mut work = pin!(work);
        if let Ok(done) = tokio::time::timeout(QUIET, &mut work).await {
            return done;
        }
        let progress = self.progress();
        progress.set("wait", text);
        work.await
    }

    /// Whether a person can be asked.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether stdout is a terminal, which decides if a screen may be redrawn.
    pub fn stdout_is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether whoever read stdout has gone: a command that waits for something to print need not wait.
    pub fn stdout_is_gone(&self) -> bool {
        stdout_is_gone()
    }

    /// Asks a yes/no question on stderr; without a terminal it refuses and names the flag for scripts.
    pub fn confirm(&self, question: &str) -> Result<bool, CommandError> {
        if !self.can_ask() {
            return Err(CommandError::usage("this needs a confirmation and there is no terminal to ask on")
                .hinted("pass --yes if you mean it"));
        }
        let _ = write!(io::stderr(), "{question} [y/N] ");
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(|error| CommandError::failed(format!("cannot read the answer: {error}")))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    fn styled(&self, color: AnsiColor, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let style = Style::new().bold().fg_color(Some(color.into()));
        format!("{style}{text}{style:#}")
    }

    fn line(&self, line: &str) {
        // Nothing useful can be done when stderr is gone.
        let _ = writeln!(io::stderr(), "{}", self.place.completed(line));
    }

    fn lock(&self) -> MutexGuard<'_, BufWriter<io::Stdout>> {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Ui {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Ui")
            .field("color", &self.color)
            .field("verbosity", &self.verbosity)
            .finish_non_exhaustive()
    }
}

/// A pipe whose reading end is closed reports an error, even when nobody writes.
#[cfg(unix)]
fn stdout_is_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&now)).is_ok_and(|ready| ready > 0) && asked[0].revents().contains(PollFlags::ERR)
}

#[cfg(not(unix))]
fn stdout_is_gone() -> bool {
    false
}

/// Any rendering of a model, pure.
pub fn render<V: View>(format: &OutputFormat, no_headers: bool, model: &V) -> Result<String, CommandError> {
    let internal = |error: &dyn std::fmt::Display| CommandError::failed(format!("cannot render the output: {error}"));
    Ok(match format {
        OutputFormat::Text => model.text(TextOptions { wide: false, no_headers }),
        OutputFormat::Wide => model.text(TextOptions { wide: true, no_headers }),
        OutputFormat::Json => {
            let mut text = serde_json::to_string_pretty(model).map_err(|error| internal(&error))?;
            text.push('\n');
            text
        }
        OutputFormat::Yaml => yaml(model)?,
        OutputFormat::Name => model.names().iter().map(|name| format!("{name}\n")).collect(),
        OutputFormat::JsonPath(template) => {
            let value = serde_json::to_value(model).map_err(|error| internal(&error))?;
            jsonpath::render(template, &value)?
        }
        OutputFormat::CustomColumns(columns) => {
            let value = serde_json::to_value(model).map_err(|error| internal(&error))?;
            columns::render(columns, &value, no_headers)?
        }
    })
}

/// A YAML document from a model.
pub fn yaml<T: Serialize>(model: &T) -> Result<String, CommandError> {
    serde_saphyr::to_string(model).map_err(|error| CommandError::failed(format!("cannot render the output: {error}")))
}

/// The log of `-v`, on stderr. Levels as kubectl's: 1 what is connected to, 6 requests, 8 everything.
fn start_log(verbosity: u8) {
    let filter = match verbosity {
        0..=5 => "kubectl_kafka=info",
        6..=7 => "kubectl_kafka=debug",
        _ => "kubectl_kafka=trace,kube_client=debug,hyper_util=debug",
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_env_filter(filter)
        .init();
}
