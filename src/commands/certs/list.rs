//! `kubectl kafka certs list`: each certificate, as it is kept and as it is served.

use clap::Args;
use futures::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use super::place::Place;
use crate::cli::OutputArgs;
use crate::commands::{Context, Run};
use crate::connect;
use crate::error::{CommandResult, Exit};
use crate::k8s::certificates::{CertificateInfo, DAY, SOON_DAYS};
use crate::k8s::manifests::security::keystore_file;
use crate::k8s::names::ADMIN;
use crate::ui::{TextOptions, View};
use crate::view::Table;

/// What was typed.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// The Kafka cluster; the same as --kafka
    #[arg(value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Run for ListArgs {
    async fn run(self, context: Context) -> CommandResult {
        let place = Place::of(&context, self.name.as_deref()).await?;
        let certificates = Certificates { items: rows(&place).await };
        context.ui.show(&self.output, &certificates)?;
        Ok(Exit::Done)
    }
}

/// All certificates of a cluster.
#[derive(Debug, Serialize)]
struct Certificates {
    items: Vec<Row>,
}

/// One certificate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// The pod, `authority` or `user admin`.
    owner: String,
    /// Where it is served; `None`: it is only kept.
    listener: Option<String>,
    standing: Standing,
    /// Why it could not be seen.
    error: Option<String>,
    issuer: Option<String>,
    serial: Option<String>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    names: Vec<String>,
}

/// How it stands with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Standing {
    Valid,
    ExpiresSoon,
    Expired,
    /// A newer one is kept, and the pod still shows this one.
    Outdated,
    /// It does not come from the authority that is kept.
    OtherAuthority,
    Unknown,
}

async fn rows(place: &Place) -> Vec<Row> {
    let mut rows = Vec::new();
    let authority = place.kept.authority().map(|authority| authority.certificate.as_str());
    let shown =
        authority.map_or_else(|| Err(format!("Secret {} is gone", place.name.authority())), CertificateInfo::from_pem);
    rows.push(row("authority".to_owned(), None, shown, Compared::default()));
    if let Some(chain) = place.kept.admin().and_then(|admin| admin.certificate.as_ref()).map(|own| &own.chain) {
        let compared = Compared { authority, ..Compared::default() };
        rows.push(row(format!("user {ADMIN}"), None, CertificateInfo::from_pem(chain), compared));
    }
    let asked = place.pods.iter().flat_map(|pod| place.listeners(pod).into_iter().map(move |listener| (pod, listener)));
    let served = asked.map(|(pod, listener)| async move {
        let shown = connect::served(&place.kubernetes, listener.of(pod)).await;
        let keystore = place.kept.keystore(pod.role, &keystore_file(&pod.name));
        let kept = keystore.and_then(|keystore| CertificateInfo::from_pem(keystore).ok());
        let serial = kept.map(|kept| kept.serial);
        row(pod.name.clone(), Some(listener.name), shown, Compared { authority, serial: serial.as_deref() })
    });
    rows.extend(join_all(served).await);
    rows
}

/// What is kept.
#[derive(Debug, Clone, Copy, Default)]
struct Compared<'a> {
    /// The authority, PEM.
    authority: Option<&'a str>,
    /// The number of the certificate that should be shown.
    serial: Option<&'a str>,
}

fn row(owner: String, listener: Option<String>, shown: Result<CertificateInfo, String>, kept: Compared<'_>) -> Row {
    let standing = shown.as_ref().map_or(Standing::Unknown, |info| standing(info, kept));
    let (info, error) = match shown {
        Ok(info) => (Some(info), None),
        Err(error) => (None, Some(error)),
    };
    Row {
        owner,
        listener,
        standing,
        error,
        issuer: info.as_ref().map(|info| info.issuer.clone()),
        serial: info.as_ref().map(|info| info.serial.clone()),
        not_before: info.as_ref().map(|info| info.not_before),
        not_after: info.as_ref().map(|info| info.not_after),
        names: info.map(|info| info.names).unwrap_or_default(),
    }
}

fn standing(info: &CertificateInfo, kept: Compared<'_>) -> Standing {
    match info.seconds_left() {
        left if left <= 0 => Standing::Expired,
        _ if kept.authority.is_some_and(|authority| !info.is_signed_by(authority)) => Standing::OtherAuthority,
        _ if kept.serial.is_some_and(|kept| kept != info.serial) => Standing::Outdated,
        left if left < SOON_DAYS * DAY => Standing::ExpiresSoon,
        _ => Standing::Valid,
    }
}

