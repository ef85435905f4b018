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

/// The line that says most of why a program ended: the last error, otherwise the last line.
pub fn reason(log: &str) -> Option<&str> {
    let lines = lines(log);
    lines.iter().rev().find(|line| is_error(line)).or(lines.last()).map(|line| line.trim())
}

/// Whether a log has a line that tells of an error.
pub fn has_reason(log: &str) -> bool {
    lines(log).into_iter().any(is_error)
}

/// Without what tells nothing to a person: the frames of stack traces, and what is no log at all.
fn lines(log: &str) -> Vec<&str> {
    let is_frame = |line: &str| line.starts_with("at ") || line.starts_with("... ");
    log.lines()
        .filter(|line| !line.trim().is_empty() && !is_frame(line.trim_start()) && !line.starts_with(NO_LOG))
        .collect()
}

/// An ERROR or FATAL line, or an exception: those come without a level of their own.
fn is_error(line: &str) -> bool {
    const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let level = line.split(|letter: char| !letter.is_ascii_alphanumeric()).find(|word| LEVELS.contains(word));
    match level {
        Some(level) => matches!(level, "ERROR" | "FATAL"),
        None => ["Exception", "Error", "Caused by: "].iter().any(|word| line.contains(word)),
    }
}

/// The end of a log; an error that stands further up comes first, with the line above it if that is one too.
fn shown(log: &str) -> Vec<String> {
    let lines = lines(log);
    let tail = lines.len().saturating_sub(SHOWN);
    let words = |lines: &[&str]| lines.iter().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let Some(last) = lines.iter().rposition(|line| is_error(line)).filter(|last| *last < tail) else {
        return words(&lines[tail..]);
    };
    let first = if last > 0 && is_error(lines[last - 1]) { last - 1 } else { last };
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
            ("[..] WARN Exception while closing (k)\n[..] INFO bye (k)\n".into(), "[..] INFO bye (k)"),
            (
                "Unrecognized VM option 'a'\nError: Could not create the Java Virtual Machine.\n".into(),
                "Error: Could not create the Java Virtual Machine.",
            ),
        ] {
            assert_eq!(reason(&log), Some(expected));
            assert_eq!(has_reason(&log), !expected.contains("INFO"));
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
