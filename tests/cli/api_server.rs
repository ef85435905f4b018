//! An API server that knows a few answers by heart, for what needs one but no cluster behind it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

/// Answers every request until the test's process ends.
pub(crate) struct ApiServer {
    pub(crate) address: String,
}

impl ApiServer {
    /// `answer` gets the method, the path with its query, and the whole head.
    pub(crate) fn answering(answer: impl Fn(&Request) -> (u16, Value) + Send + Sync + Copy + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream, answer));
            }
        });
        Self { address }
    }

    /// Refuses every request as Kubernetes does.
    pub(crate) fn refusing(code: u16, reason: &'static str, message: &'static str) -> Self {
        Self::answering(move |_| (code, status(code, reason, message)))
    }

    /// A kubeconfig whose only context leads here.
    pub(crate) fn kubeconfig(&self) -> String {
        self.kubeconfig_with_user("{token: secret}")
    }

    /// The same with another user.
    pub(crate) fn kubeconfig_with_user(&self, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: test, cluster: {{server: \"http://{}\"}}}}]\n\
             users: [{{name: test, user: {user}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: test, namespace: kafka}}}}]\n",
            self.address
        )
    }
}

/// A request as far as an answer needs it.
pub(crate) struct Request {
    /// Path and query.
    pub(crate) path: String,
    /// Header lines, as sent.
    pub(crate) headers: Vec<String>,
}

/// The body of Kubernetes' error answers.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": "Failure", "code": code, "reason": reason, "message": message,
    })
}

/// The broker pods of Kafka clusters, as `install` labels them.
pub(crate) fn broker_pods(clusters: &[&str]) -> Value {
    let pod = |cluster: &&str| {
        json!({
            "metadata": {
                "name": format!("{cluster}-broker-0"), "namespace": "kafka",
                "labels": {
                    "app.kubernetes.io/name": "kafka",
                    "app.kubernetes.io/instance": cluster,
                    "app.kubernetes.io/component": "broker",
                    "app.kubernetes.io/managed-by": "kubectl-kafka",
                },
            },
            "status": {"phase": "Running"},
        })
    };
    let items: Vec<Value> = clusters.iter().map(pod).collect();
    json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
}

fn serve(stream: TcpStream, answer: impl Fn(&Request) -> (u16, Value)) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let request = read(&mut reader)?;
        let (code, body) = answer(&request);
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {code} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        writer.write_all(head.as_bytes()).ok()?;
        writer.write_all(body.as_bytes()).ok()?;
    }
}

/// Requests without a body only: nothing here is ever written to.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    Some(Request { path, headers: lines.split_off(1) })
}
