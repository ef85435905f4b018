//! Who a cluster is: its id, the directory id of each voter, and whether its quorum exists already. Kept
//! in a Secret, longer than the pods.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

/// Key of the cluster's id in the Secret.
pub(super) const KEY_CLUSTER_ID: &str = "cluster-id";
/// Key of the [`Mode`] in the Secret.
pub const KEY_MODE: &str = "mode";

/// The key of a voter's directory id in the Secret.
pub(super) fn directory_key(ordinal: u32) -> String {
    format!("dir-{ordinal}")
}

/// How a controller with an empty disk behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The quorum does not exist yet: it is one of its first voters.
    Bootstrap,
    /// The quorum exists: it follows, and someone must add it. Otherwise a lost disk would silently be
    /// the same voter without its votes (KIP-853).
    Join,
}

impl Mode {
    /// The value in the Secret.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Join => "join",
        }
    }
}

/// What the Secret holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The cluster's id.
    pub cluster_id: String,
    /// The directory id of each voter, by ordinal.
    pub directories: Vec<String>,
    /// Whether the quorum exists.
    pub mode: Mode,
}

impl Identity {
    /// A new cluster's.
    pub fn generate(voters: u32) -> Self {
        Self { cluster_id: random_id(), directories: directories(voters), mode: Mode::Bootstrap }
    }

    /// The same cluster with a new quorum, for when every disk of the old one is gone.
    #[must_use]
    pub fn with_fresh_quorum(&self, voters: u32) -> Self {
        Self { cluster_id: self.cluster_id.clone(), directories: directories(voters), mode: Mode::Bootstrap }
    }

    /// From a Secret.
    ///
    /// # Errors
    /// The key that is missing or wrong.
    pub fn from_secret(secret: &Secret) -> Result<Self, String> {
        let data = secret.data.clone().unwrap_or_default();
        let value = |key: &str| -> Result<String, String> {
            let bytes = data.get(key).ok_or_else(|| format!("it has no key {key}"))?;
            String::from_utf8(bytes.0.clone()).map_err(|_| format!("its key {key} is no text"))
        };
        let mode = match value(KEY_MODE)?.as_str() {
            "bootstrap" => Mode::Bootstrap,
            "join" => Mode::Join,
            other => return Err(format!("its key {KEY_MODE} is \"{other}\", not bootstrap or join")),
        };
        let directories = (0..).map(directory_key).map_while(|key| value(&key).ok()).collect();
        Ok(Self { cluster_id: value(KEY_CLUSTER_ID)?, directories, mode })
    }

    /// The Secret's data.
    pub fn data(&self) -> BTreeMap<String, ByteString> {
        let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
        let mut data = BTreeMap::from([
            (KEY_CLUSTER_ID.to_owned(), bytes(&self.cluster_id)),
            (KEY_MODE.to_owned(), bytes(self.mode.as_str())),
        ]);
        for (ordinal, directory) in (0..).zip(&self.directories) {
            data.insert(directory_key(ordinal), bytes(directory));
        }
        data
    }
}

fn directories(voters: u32) -> Vec<String> {
    (0..voters).map(|_| random_id()).collect()
}

/// Kafka's `Uuid.randomUuid`: 16 random bytes in base64url without padding. A leading `-` would read as an
/// option on a command line.
fn random_id() -> String {
    loop {
        let id = URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes());
        if !id.starts_with('-') {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kafkas() {
        for _ in 0..200 {
            let id = random_id();
            assert_eq!(id.len(), 22);
            assert!(!id.starts_with('-'));
            assert_eq!(URL_SAFE_NO_PAD.decode(&id).map(|bytes| bytes.len()), Ok(16));
        }
    }

    #[test]
    fn comes_back_from_its_secret() {
        let identity = Identity { mode: Mode::Join, ..Identity::generate(3) };
        let secret = Secret { data: Some(identity.data()), ..Secret::default() };
        assert_eq!(Identity::from_secret(&secret), Ok(identity));
    }

    #[test]
    fn a_fresh_quorum_keeps_the_clusters_id_and_no_directory() {
        let old = Identity { mode: Mode::Join, ..Identity::generate(3) };
        let fresh = old.with_fresh_quorum(3);
        assert_eq!((&fresh.cluster_id, fresh.mode), (&old.cluster_id, Mode::Bootstrap));
        assert!(fresh.directories.iter().all(|directory| !old.directories.contains(directory)));
    }

    #[test]
    fn a_broken_secret_names_its_key() {
        assert_eq!(Identity::from_secret(&Secret::default()), Err("it has no key mode".into()));
        let mut data = Identity::generate(1).data();
        data.insert(KEY_MODE.into(), ByteString(b"later".to_vec()));
        let error = Identity::from_secret(&Secret { data: Some(data), ..Secret::default() });
        assert!(error.is_err_and(|error| error.contains("\"later\"")));
    }
}
