//! The certificates of a Kafka cluster: an authority of its own, and one certificate per pod. Pure: bytes
//! in, bytes out; nothing here talks to a cluster.
//!
//! Keys are ECDSA P-256 in PKCS#8, the only encoding of an unencrypted key that Kafka's PEM stores read.

mod reading;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber,
};
use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};

pub use reading::CertificateInfo;

/// A day in seconds, the unit in which people count a certificate's rest.
pub const DAY: i64 = 86_400;
/// A certificate with less than this many days is worth a word: a month is time enough for a renewal.
pub const SOON_DAYS: i64 = 30;

/// How long an authority of ours lives. Its renewal means new trust for every client, so it is rare.
const AUTHORITY_DAYS: i64 = 3650;
/// Clocks of pods and laptops differ.
const CLOCK_SKEW: Duration = Duration::hours(1);

/// A certificate authority.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Its certificate, PEM.
    pub certificate: String,
    /// Its key, PKCS#8 PEM.
    pub key: SecretString,
}

/// A certificate with its key, both PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate alone.
    pub certificate: String,
    /// PKCS#8.
    pub key: SecretString,
}

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The common name; Kafka's principal is `User:<common name>`.
    pub common_name: String,
    /// DNS names and IP addresses that clients may check.
    pub names: Vec<String>,
    /// Days that it is valid.
    pub days: u32,
}

impl Authority {
    /// A new one.
    pub fn generate(cluster: &str) -> Result<Self, String> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("{cluster} Kafka CA"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid_for(&mut params, AUTHORITY_DAYS);
        let key = KeyPair::generate().map_err(words)?;
        let certificate = params.self_signed(&key).map_err(words)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem().into() })
    }

    /// From its parts: it must be an authority, and its key must fit. Whether it may sign now is another question,
    /// see [`Self::signs_now`]: one that has expired is still to be shown.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, String> {
        let info = CertificateInfo::from_pem(certificate)?;
        if !info.is_authority {
            return Err("its certificate is not one of an authority (CA:TRUE)".to_owned());
        }
        if !info.signs_certificates {
            return Err("its certificate may not sign others: its key usage has no keyCertSign".to_owned());
        }
        let pair = KeyPair::from_pem(key)
            .map_err(|error| format!("its key is not read: {error}; it must be PKCS#8 without a password"))?;
        if !info.fits(&rcgen::PublicKeyData::subject_public_key_info(&pair)) {
            return Err("its key does not belong to its certificate".to_owned());
        }
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned().into() })
    }

    /// Refuses to sign outside of its time: nobody would accept what it signs.
    ///
    /// # Errors
    /// From when on, or since when.
    pub fn signs_now(&self) -> Result<(), String> {
        let info = CertificateInfo::from_pem(&self.certificate)?;
        if info.not_before > Timestamp::now() {
            return Err(format!("its certificate is not valid before {}", info.not_before));
        }
        if info.seconds_left() <= 0 {
            return Err(format!("its certificate expired on {}", info.not_after));
        }
        Ok(())
    }

    /// A certificate for servers and clients alike: pods are both to each other. It ends with its authority at the
    /// latest.
    pub fn issue(&self, subject: &Subject) -> Result<Issued, String> {
        let authority_key = KeyPair::from_pem(self.key.expose_secret()).map_err(words)?;
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, authority_key).map_err(words)?;
        let mut params = CertificateParams::new(subject.names.clone()).map_err(words)?;
        params.distinguished_name.push(DnType::CommonName, subject.common_name.clone());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        valid_for(&mut params, subject.days.into());
        let end = CertificateInfo::from_pem(&self.certificate)?.not_after.as_second();
        params.not_after =
            params.not_after.min(OffsetDateTime::from_unix_timestamp(end).map_err(|error| error.to_string())?);
        let key = KeyPair::generate().map_err(words)?;
        let certificate = params.signed_by(&key, &issuer).map_err(words)?;
        Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem().into() })
    }
}

impl Issued {
    /// One file for Kafka's PEM keystore: key, certificate, authority.
    pub fn keystore(&self, authority: &Authority) -> String {
        format!("{}{}{}", self.key.expose_secret(), self.certificate, authority.certificate)
    }
}

fn valid_for(params: &mut CertificateParams, days: i64) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + Duration::days(days);
    params.serial_number = Some(SerialNumber::from_slice(&serial()));
}

/// 16 random bytes, positive as RFC 5280 wants it.
fn serial() -> [u8; 16] {
    let mut bytes = *uuid::Uuid::new_v4().as_bytes();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    bytes
}

#[allow(clippy::needless_pass_by_value)] // the shape that map_err wants
fn words(error: rcgen::Error) -> String {
    error.to_string()
}

#[cfg(test)]
pub(crate) mod testing {
    //! Authorities whose time is over.

    use super::*;

