//! As whom we connect: as a file says, as a Kafka user by its Secret, or as whoever suits the cluster that was
//! found.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::Session;
use super::port_forward::{PodListener, PortForwardDialer};
use crate::error::CommandError;
use crate::k8s::Kubernetes;
use crate::k8s::credentials::{self, ClientCertificate, Credentials, Lookup};
use crate::k8s::discover::KafkaCluster;
use crate::k8s::names::{ADMIN, CLIENT_PORT};
use crate::kafka::security::{
    self, ANONYMOUS, HostCheck, KeyPair, Mechanism, Sasl, Security, Tls, TlsSettings, Trust, from_client_properties,
    wants_login,
};
use crate::kafka::{DialError, DialReason, Dialer, Endpoint, Error, Target};

/// The byte order marks of UTF-16.
const UTF_16: [[u8; 2]; 2] = [[0xFF, 0xFE], [0xFE, 0xFF]];

/// As whom.
#[derive(Debug, Clone, Default)]
pub enum Login {
    /// As the admin of a cluster that wants a login, as nobody where none is wanted.
    #[default]
    Automatic,
    /// As this Kafka user, by its Secret.
    User(String),
    /// As a file says.
    File(Security),
}

/// A way to the brokers, and as whom.
pub struct Secured {
    /// The way.
    pub dialer: Arc<dyn Dialer>,
    /// The principal that Kafka knows us by, where that is certain.
    pub principal: Option<String>,
}

impl fmt::Debug for Secured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Secured").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl Login {
    /// From the file of `--command-config`.
    pub fn from_file(path: &Path) -> Result<Self, CommandError> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|error| CommandError::failed(format!("--command-config: cannot read {shown}: {error}")))?;
        if bytes.starts_with(&UTF_16[0]) || bytes.starts_with(&UTF_16[1]) {
            return Err(CommandError::failed(format!("{shown}: it is UTF-16, and text in UTF-8 is read"))
                .hinted("PowerShell's > writes UTF-16; write it with `Out-File -Encoding utf8`"));
        }
        // Java reads these files as ISO 8859-1; people write UTF-8.
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
        let security = from_client_properties(&text, &shown, &|path| std::fs::read(path))
            .map_err(|error| with_hint(CommandError::failed(error.message), error.hint))?;
        Ok(Self::File(security))
    }

    /// By a certificate of the cluster's authority, where nobody logs in.
    pub fn with_certificate(
        authority: String,
        certificate: ClientCertificate,
        source: String,
    ) -> Result<Self, CommandError> {
        let pair = KeyPair { chain: certificate.chain, key: certificate.key };
        let tls = tls(Trust::Pem(authority), Some(pair), &source)?;
        Ok(Self::File(Security { tls: Some(tls), sasl: None, source }))
    }

    /// The brokers' pods, for clients. An open cluster costs no request, a secure one a round trip.
    pub async fn to_pods(&self, kubernetes: &Kubernetes, cluster: &KafkaCluster) -> Result<Secured, CommandError> {
        let kubernetes = kubernetes.in_namespace(&cluster.namespace);
        let plain: Arc<dyn Dialer> = Arc::new(PortForwardDialer::new(kubernetes.clone(), cluster));
        let security = match self {
            Self::File(security) => security.clone(),
            Self::User(user) => of_user(&kubernetes, cluster, user).await?,
            Self::Automatic if cluster.uses_tls() => automatic(&kubernetes, cluster, &plain).await?,
            Self::Automatic => Security::open(),
        };
        Ok(Secured { principal: security.principal(), dialer: security.around(plain) })
    }

    /// The error of brokers that let nobody in like this, with what is missing where that is known.
    pub(super) fn denied(&self, cluster: &KafkaCluster, principal: Option<&str>, error: DialError) -> CommandError {
        match self {
            // An automatic login has the admin's password whenever its Secret is there.
            Self::Automatic if cluster.uses_tls() && principal == Some(ANONYMOUS) => missing(cluster, ADMIN),
            _ => Error::Dial(error).into(),
        }
    }

    /// Addresses. There is no Secret to look for.
    pub fn to_addresses(&self, dialer: Arc<dyn Dialer>) -> Result<Secured, CommandError> {
        let security = match self {
            Self::File(security) => security.clone(),
            Self::Automatic => Security::open(),
            Self::User(_) => {
                return Err(CommandError::usage("--kafka-user and --bootstrap-server exclude each other")
                    .hinted("name a file with what to connect with by --command-config"));
            }
        };
        Ok(Secured { principal: security.principal(), dialer: security.around(dialer) })
    }

    /// The quorum's own listener, where certificates say who is who.
    pub async fn to_controller(
        &self,
        kubernetes: &Kubernetes,
        cluster: &KafkaCluster,
        listener: PodListener,
    ) -> Result<Arc<dyn Dialer>, CommandError> {
        let dialer = PortForwardDialer::to(kubernetes.clone(), &cluster.namespace, vec![listener]);
        let dialer: Arc<dyn Dialer> = Arc::new(dialer);
        let security = match self {
            Self::File(security) => Security { sasl: None, ..security.clone() },
            Self::Automatic if !cluster.uses_tls() => Security::open(),
            Self::Automatic | Self::User(_) => {
                let user = if let Self::User(user) = self { user } else { ADMIN };
                let kubernetes = kubernetes.in_namespace(&cluster.namespace);
                let source = source(cluster, user);
                match credentials::find(&kubernetes, &cluster.name, user).await? {
                    Lookup::Found(found) => of_certificate(*found, source)?,
                    Lookup::Missing => return Err(no_certificate(cluster, user)),
                    Lookup::Forbidden(reason) => return Err(forbidden(cluster, user, &reason)),
                }
            }
        };
        Ok(security.around(dialer))
    }
}

