//! Whether the server is reached, and what the connection is worth.

use mare::live::sqlserver::{SqlServerSettings, SqlServerTls};
use mare::source::changelog::form::Form;
use mare::source::changelog::sqlserver::check::Check;
use mare::source::changelog::sqlserver::install::Way;
use mare::source::finding::{Finding, Severity};

use crate::check::now;
use crate::live::{self, Live};
use crate::tds::{Certificates, Encryption, Failure, Options, Server};

async fn server(encryption: Encryption, refuses_tls: bool) -> Server {
    let certificates = Some(Certificates::for_host("localhost"));
    let options = Options { encryption, certificates, refuses_tls, ..Options::default() };
    live::start(Live::installed(), options).await
}

async fn check(settings: &SqlServerSettings) -> Vec<Finding> {
    let (wanted, mapping) = (live::wanted(Way::Triggers(Form::Row)), live::mapping());
    Check { settings, wanted: &wanted, mapping: &mapping, compare: None, now }.run().await
}

/// What is said of encryption by a server, with a setting: severity, words of message and remedy.
async fn says(server: &Server, tls: SqlServerTls, expected: (Severity, &str, &str)) {
    let mut settings = live::settings(server);
    settings.tls = tls;
    let findings = check(&settings).await;
    let finding = findings.iter().find(|finding| finding.subject == "encryption").unwrap();
    let remedy = finding.remedy.as_deref().unwrap_or_default();
    let (severity, message, wanted) = expected;
    assert!(
        finding.severity == severity && finding.message.contains(message) && remedy.contains(wanted),
        "{tls}: {finding:#?}"
    );
    let goes_on = findings.iter().any(|finding| finding.subject == "mapping");
    assert_eq!(goes_on, severity < Severity::Error, "{findings:#?}");
}

#[tokio::test]
async fn encryption_is_judged_and_the_level_that_works_is_named() {
    use Severity::{Error, Ok, Warning};
    let forcing = server(Encryption::Required, false).await;
    says(&forcing, SqlServerTls::Require, (Ok, "everything is encrypted; that it is the right server", ""))
        .await;
    says(
        &forcing,
        SqlServerTls::Disable,
        (Error, "takes encrypted connections only", "set tls = \"require\""),
    )
    .await;
    says(&forcing, SqlServerTls::VerifyFull, (Error, "not trusted", "set tls = \"require\", which works"))
        .await;

    let optional = server(Encryption::Optional, false).await;
    says(&optional, SqlServerTls::Login, (Warning, "only the login is encrypted", "set tls = \"require\""))
        .await;

    let plain = server(Encryption::NotSupported, false).await;
    says(
        &plain,
        SqlServerTls::Disable,
        (Warning, "NOTHING IS ENCRYPTED", "require: the server cannot encrypt"),
    )
    .await;
    says(&plain, SqlServerTls::Require, (Error, "cannot encrypt", "\"disable\" was not tried")).await;
    for statement in plain.statements() {
        assert!(!statement.sql.contains("tide"));
    }

    let old = server(Encryption::Required, true).await;
    says(&old, SqlServerTls::Require, (Error, "TLS with the server failed", "no level of encryption works"))
        .await;
}

#[tokio::test]
async fn a_certificate_that_is_checked_is_praised() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::for_host("localhost");
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &certificates.authority).unwrap();
    let options =
        Options { encryption: Encryption::Required, certificates: Some(certificates), ..Options::default() };
    let server = live::start(Live::installed(), options).await;
    let mut settings = live::settings(&server);
    settings.ca_file = Some(path);
    for (tls, text) in [
        (SqlServerTls::Require, "the certificate is checked"),
        (SqlServerTls::VerifyFull, "host name are checked"),
    ] {
        settings.tls = tls;
        let findings = check(&settings).await;
        let praised = findings.iter().any(|finding| {
            finding.subject == "encryption"
                && finding.severity == Severity::Ok
                && finding.message.contains(text)
        });
        assert!(praised, "{findings:#?}");
    }
}

type Change = fn(&mut SqlServerSettings);

#[tokio::test]
async fn why_there_is_no_connection_is_said_with_what_to_do() {
    let server = live::start(Live::installed(), Options::default()).await;
    let cases: &[(Change, &str, &str)] = &[
        (
            |settings| settings.password = Some("low tide".into()),
            "refused the login of user 'mare'",
            "mare install",
        ),
        (|settings| settings.password = None, "no password is configured", "MARE_DB_PASSWORD"),
        (
            |settings| settings.database = "nowhere".to_owned(),
            "cannot use database 'nowhere'",
            "ALTER USER [mare] WITH LOGIN",
        ),
        (|settings| settings.port = Some(1), "cannot reach SQL Server", "correct [[source]]"),
    ];
    for (change, message, remedy) in cases {
        let mut settings = live::settings(&server);
        change(&mut settings);
        let findings = check(&settings).await;
        let [finding] = findings.as_slice() else { panic!("{findings:#?}") };
        let said = finding.remedy.as_deref().unwrap();
        assert!(
            finding.severity == Severity::Error && finding.message.contains(message) && said.contains(remedy),
            "{finding:#?}"
        );
    }
    server.refuse_logins(Some(Failure::new(18401, 14, "Server is in script upgrade mode.")));
    let findings = check(&live::settings(&server)).await;
    assert!(findings[0].message.contains("starting, stopping or failing over"), "{findings:#?}");
}
