//! Keys of elliptic curves as Java writes them: without the public half, which is optional (RFC 5915) and which ring
//! wants. The certificate has it.

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{Decode, Encode};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sec1::EcPrivateKey;
use x509_parser::parse_x509_certificate;

/// id-ecPublicKey, RFC 5480.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The key with the public half of its certificate, if that is what it lacks.
pub(super) fn completed(key: PrivateKeyDer<'static>, certificate: &CertificateDer<'_>) -> PrivateKeyDer<'static> {
    let whole = match &key {
        PrivateKeyDer::Pkcs8(pkcs8) => with_public_half(pkcs8.secret_pkcs8_der(), certificate),
        _ => None,
    };
    whole.map_or(key, |whole| PrivatePkcs8KeyDer::from(whole).into())
}

fn with_public_half(pkcs8: &[u8], certificate: &[u8]) -> Option<Vec<u8>> {
    let info = PrivateKeyInfoRef::try_from(pkcs8).ok().filter(|info| info.algorithm.oid == EC)?;
    let private = EcPrivateKey::from_der(info.private_key.as_bytes()).ok()?;
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let public_key = &certificate.public_key().subject_public_key.data;
    if private.public_key.is_some() {
        return None;
    }
    let whole = EcPrivateKey { public_key: Some(public_key), ..private }.to_der().ok()?;
    PrivateKeyInfoRef::new(info.algorithm, OctetStringRef::new(&whole).ok()?).to_der().ok()
}