impl View for Certificates {
    fn text(&self, options: TextOptions) -> String {
        let narrow = ["OWNER", "LISTENER", "SERIAL", "EXPIRES", "DAYS", "STATE"];
        let wide = ["ISSUER", "NAMES"];
        let headers = narrow.into_iter().chain(wide.into_iter().filter(|_| options.wide));
        let mut table = Table::new(headers, options.no_headers);
        for row in &self.items {
            table.row(row.cells(options.wide));
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(Row::name).collect()
    }
}

impl Row {
    /// `certificate/demo-broker-0:CLIENT`: a pod serves one on every listener.
    fn name(&self) -> String {
        let listener = self.listener.as_ref().map(|listener| format!(":{listener}")).unwrap_or_default();
        format!("certificate/{}{listener}", self.owner.replace(' ', ":"))
    }

    fn cells(&self, wide: bool) -> Vec<String> {
        let unknown = || "<unknown>".to_owned();
        let days = |end: Timestamp| ((end.as_second() - Timestamp::now().as_second()).div_euclid(DAY)).to_string();
        let mut cells = vec![
            self.owner.clone(),
            self.listener.clone().unwrap_or_else(|| "<none>".to_owned()),
            // Enough to tell one from another; the whole number is in -o json.
            self.serial.as_ref().map_or_else(unknown, |serial| serial.chars().take(12).collect()),
            self.not_after.map_or_else(unknown, |end| end.strftime("%Y-%m-%d").to_string()),
            self.not_after.map_or_else(unknown, days),
            self.words(),
        ];
        if wide {
            cells.push(self.issuer.clone().unwrap_or_else(unknown));
            cells.push(if self.names.is_empty() { "<none>".to_owned() } else { self.names.join(",") });
        }
        cells
    }

    fn words(&self) -> String {
        match self.standing {
            Standing::Valid => "valid".to_owned(),
            Standing::ExpiresSoon => "expires soon".to_owned(),
            Standing::Expired => "expired".to_owned(),
            Standing::Outdated => "a newer one is kept".to_owned(),
            Standing::OtherAuthority => "of another authority".to_owned(),
            Standing::Unknown => self.error.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::certificates::testing::expired;
    use crate::k8s::certificates::{Authority, Subject};

    fn info(authority: &Authority, days: u32) -> CertificateInfo {
        let subject = Subject { common_name: "demo-broker".into(), names: vec!["a".into()], days };
        CertificateInfo::from_pem(&authority.issue(&subject).expect("one").certificate).expect("a certificate")
    }

    #[test]
    fn what_ends_soon_and_what_is_not_as_it_is_kept_is_told() {
        let [ours, other] = ["demo", "demo"].map(|name| Authority::generate(name).expect("an authority"));
        let authority = Some(ours.certificate.as_str());
        let current = info(&ours, 365);
        assert_eq!(standing(&current, Compared::default()), Standing::Valid);
        assert_eq!(standing(&info(&ours, 29), Compared { authority, serial: None }), Standing::ExpiresSoon);
        assert_eq!(standing(&current, Compared { authority, serial: Some("another") }), Standing::Outdated);
        assert_eq!(standing(&current, Compared { authority, serial: Some(&current.serial) }), Standing::Valid);
        assert_eq!(standing(&info(&other, 365), Compared { authority, serial: None }), Standing::OtherAuthority);
    }

    #[test]
    fn an_authority_that_has_expired_is_a_row_like_any_other() {
        let authority = expired(&Authority::generate("demo").expect("an authority"));
        let shown = CertificateInfo::from_pem(&authority.certificate);
        let row = row("authority".into(), None, shown, Compared::default());
        assert_eq!((row.standing, row.words().as_str()), (Standing::Expired, "expired"));
        assert_eq!(row.cells(false)[4], "-1");
        // What it has signed ends with it, and is no stranger's.
        let pod = info(&authority, 365);
        assert_eq!(
            standing(&pod, Compared { authority: Some(&authority.certificate), serial: None }),
            Standing::Expired
        );
        assert!(pod.is_signed_by(&authority.certificate));
    }

    #[test]
    fn every_certificate_has_a_name_of_its_own() {
        let one = |owner: &str, listener: Option<&str>| {
            row(owner.into(), listener.map(str::to_owned), Err("no handshake".into()), Compared::default())
        };
        let items = vec![
            one("authority", None),
            one("user admin", None),
            one("demo-broker-0", Some("CLIENT")),
            one("demo-broker-0", Some("INTERNAL")),
        ];
        assert_eq!(
            Certificates { items }.names(),
            [
                "certificate/authority",
                "certificate/user:admin",
                "certificate/demo-broker-0:CLIENT",
                "certificate/demo-broker-0:INTERNAL"
            ]
        );
    }

    #[test]
    fn a_listener_that_does_not_answer_has_its_own_row() {
        let down = row("demo-broker-0".into(), Some("CLIENT".into()), Err("no handshake".into()), Compared::default());
        let text = Certificates { items: vec![down] }.text(TextOptions::default());
        assert_eq!(
            text,
            "OWNER           LISTENER   SERIAL      EXPIRES     DAYS        STATE\n\
             demo-broker-0   CLIENT     <unknown>   <unknown>   <unknown>   no handshake\n"
        );
    }
}
