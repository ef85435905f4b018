use secrecy::ExposeSecret;

use super::*;

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/src/kafka/security/stores/samples/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect(name)
}

fn open(name: &str, store: Option<&str>, key: Option<&str>) -> Result<Contents, StoreError> {
    Store::of(sample(name)).open(&Passwords { store, key }).expect("a store")
}

#[test]
fn by_the_first_bytes() {
    let der = rcgen::generate_simple_self_signed(vec!["a".to_owned()]).expect("a certificate").cert;
    let (jks, p12) = (sample("trust.jks"), sample("trust.p12"));
    for (bytes, expected) in [
        (jks.clone(), Store::Jks(jks)),
        (p12.clone(), Store::Pkcs12(p12)),
        (vec![0xCE, 0xCE, 0xCE, 0xCE, 0, 0, 0, 2], Store::Jceks),
        (der.der().to_vec(), Store::Certificate),
        (der.pem().into_bytes(), Store::Pem(der.pem())),
        (Vec::new(), Store::Empty),
        (b"0 is no sequence".to_vec(), Store::Other),
        (vec![0x30], Store::Other),
        (vec![0xFF, 0x00], Store::Other),
    ] {
        assert_eq!(Store::of(bytes), expected);
    }
}

#[test]
fn the_key_is_the_one_that_went_in() {
    let text = String::from_utf8(sample("key.pem")).expect("PEM");
    let expected = super::super::pem::private_key(&text).expect("a key");
    for name in ["client.p12", "openssl.p12", "legacy.p12"] {
        let key = open(name, Some("changeit"), Some("changeit")).expect(name).key.expect("a key");
        assert_eq!(key.pkcs8.expose_secret(), expected.secret_der(), "{name}");
        assert_eq!(key.chain.len(), 1, "{name}");
    }
    let key = open("other.jks", Some("changeit"), Some("keykey")).expect("a store").key.expect("a key");
    assert_eq!(key.alias, "client");
    let (certificate, key) = (key.chain[0].as_slice().into(), key.pkcs8.expose_secret().to_vec());
    let key = super::super::elliptic::completed(rustls::pki_types::PrivatePkcs8KeyDer::from(key).into(), &certificate);
    rustls::crypto::ring::sign::any_ecdsa_type(&key).expect("a key that signs");
}

#[test]
fn what_is_trusted_is_what_went_in() {
    let text = String::from_utf8(sample("ca.pem")).expect("PEM");
    let expected = super::super::pem::certificates(&text).expect("a certificate");
    for name in ["trust.jks", "trust.p12", "unmarked.p12"] {
        assert_eq!(open(name, Some("changeit"), None).expect(name).trusted, [expected[0].to_vec()], "{name}");
    }
    assert!(open("client.jks", Some("changeit"), None).expect("a store").trusted.is_empty());
}

#[test]
fn whatever_is_cut_off_or_changed_is_refused_and_never_a_panic() {
    for name in ["client.jks", "trust.jks", "client.p12", "trust.p12", "legacy.p12"] {
        let whole = sample(name);
        for length in 4..whole.len() {
            let mut cut = whole.clone();
            cut.truncate(length);
            let store = if name.ends_with("jks") { Store::Jks(cut) } else { Store::Pkcs12(cut) };
            let passwords = Passwords { store: Some("changeit"), key: Some("changeit") };
            assert!(store.open(&passwords).expect("a store").is_err(), "{name} cut off at {length}");
        }
        // Without a password nothing but the structure is checked.
        for at in 4..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xFF;
            let _ = Store::Jks(changed).open(&Passwords { store: None, key: Some("x") });
        }
    }
}

#[test]
fn a_wrong_password_is_noticed() {
    for name in ["client.jks", "client.p12", "openssl.p12", "legacy.p12"] {
        assert_eq!(open(name, Some("x"), Some("changeit")).err(), Some(StoreError::Password), "{name}");
    }
    assert_eq!(open("other.jks", Some("changeit"), Some("changeit")).err(), Some(StoreError::KeyPassword));
}

#[test]
fn each_other_file_has_its_own_command() {
    let command = |store: Store, keys| store.other("a", "b", keys).1;
    assert!(command(Store::Jceks, true).is_some_and(|jceks| jceks.contains("-srckeystore a -srcstoretype JCEKS")));
    assert_eq!(command(Store::Certificate, false).as_deref(), Some("openssl x509 -inform der -in a -out b"));
    assert_eq!((command(Store::Certificate, true), command(Store::Other, false)), (None, None));
}
