//! The last words of a pod that ended.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use super::client::Kubernetes;
use super::error::Result;
use super::names::Role;

/// A stack trace is thirty lines long, and the line that matters stands above it.
const TAIL: i64 = 60;
/// More than this no one reads in an error.
const SHOWN: usize = 10;

/// The last lines of the run that ended, without the frames of stack traces; of the current run, when
/// there is no earlier one.
pub async fn last_words(kubernetes: &Kubernetes, pod: &str, role: Role) -> Result<Vec<String>> {
    let pods: Api<Pod> = Api::namespaced(kubernetes.client.clone(), &kubernetes.namespace);
    let of = |previous| LogParams {
        container: Some(role.container().to_owned()),
        tail_lines: Some(TAIL),
        previous,
        ..LogParams::default()
    };
    let text = match kubernetes.call(pods.logs(pod, &of(true))).await {
        Err(error) if error.code() == Some(400) => kubernetes.call(pods.logs(pod, &of(false))).await?,
        text => text?,
    };
    Ok(shown(&text))
}

fn shown(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("\tat ")).collect();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| line.trim_end().to_owned()).collect()
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
}