/// Waits until every broker lets a user in with this password: a password that was just set is on its way to them.
///
/// # Errors
/// Why the last one did not, at the deadline.
pub async fn until_let_in(
    session: &Session,
    credentials: &Credentials,
    deadline: tokio::time::Instant,
) -> Result<(), DialError> {
    /// Metadata reaches the brokers within tens of milliseconds.
    const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(50);
    let Some((kubernetes, cluster)) = &session.place else { return Ok(()) };
    let unusable = |error: CommandError| DialError::new(DialReason::Refusal, error.message);
    let security = of_credentials(credentials.clone(), source(cluster, &credentials.username)).map_err(unusable)?;
    let plain: Arc<dyn Dialer> = Arc::new(PortForwardDialer::new(kubernetes.clone(), cluster));
    let dialer = security.around(plain);
    for broker in session.kafka.brokers() {
        // The session may be one with the listener between brokers.
        let target = Target::Node(broker.node, Endpoint { port: CLIENT_PORT, ..broker.endpoint });
        while let Err(error) = dialer.dial(&target).await {
            if tokio::time::Instant::now() >= deadline {
                return Err(error);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    Ok(())
}

/// The mechanisms by which the cluster of a session lets its clients log in; `None` where that cannot be known.
pub async fn mechanisms(session: &Session) -> Option<Vec<String>> {
    let (kubernetes, cluster) = session.place.as_ref()?;
    let plain: Arc<dyn Dialer> = Arc::new(PortForwardDialer::new(kubernetes.clone(), &to_clients(cluster)));
    let security = if cluster.uses_tls() {
        let ca = credentials::authority(&kubernetes.in_namespace(&cluster.namespace), &cluster.name).await.ok()??;
        anonymous(ca, format!("ConfigMap {}", cluster.name.authority())).ok()?
    } else {
        Security::open()
    };
    security::mechanisms(security.around(plain).as_ref(), &Target::Bootstrap).await
}

/// The cluster at the listener for clients.
fn to_clients(cluster: &KafkaCluster) -> KafkaCluster {
    let mut cluster = cluster.clone();
    for broker in &mut cluster.brokers {
        broker.port = CLIENT_PORT;
    }
    cluster
}

async fn of_user(kubernetes: &Kubernetes, cluster: &KafkaCluster, user: &str) -> Result<Security, CommandError> {
    match credentials::find(kubernetes, &cluster.name, user).await? {
        Lookup::Found(found) => of_credentials(*found, source(cluster, user)),
        Lookup::Forbidden(reason) => Err(forbidden(cluster, user, &reason)),
        Lookup::Missing => {
            let users = credentials::users(kubernetes, &cluster.name).await.unwrap_or_default();
            let error = missing(cluster, user);
            Err(if users.is_empty() { error } else { error.hinted(format!("there is one for: {}", users.join(", "))) })
        }
    }
}

/// The admin where there is one; else whoever trusts the cluster's authority.
async fn automatic(
    kubernetes: &Kubernetes,
    cluster: &KafkaCluster,
    plain: &Arc<dyn Dialer>,
) -> Result<Security, CommandError> {
    let (admin, authority) = tokio::join!(
        credentials::find(kubernetes, &cluster.name, ADMIN),
        credentials::authority(kubernetes, &cluster.name)
    );
    let denied = match admin? {
        Lookup::Found(found) => return of_credentials(*found, source(cluster, ADMIN)),
        Lookup::Missing => None,
        Lookup::Forbidden(reason) => Some(forbidden(cluster, ADMIN, &reason)),
    };
    let name = &cluster.name;
    let anonymous = match authority {
        Ok(Some(ca)) => anonymous(ca, format!("ConfigMap {}", name.authority())),
        Ok(None) => Err(CommandError::failed(format!(
            "cluster \"{name}\" uses TLS, and there is no ConfigMap {} with its authority",
            name.authority()
        ))),
        Err(error) => Err(error.into()),
    };
    let Some(denied) = denied else { return anonymous };
    // The API server does not say whether there is an admin at all; the listener says whether it wants a login.
    let Ok(anonymous) = anonymous else { return Err(denied) };
    let dialer = anonymous.clone().around(Arc::clone(plain));
    if wants_login(dialer.as_ref(), &Target::Bootstrap).await.is_some() { Err(denied) } else { Ok(anonymous) }
}

fn anonymous(ca: String, source: String) -> Result<Security, CommandError> {
    let tls = tls(Trust::Pem(ca), None, &source)?;
    Ok(Security { tls: Some(tls), sasl: None, source })
}

/// What clients connect with.
fn of_credentials(found: Credentials, source: String) -> Result<Security, CommandError> {
    let unusable = |what: &str| CommandError::failed(format!("cannot use {source}: {what}"));
    let (encrypted, logs_in) = match found.protocol.as_str() {
        "PLAINTEXT" => (false, false),
        "SSL" => (true, false),
        "SASL_PLAINTEXT" => (false, true),
        "SASL_SSL" => (true, true),
        other => return Err(unusable(&format!("its security.protocol {other} is unknown"))),
    };
    let sasl = logs_in
        .then(|| {
            let mechanism = Mechanism::from_name(&found.mechanism)
                .ok_or_else(|| unusable(&format!("its sasl.mechanism {} is not supported", found.mechanism)))?;
            Ok::<_, CommandError>(Sasl { mechanism, username: found.username, password: found.password })
        })
        .transpose()?;
    let tls = encrypted.then(|| tls(trust(found.ca), None, &source)).transpose()?;
    Ok(Security { tls, sasl, source })
}

/// What the listeners between brokers and controllers ask for.
fn of_certificate(found: Credentials, source: String) -> Result<Security, CommandError> {
    let pair = found
        .certificate
        .map(|certificate| KeyPair { chain: certificate.chain, key: certificate.key.expose_secret().into() })
        .ok_or_else(|| {
            CommandError::failed(format!("{source} has no client certificate (tls.crt), which controllers ask for"))
        })?;
    let tls = tls(trust(found.ca), Some(pair), &source)?;
    Ok(Security { tls: Some(tls), sasl: None, source })
}

fn trust(ca: Option<String>) -> Trust {
    ca.map_or(Trust::System, Trust::Pem)
}

fn tls(trust: Trust, key_pair: Option<KeyPair>, source: &str) -> Result<Tls, CommandError> {
    let settings = TlsSettings { trust, key_pair, host_check: HostCheck::Required };
    Tls::new(&settings).map_err(|error| CommandError::failed(format!("cannot use {source}: {error}")))
}

fn source(cluster: &KafkaCluster, user: &str) -> String {
    format!("Secret {}", cluster.name.user(user))
}

fn forbidden(cluster: &KafkaCluster, user: &str, reason: &str) -> CommandError {
    let who = if user == ADMIN { "its admin" } else { user };
    CommandError::failed(format!(
        "cluster \"{}\" wants a login, and you may not read the Secret of {who}: {reason}",
        cluster.name
    ))
    .hinted(format!("ask for `get` on secret/{} in namespace {}", cluster.name.user(user), cluster.namespace))
    .hinted("or connect as a user whose Secret you may read with --kafka-user NAME, or by a file with --command-config FILE")
}

fn missing(cluster: &KafkaCluster, user: &str) -> CommandError {
    let (name, namespace, secret) = (&cluster.name, &cluster.namespace, cluster.name.user(user));
    if user == ADMIN {
        return CommandError::failed(format!(
            "cluster \"{name}\" wants a login, and Secret \"{secret}\" of its admin is gone from namespace \"{namespace}\""
        ))
        .hinted(format!("make it anew, with another password, with `kubectl kafka install {name} -n {namespace}`"))
        .hinted("or connect as a user whose Secret is there with --kafka-user NAME, or by a file with --command-config FILE");
    }
    CommandError::failed(format!("there is no Secret {secret} in namespace \"{namespace}\""))
        .hinted(format!("make the user and its Secret with `kubectl kafka users create {user}`"))
}

fn no_certificate(cluster: &KafkaCluster, user: &str) -> CommandError {
    let secret = cluster.name.user(user);
    CommandError::failed(format!(
        "controllers ask for a client certificate, and there is no Secret {secret} with one in namespace \"{}\"",
        cluster.namespace
    ))
}

fn with_hint(error: CommandError, hint: Option<String>) -> CommandError {
    match hint {
        Some(hint) => error.hinted(hint),
        None => error,
    }
}