    /// The same authority, with its name and key, as it will be when its time is over.
    pub(crate) fn expired(authority: &Authority) -> Authority {
        let key = KeyPair::from_pem(authority.key.expose_secret()).expect("a key");
        let name = CertificateInfo::from_pem(&authority.certificate).expect("a certificate").common_name;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid_for(&mut params, -1);
        params.not_before = params.not_after - Duration::days(1);
        Authority { certificate: params.self_signed(&key).expect("a certificate").pem(), key: authority.key.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(names: &[&str]) -> Subject {
        Subject {
            common_name: "demo-broker".into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            days: 30,
        }
    }

    #[test]
    fn an_issued_certificate_carries_its_names_and_comes_from_the_authority() {
        let authority = Authority::generate("demo").expect("an authority");
        let issued = authority.issue(&subject(&["demo-broker-0.demo-brokers.kafka.svc", "10.0.0.7"])).expect("one");
        let info = CertificateInfo::from_pem(&issued.certificate).expect("a certificate");
        assert_eq!(info.common_name, "demo-broker");
        assert_eq!(info.issuer, "demo Kafka CA");
        assert_eq!(info.names, ["demo-broker-0.demo-brokers.kafka.svc", "10.0.0.7"]);
        assert_eq!((info.seconds_left() + 60) / DAY, 30);
        assert!(!info.is_authority);
        let again = authority.issue(&subject(&[])).expect("one");
        assert_ne!(CertificateInfo::from_pem(&again.certificate).expect("a certificate").serial, info.serial);
        let keystore = issued.keystore(&authority);
        assert!(keystore.starts_with("-----BEGIN PRIVATE KEY-----"), "{keystore}");
        assert_eq!(keystore.matches("BEGIN CERTIFICATE").count(), 2);
    }

    #[test]
    fn a_given_authority_is_checked() {
        let authority = Authority::generate("demo").expect("an authority");
        let key = authority.key.expose_secret();
        assert!(Authority::from_pem(&authority.certificate, key).is_ok());
        let other = Authority::generate("demo").expect("an authority");
        let mistake = |certificate: &str, key: &str| Authority::from_pem(certificate, key).expect_err("a mistake");
        assert!(mistake(&authority.certificate, other.key.expose_secret()).contains("does not belong"));
        assert!(mistake("hello", key).contains("no PEM certificate"));
        assert!(mistake(&authority.certificate, "hello").contains("PKCS#8"));
        let issued = authority.issue(&subject(&[])).expect("one");
        assert!(mistake(&issued.certificate, issued.key.expose_secret()).contains("not one of an authority"));
    }

    /// An authority of somebody else's making.
    fn made(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
    }

    #[test]
    fn who_may_not_sign_or_not_now_is_no_authority() {
        let now = OffsetDateTime::now_utc();
        let judge = |change: fn(&mut CertificateParams, OffsetDateTime)| {
            let (certificate, key) = made(|params| change(params, now));
            Authority::from_pem(&certificate, &key)
                .and_then(|authority| authority.signs_now())
                .err()
                .unwrap_or_default()
        };
        assert_eq!(judge(|_, _| {}), "");
        assert_eq!(judge(|params, _| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]), "");
        for (change, reason) in [
            ((|params, _| params.is_ca = IsCa::NoCa) as fn(&mut CertificateParams, OffsetDateTime), "CA:TRUE"),
            (|params, _| params.is_ca = IsCa::ExplicitNoCa, "CA:TRUE"),
            (|params, _| params.key_usages = vec![KeyUsagePurpose::DigitalSignature], "keyCertSign"),
            (|params, now| params.not_before = now + Duration::days(1), "not valid before 20"),
            (|params, now| params.not_after = now - Duration::days(1), "expired on 20"),
        ] {
            let told = judge(change);
            assert!(told.contains(reason), "{reason}: {told}");
        }
    }

    #[test]
    fn no_certificate_outlives_its_authority() {
        let (certificate, key) = made(|params| params.not_after = OffsetDateTime::now_utc() + Duration::days(7));
        let authority = Authority::from_pem(&certificate, &key).expect("an authority");
        let issued = authority.issue(&subject(&["a"])).expect("one");
        let end = |pem: &str| CertificateInfo::from_pem(pem).expect("a certificate").not_after;
        assert_eq!(end(&issued.certificate), end(&certificate));
    }

    #[test]
    fn a_signature_tells_authorities_of_the_same_name_apart() {
        let [ours, other] = ["demo", "demo"].map(|name| Authority::generate(name).expect("an authority"));
        let third = Authority::generate("third").expect("an authority");
        let issued = ours.issue(&subject(&["a"])).expect("one");
        let info = CertificateInfo::from_pem(&issued.keystore(&ours)).expect("a certificate");
        assert!(info.is_signed_by(&ours.certificate));
        assert!(!info.is_signed_by(&other.certificate) && !info.is_signed_by(&third.certificate));
        let client = ours.issue(&subject(&[])).expect("one");
        assert!(CertificateInfo::from_pem(&client.certificate).expect("a certificate").is_signed_by(&ours.certificate));
    }

    #[test]
    fn keys_are_not_shown() {
        let authority = Authority::generate("demo").expect("an authority");
        assert!(!format!("{authority:?}").contains("PRIVATE"));
    }
}
