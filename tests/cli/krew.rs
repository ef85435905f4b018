//! The krew manifest keeps the rules of krew's index.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PLATFORMS: [(&str, &str, &str); 6] = [
    ("linux", "amd64", "tar.gz"),
    ("linux", "arm64", "tar.gz"),
    ("darwin", "amd64", "tar.gz"),
    ("darwin", "arm64", "tar.gz"),
    ("windows", "amd64", "zip"),
    ("windows", "arm64", "zip"),
];

fn render(directory: &Path) -> std::process::Output {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/krew/manifest"))
        .arg("https://example.com/releases/download/v1.2.3/")
        .arg(directory)
        .output()
        .expect("bash")
}

#[test]
#[cfg(unix)]
fn the_manifest_keeps_krews_rules() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (number, (system, machine, kind)) in PLATFORMS.iter().enumerate() {
        let archive = format!("kubectl-kafka_v1.2.3_{system}_{machine}.{kind}");
        let digest = format!("{}  {archive}\n", number.to_string().repeat(64));
        std::fs::write(directory.path().join(format!("{archive}.sha256")), digest).expect("a file");
    }
    let output = render(directory.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let manifest: Value = serde_saphyr::from_str(&text).expect("YAML");

    assert_eq!(manifest["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!(manifest["kind"], "Plugin");
    assert_eq!(manifest["metadata"]["name"], "kafka", "krew wants it to be the name of the file");
    let spec = &manifest["spec"];
    assert_eq!(spec["version"], "v1.2.3", "with a leading v");
    let short = spec["shortDescription"].as_str().expect("a short description");
    assert!(short.len() <= 50 && !short.ends_with('.') && !short.contains("kubectl"), "{short}");
    let description = spec["description"].as_str().expect("a description");
    assert!(description.lines().all(|line| line.len() <= 80), "{description}");
    assert!(!description.contains("$ ") && !description.contains("kubectl kafka"), "usage examples are not wanted");
    assert!(spec["homepage"].as_str().is_some_and(|url| url.starts_with("https://")));
    check_platforms(&spec["platforms"]);
}

fn check_platforms(platforms: &Value) {
    let platforms = platforms.as_array().expect("platforms");
    assert_eq!(platforms.len(), PLATFORMS.len());
    for (system, machine, kind) in PLATFORMS {
        let labels = |platform: &&Value| {
            let labels = &platform["selector"]["matchLabels"];
            labels["os"] == system && labels["arch"] == machine
        };
        let platform = platforms.iter().find(labels).expect("a platform");
        let digest = platform["sha256"].as_str().expect("a digest");
        assert!(digest.len() == 64 && digest.chars().all(|digit| digit.is_ascii_hexdigit()), "{digest}");
        let name = format!("kubectl-kafka_v1.2.3_{system}_{machine}.{kind}");
        assert_eq!(platform["uri"], format!("https://example.com/releases/download/v1.2.3/{name}"));
        assert_eq!(platform["bin"], if system == "windows" { "kubectl-kafka.exe" } else { "kubectl-kafka" });
        assert!(platform.get("files").is_none(), "without `files`, krew takes the archive as it is");
    }
}

#[test]
#[cfg(unix)]
fn a_manifest_without_archives_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = render(directory.path());
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(stderr.starts_with("error: there is no kubectl-kafka_v….sha256 in"), "{stderr}");
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b""[..], Some(1)));
}
