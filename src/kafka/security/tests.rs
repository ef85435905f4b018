//! The dialer against a listener that lives in memory, with real TLS.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, MetadataResponse, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::scram::{Conversation, Hash};
use super::*;
use crate::kafka::testing::Asked;
use crate::kafka::{Ask, BoxStream, Cluster, ClusterOptions, DialError, DialReason, Endpoint, Error, NodeId, Target};

const HOST: &str = "demo-broker-0.demo-brokers.kafka.svc";

/// An authority, made anew for each test.
struct Authority {
    issuer: Issuer<'static, rcgen::KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for hosts, and its key.
    fn issue(&self, hosts: &[&str], years: (i32, i32)) -> (CertificateDer<'static>, rcgen::KeyPair) {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(hosts).expect("parameters");
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("a certificate").der().clone(), key)
    }

    fn key_pair(&self) -> KeyPair {
        let (certificate, key) = self.issue(&["admin"], VALID);
        let pem = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        KeyPair {
            chain: format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", pem(&certificate)),
            key: key.serialize_pem().into(),
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add(pem::certificates(&self.pem).expect("PEM").remove(0)).expect("a certificate");
        store
    }
}

const VALID: (i32, i32) = (2020, 4000);

/// The certificates that a listener has and asks for.
fn server(authority: &Authority, hosts: &[&str], years: (i32, i32), clients: Option<&Authority>) -> ServerConfig {
    let (certificate, key) = authority.issue(hosts, years);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let roots = Arc::new(clients.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build().expect("a verifier");
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    builder.with_single_cert(vec![certificate], key).expect("a configuration")
}

/// One broker, and how its listener is set up.
#[derive(Clone)]
struct Listener {
    tls: Option<Arc<ServerConfig>>,
    /// What alice's password is; without one there is no SASL.
    password: Option<&'static str>,
    /// Whether it knows the password as well.
    honest: bool,
    host: Option<&'static str>,
    /// The frames that came together while logging in.
    pace: Arc<Mutex<Vec<ApiKey>>>,
    dials: Arc<AtomicUsize>,
}

impl Listener {
    fn new() -> Self {
        Self { tls: None, password: None, honest: true, host: Some(HOST), pace: Arc::default(), dials: Arc::default() }
    }

    fn with_tls(config: ServerConfig) -> Self {
        Self { tls: Some(Arc::new(config)), ..Self::new() }
    }

    async fn serve(self, stream: tokio::io::DuplexStream) {
        match self.tls.clone() {
            None => self.speak(stream).await,
            Some(config) => {
                // Kafka sends the alert before it hangs up, as rustls does.
                if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                    self.speak(stream).await;
                }
            }
        }
    }

    /// Speaks Kafka, and hangs up where Kafka would.
    async fn speak(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut known = self.password.is_none();
        let mut conversation: Option<(Conversation, String)> = None;
        while let Some(asked) = read(&mut stream).await {
            let answer = match asked.api {
                ApiKey::ApiVersions => asked.answer(&versions()),
                ApiKey::SaslHandshake if self.password.is_none() => {
                    asked.answer(&SaslHandshakeResponse::default().with_error_code(34))
                }
                ApiKey::SaslHandshake => {
                    let wanted: SaslHandshakeRequest = asked.decode();
                    let has = ["SCRAM-SHA-512", "PLAIN"].contains(&&*wanted.mechanism);
                    let mechanisms = ["SCRAM-SHA-512", "PLAIN"].map(StrBytes::from_static_str).to_vec();
                    let response = SaslHandshakeResponse::default().with_mechanisms(mechanisms);
                    asked.answer(&response.with_error_code(if has { 0 } else { 33 }))
                }
                ApiKey::SaslAuthenticate => {
                    let message: SaslAuthenticateRequest = asked.decode();
                    let message = String::from_utf8(message.auth_bytes.to_vec()).expect("text");
                    let (code, answer) = self.judge(&message, &mut conversation);
                    known = code == 0 && conversation.is_none();
                    let response = SaslAuthenticateResponse::default()
                        .with_error_code(code)
                        .with_auth_bytes(answer.into_bytes().into());
                    asked.answer(&response)
                }
                ApiKey::Metadata if known => asked.answer(&metadata()),
                _ => return,
            };
            self.pace.lock().expect("no panic").push(asked.api);
            if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }

    fn judge(&self, message: &str, conversation: &mut Option<(Conversation, String)>) -> (i16, String) {
        let password = self.password.expect("SASL");
        if let Some(plain) = message.strip_prefix("\0alice\0") {
            return (if plain == password { 0 } else { 58 }, String::new());
        }
        match conversation.take() {
            None => {
                let nonce = message.rsplit_once("r=").expect("a nonce").1.to_owned();
                let first = format!("r={nonce}and-ours,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
                let ours = Conversation::new(Hash::Sha512, "alice", password.to_owned().into(), nonce);
                *conversation = Some((ours, first.clone()));
                (0, first)
            }
            Some((ours, first)) => {
                let (expected, proof) = ours.last(&first).expect("a message");
                match (self.honest, expected == message) {
                    (true, true) => (0, proof.server_last()),
                    (true, false) => (58, String::new()),
                    // It lets everybody in, and cannot prove anything.
                    (false, _) => (0, "v=AAAA".to_owned()),
                }
            }
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Asked> {
    // Kafka hangs up on a length that it does not believe; TLS begins with 0x16030100.
    let mut head = [0; 4];
    tokio::io::AsyncReadExt::read_exact(stream, &mut head).await.ok()?;
    if u32::from_be_bytes(head) > 1 << 20 {
        return None;
    }
    let mut whole = tokio::io::AsyncReadExt::chain(&head[..], stream);
    Asked::read(&mut whole).await
}

fn versions() -> ApiVersionsResponse {
    let range = |key: ApiKey, high| ApiVersion::default().with_api_key(key as i16).with_max_version(high);
    ApiVersionsResponse::default().with_api_keys(vec![range(ApiKey::ApiVersions, 3), range(ApiKey::Metadata, 12)])
}

fn metadata() -> MetadataResponse {
    let host = StrBytes::from_static_str(HOST);
    MetadataResponse::default()
        .with_brokers(vec![MetadataResponseBroker::default().with_node_id(BrokerId(100)).with_host(host).with_port(1)])
}

impl Dialer for Listener {
    fn dial<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        self.dial_host(target).map(|dialled| dialled.map(|(stream, _)| stream)).boxed()
    }

    fn dial_host<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(BoxStream, Option<String>), DialError>> {
        async move {
            self.dials.fetch_add(1, Ordering::Relaxed);
            let (near, far) = tokio::io::duplex(64 * 1024);
            tokio::spawn(self.clone().serve(far));
            let host = match target {
                Target::Bootstrap => self.host.map(ToOwned::to_owned),
                Target::Node(_, endpoint) => Some(endpoint.host.clone()),
            };
            Ok((Box::new(near) as BoxStream, host))
        }
        .boxed()
    }
}

fn trusting(authority: &Authority) -> TlsSettings {
    TlsSettings { trust: Trust::Pem(authority.pem.clone()), key_pair: None, host_check: HostCheck::Required }
}

fn security(tls: Option<&TlsSettings>, password: Option<&str>) -> Security {
    let sasl = |password: &str| Sasl {
        mechanism: Mechanism::Scram(Hash::Sha512),
        username: "alice".into(),
        password: password.to_owned().into(),
    };
    Security {
        tls: tls.map(|settings| Tls::new(settings).expect("TLS")),
        sasl: password.map(sasl),
        source: "Secret demo-user-alice".into(),
    }
}

/// What connecting comes to: the broker that Metadata tells, or the refusal.
async fn connect(listener: &Listener, security: Security) -> Result<NodeId, Error> {
    let options = ClusterOptions { request_timeout: Duration::from_secs(5), retry_for: Duration::ZERO };
    let (cluster, _) = Cluster::connect(security.around(Arc::new(listener.clone())), options, &Ask::Nothing).await?;
    Ok(cluster.brokers()[0].node)
}

/// The sentence of a refusal that trying again does not mend.
async fn refusal(listener: &Listener, security: Security) -> String {
    match connect(listener, security).await {
        Err(Error::Dial(error)) if matches!(error.reason, DialReason::Refusal | DialReason::Denied) => error.message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn alice_logs_in_through_tls_one_message_at_a_time() {
    let authority = Authority::new();
    let listener =
        Listener { password: Some("secret"), ..Listener::with_tls(server(&authority, &[HOST], VALID, None)) };
    let security = security(Some(&trusting(&authority)), Some("secret"));
    assert_eq!(security.principal().as_deref(), Some("User:alice"));
    assert_eq!(connect(&listener, security).await.expect("a connection"), NodeId(100));
    let seen = listener.pace.lock().expect("no panic").clone();
    let expected = [
        ApiKey::SaslHandshake,
        ApiKey::SaslAuthenticate,
        ApiKey::SaslAuthenticate,
        ApiKey::ApiVersions,
        ApiKey::Metadata,
    ];
    assert_eq!(seen, expected);
    assert_eq!(listener.dials.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn in_plain_text_the_first_two_messages_go_together() {
    let (mut near, mut far) = tokio::io::duplex(1024);
    let sasl = security(None, Some("secret")).sasl.expect("a login");
    let login = tokio::spawn(async move { sasl.log_in(&mut near, sasl::Pace::Together).await.is_err() });
    // Nothing is answered, and both are there.
    for expected in [ApiKey::SaslHandshake, ApiKey::SaslAuthenticate] {
        let asked = tokio::time::timeout(Duration::from_secs(5), Asked::read(&mut far)).await.expect("in time");
        assert_eq!(asked.expect("a request").api, expected);
    }
    drop(far);
    assert!(login.await.expect("no panic"));
}

#[tokio::test]
async fn plain_takes_the_password_as_it_is() {
    let listener = Listener { password: Some("secret"), ..Listener::new() };
    for (password, works) in [("secret", true), ("other", false)] {
        let mut security = security(None, Some(password));
        security.sasl.as_mut().expect("a login").mechanism = Mechanism::Plain;
        assert_eq!(connect(&listener, security).await.is_ok(), works, "{password}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_without_telling_it() {
    let listener = Listener { password: Some("secret"), ..Listener::new() };
    let security = security(None, Some("w0rdless"));
    assert!(!format!("{security:?}").contains("w0rdless"));
    let error = connect(&listener, security).await.expect_err("a refusal");
    assert!(!error.is_transient());
    let error = crate::CommandError::from(error).text();
    assert_eq!(
        error,
        format!(
            "error: the broker at {HOST} does not know user \"alice\" or its password is another (SCRAM-SHA-512, \
             Secret demo-user-alice)\nhint: make a new password with `kubectl kafka users rotate alice`\n"
        )
    );
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_not_trusted() {
    let listener = Listener { password: Some("secret"), honest: false, ..Listener::new() };
    let told = refusal(&listener, security(None, Some("secret"))).await;
    assert!(told.ends_with("SCRAM-SHA-512: it could not prove that it knows the password"), "{told}");
}

#[tokio::test]
async fn the_enabled_mechanisms_are_listed() {
    let listener = Listener { password: Some("secret"), ..Listener::new() };
    let mut security = security(None, Some("secret"));
    security.sasl.as_mut().expect("a login").mechanism = Mechanism::Scram(Hash::Sha256);
    let told = refusal(&listener, security).await;
    assert!(told.ends_with("does not have SASL mechanism SCRAM-SHA-256; it has SCRAM-SHA-512, PLAIN"), "{told}");
}

#[tokio::test]
async fn a_login_where_none_is_wanted_and_none_where_one_is() {
    let told = refusal(&Listener::new(), security(None, Some("secret"))).await;
    assert!(told.contains("does not use SASL"), "{told}");
    let listener = Listener { password: Some("secret"), ..Listener::new() };
    let told = refusal(&listener, security(None, None)).await;
    assert!(told.ends_with("wants a login (SCRAM-SHA-512, PLAIN), and there is none"), "{told}");
}

#[tokio::test]
async fn certificates_that_are_not_accepted() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (config, reason) in [
        (server(&other, &[HOST], VALID, None), "not signed by the certificate authority of Secret demo-user-alice"),
        (server(&authority, &[HOST], (2019, 2020), None), "its certificate expired at 2020-01-01T00:00:00Z"),
        (server(&authority, &[HOST], (3999, 4000), None), "its certificate is not valid before 3999-01-01T00:00:00Z"),
        (
            server(&authority, &["a.example", "b.example"], VALID, None),
            "its certificate is not for \"demo-broker-0.demo-brokers.kafka.svc\" but for a.example, b.example",
        ),
    ] {
        let told = refusal(&Listener::with_tls(config), security(Some(&trusting(&authority)), None)).await;
        assert!(told.starts_with(&format!("the broker at {HOST}: ")) && told.contains(reason), "{told}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_known_is_not_passed_over() {
    let authority = Authority::new();
    let listener = Listener { host: None, ..Listener::with_tls(server(&authority, &[HOST], VALID, None)) };
    let told = refusal(&listener, security(Some(&trusting(&authority)), None)).await;
    assert!(told.starts_with("it is not known which host"), "{told}");
}

#[tokio::test]
async fn only_the_name_may_differ_when_names_are_not_checked() {
    let (authority, other) = (Authority::new(), Authority::new());
    let settings = TlsSettings { host_check: HostCheck::Off, ..trusting(&authority) };
    let listener = Listener::with_tls(server(&authority, &["a.example"], VALID, None));
    assert!(connect(&listener, security(Some(&settings), None)).await.is_ok());
    let listener = Listener { host: None, ..listener };
    assert!(connect(&listener, security(Some(&settings), None)).await.is_ok());
    for config in [server(&other, &["a.example"], VALID, None), server(&authority, &[HOST], (2019, 2020), None)] {
        refusal(&Listener::with_tls(config), security(Some(&settings), None)).await;
    }
}

#[tokio::test]
async fn every_node_is_verified_by_what_it_advertises() {
    let authority = Authority::new();
    let listener = Listener::with_tls(server(&authority, &["other.example"], VALID, None));
    let dialer = security(Some(&trusting(&authority)), None).around(Arc::new(listener));
    let node = |host: &str| Target::Node(NodeId(1), Endpoint { host: host.to_owned(), port: 9092 });
    assert!(dialer.dial(&node("other.example")).await.is_ok());
    let refused = dialer.dial(&node(HOST)).await.err().expect("a refusal");
    assert!(refused.message.starts_with(&format!("broker 1 ({HOST}:9092): its certificate is not for")), "{refused}");
}

#[tokio::test]
async fn a_client_certificate_that_is_asked_for() {
    let (authority, other) = (Authority::new(), Authority::new());
    let listener = Listener::with_tls(server(&authority, &[HOST], VALID, Some(&authority)));
    let with = |pair: Option<KeyPair>| TlsSettings { key_pair: pair, ..trusting(&authority) };
    assert!(connect(&listener, security(Some(&with(Some(authority.key_pair()))), None)).await.is_ok());
    let told = refusal(&listener, security(Some(&with(None)), None)).await;
    assert!(told.ends_with("it asks for a client certificate, and there is none"), "{told}");
    let told = refusal(&listener, security(Some(&with(Some(other.key_pair()))), None)).await;
    assert!(told.contains("it does not accept the client certificate of Secret demo-user-alice"), "{told}");
}

#[tokio::test]
async fn tls_and_plain_text_mixed_up() {
    let authority = Authority::new();
    let told = refusal(&Listener::new(), security(Some(&trusting(&authority)), None)).await;
    assert!(told.ends_with("does not use TLS, and TLS was spoken"), "{told}");
    let listener = Listener::with_tls(server(&authority, &[HOST], VALID, None));
    for password in [None, Some("secret")] {
        let told = refusal(&listener, security(None, password)).await;
        assert_eq!(told, "the listener of the broker uses TLS, and plain text was sent");
    }
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    let authority = Authority::new();
    let (one, two) = (authority.key_pair(), authority.key_pair());
    let pair = KeyPair { chain: one.chain, key: two.key };
    let settings = TlsSettings { key_pair: Some(pair), ..trusting(&authority) };
    assert_eq!(Tls::new(&settings).err(), Some(tls::TlsError::Key("it does not fit the certificate".into())));
}
