//! The last words of a pod that ended.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use super::client::Kubernetes;
use super::error::Result;
use super::names::Role;

/// A Kafka that gives up says why, and then takes leave of every thread and listener in a hundred lines.
const TAIL: i64 = 400;
/// More than this no one reads in an error.
const SHOWN: usize = 10;

/// A node that has thrown the log away sends this in its place.
const NO_LOG: &str = "unable to retrieve container logs for ";

/// The last lines of the run that ended, without the frames of stack traces, and before them its last error.
/// Empty where the log is gone.
pub async fn last_words(kubernetes: &Kubernetes, pod: &str, role: Role) -> Result<Vec<String>> {
    Ok(shown(&of_ended_run(kubernetes, pod, role).await?.unwrap_or_default()))
}

/// The end of the log of the run that ended; of the current run, when there is no earlier one. `None`: the
/// node has no log of it any more.
pub async fn of_ended_run(kubernetes: &Kubernetes, pod: &str, role: Role) -> Result<Option<String>> {
    let pods: Api<Pod> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let of = |previous| LogParams {
        container: Some(role.container().to_owned()),
        tail_lines: Some(TAIL),
        previous,
        ..LogParams::default()
    };
    let text = match kubernetes.call(pods.logs(pod, &of(true))).await {
        Ok(text) if !text.starts_with(NO_LOG) => text,
        Err(error) if error.code() != Some(400) => return Err(error),
        Ok(_) | Err(_) => kubernetes.call(pods.logs(pod, &of(false))).await?,
    };
    Ok(Some(text).filter(|text| !lines(text).is_empty()))
}

/// The line that says most of why a program ended: the last exception, for want of one the last error, and for
/// want of that the last line. An error without an exception is often one that the end itself has caused.
pub fn reason(log: &str) -> Option<&str> {
    let lines = lines(log);
    let at = reason_at(&lines).or(lines.len().checked_sub(1))?;
    Some(lines[at].trim())
}

/// Whether a log has an exception that tells why the program ended.
pub fn has_exception(log: &str) -> bool {
    let lines = lines(log);
    reason_at(&lines).is_some_and(|at| level(lines[at]).is_none())
}

fn reason_at(lines: &[&str]) -> Option<usize> {
    let (mut error, mut exception) = (None, None);
    // Exceptions stand below the line that reports them, without a level of their own.
    let mut reported = true;
    for (at, line) in lines.iter().enumerate() {
        match level(line) {
            Some(level) => {
                reported = matches!(level, "ERROR" | "FATAL");
                error = reported.then_some(at).or(error);
            }
            None if reported && is_exception(line) => exception = Some(at),
            None => {}
        }
    }
    exception.or(error)
}

/// Without what tells nothing to a person: the frames of stack traces, and what is no log at all.
fn lines(log: &str) -> Vec<&str> {
    let is_frame = |line: &str| line.starts_with("at ") || line.starts_with("... ");
    log.lines()
        .filter(|line| !line.trim().is_empty() && !is_frame(line.trim_start()) && !line.starts_with(NO_LOG))
        .collect()
}

fn level(line: &str) -> Option<&str> {
    const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    line.split(|letter: char| !letter.is_ascii_alphanumeric()).find(|word| LEVELS.contains(word))
}

fn is_exception(line: &str) -> bool {
    ["Exception", "Error", "Caused by: "].iter().any(|word| line.contains(word))
}

/// The end of a log; the reason, where it stands further up, comes first with the lines that report it.
fn shown(log: &str) -> Vec<String> {
    /// An error, its exception, and what that was caused by.
    const REPORT: usize = 3;
    let lines = lines(log);
    let tail = lines.len().saturating_sub(SHOWN);
    let words = |lines: &[&str]| lines.iter().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let Some(last) = reason_at(&lines).filter(|last| *last < tail) else {
        return words(&lines[tail..]);
    };
    let begins = |at: &usize| level(lines[*at]).is_some();
    let first = (last.saturating_sub(REPORT - 1)..=last).rfind(begins).unwrap_or(last);
    let mut shown = words(&lines[first..=last]);
    shown.push("…".to_owned());
    shown.extend(words(&lines[lines.len() + shown.len() - SHOWN..]));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_frames_are_left_out() {
        let text =
            "INFO a\nERROR Exiting (kafka.Kafka$)\njava.lang.Boom: why\n\tat a.b(C.java:1)\n\n\tat d.e(F.java:2)\n";
        assert_eq!(shown(text), ["INFO a", "ERROR Exiting (kafka.Kafka$)", "java.lang.Boom: why"]);
        let long: String = (0..50).map(|number| format!("{number}\n")).collect();
        assert_eq!(shown(&long).first().map(String::as_str), Some("40"));
    }

    #[test]
    fn the_reason_is_the_last_error_and_not_the_farewell() {
        let farewell: String =
            (0..30).map(|n| format!("[2026-01-01 10:00:01,000] INFO Error count {n} closed (k)\n")).collect();
        let failed = "[2026-01-01 10:00:00,000] ERROR [SocketServer] failed authentication (SSL handshake failed) (k)";
        for (log, expected) in [
            (format!("{failed}\n{farewell}"), failed),
            (
                format!(
                    "ERROR Exiting Kafka (k)\njava.lang.A: b\n\tat c.d(E.java:1)\nCaused by: java.io.F: why\n\t... 3 more\n{farewell}"
                ),
                "Caused by: java.io.F: why",
            ),
            (
                "2026-01-01 10:00:00 [myid:1] - ERROR [main:Q@1] - Unexpected\nINFO bye\n".into(),
                "2026-01-01 10:00:00 [myid:1] - ERROR [main:Q@1] - Unexpected",
            ),
            (
                "ERROR Fatal error (k)\norg.a.KafkaException: no class\n\tat c.d(E.java:1)\nINFO bye\nERROR not installed (k)\n".into(),
                "org.a.KafkaException: no class",
            ),
            ("[..] WARN no\njava.lang.Exception: harmless\n[..] INFO bye (k)\n".into(), "[..] INFO bye (k)"),
            ("[..] WARN Exception while closing (k)\n[..] INFO bye (k)\n".into(), "[..] INFO bye (k)"),
            (
                "Unrecognized VM option 'a'\nError: Could not create the Java Virtual Machine.\n".into(),
                "Error: Could not create the Java Virtual Machine.",
            ),
        ] {
            assert_eq!(reason(&log), Some(expected));
            assert_eq!(has_exception(&log), level(expected).is_none());
        }
        assert_eq!(reason("\n"), None);
    }

    #[test]
    fn an_error_above_the_last_lines_is_shown_before_them() {
        let farewell: Vec<String> = (0..30).map(|number| format!("INFO {number}")).collect();
        let log = format!(
            "INFO start\nERROR Exiting\njava.lang.Exception: why\n\tat a.b(C.java:1)\n{}\n",
            farewell.join("\n")
        );
        let lines = shown(&log);
        assert_eq!(lines.len(), SHOWN);
        assert_eq!(lines[..4], ["ERROR Exiting", "java.lang.Exception: why", "…", "INFO 23"]);
        assert_eq!(lines.last(), farewell.last());
    }

    #[test]
    fn a_log_that_is_gone_has_no_last_words() {
        let gone = "unable to retrieve container logs for containerd://d6a6e8";
        assert_eq!((reason(gone), shown(gone).len()), (None, 0));
    }
}
