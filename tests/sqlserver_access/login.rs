//! Logins: TLS levels, certificates, passwords, what answers.

use super::*;

#[tokio::test]
async fn in_clear_where_the_server_has_no_tls() {
    let server = server(Options::default()).await;
    assert!(!is_encrypted(settings(&server)).await);
    let mut wanting = settings(&server);
    for tls in [SqlServerTls::Login, SqlServerTls::Require] {
        wanting.tls = tls;
        let error = connect_error(wanting.clone()).await;
        assert!(matches!(error, ConnectError::EncryptionNotOffered), "{error}");
    }
}

#[tokio::test]
async fn tls_protects_the_login_alone_or_everything() {
    let certificates = Certificates::for_host("localhost");
    let server = server(encrypting(Encryption::Optional, &certificates)).await;
    let mut settings = settings(&server);
    settings.tls = SqlServerTls::Login;
    assert!(!is_encrypted(settings.clone()).await);
    settings.tls = SqlServerTls::Require;
    assert!(is_encrypted(settings).await);
}

#[tokio::test]
async fn a_server_that_forces_encryption_gets_it() {
    let certificates = Certificates::for_host("localhost");
    let server = server(encrypting(Encryption::Required, &certificates)).await;
    let mut settings = settings(&server);
    let error = connect_error(settings.clone()).await;
    assert!(matches!(error, ConnectError::EncryptionRequired), "{error}");
    settings.tls = SqlServerTls::Login;
    assert!(is_encrypted(settings.clone()).await);
    settings.tls = SqlServerTls::Require;
    assert!(is_encrypted(settings).await);
}

#[tokio::test]
async fn authority_and_host_name_are_checked() {
    let folder = TempDir::new().unwrap();
    let certificates = Certificates::for_host("localhost");
    let server = server(encrypting(Encryption::Required, &certificates)).await;
    let mut settings = settings(&server);
    settings.tls = SqlServerTls::VerifyFull;
    settings.ca_file = Some(file(&folder, &certificates.authority));
    assert!(is_encrypted(settings.clone()).await);

    settings.hostname_in_certificate = Some("db.shop.example".to_owned());
    let error = connect_error(settings.clone()).await;
    assert!(matches!(error, ConnectError::Tls(TlsError::WrongHost(_))), "{error}");
    settings.host = "127.0.0.1".to_owned();
    settings.hostname_in_certificate = Some("localhost".to_owned());
    assert!(is_encrypted(settings.clone()).await);

    settings.ca_file = Some(file(&folder, &Certificates::for_host("localhost").authority));
    for tls in [SqlServerTls::VerifyFull, SqlServerTls::Require] {
        settings.tls = tls;
        let error = connect_error(settings.clone()).await;
        assert!(matches!(error, ConnectError::Tls(TlsError::Untrusted(_))), "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_self_signed_certificate_can_be_pinned() {
    let folder = TempDir::new().unwrap();
    let certificates = Certificates::self_signed("localhost");
    let server = server(encrypting(Encryption::Required, &certificates)).await;
    let mut settings = settings(&server);
    settings.ca_file = Some(file(&folder, &certificates.server));
    for tls in [SqlServerTls::VerifyFull, SqlServerTls::Require] {
        settings.tls = tls;
        assert!(is_encrypted(settings.clone()).await);
    }
    settings.ca_file = Some(file(&folder, &Certificates::self_signed("localhost").server));
    let error = connect_error(settings).await;
    assert!(matches!(error, ConnectError::Tls(TlsError::Untrusted(_))), "{error}");
}

#[tokio::test]
async fn the_certificate_that_sql_server_makes_for_itself_will_do_where_none_is_checked() {
    let folder = TempDir::new().unwrap();
    let certificates = Certificates::fallback();
    let server = server(encrypting(Encryption::Required, &certificates)).await;
    let mut settings = settings(&server);
    settings.tls = SqlServerTls::Require;
    assert!(is_encrypted(settings.clone()).await);
    // Pinned, its signature would have to be checked, which is not possible for version 1.
    settings.ca_file = Some(file(&folder, &certificates.server));
    let error = connect_error(settings.clone()).await;
    assert!(matches!(error, ConnectError::Tls(TlsError::Untrusted(_))), "{error}");
    assert!(error.to_string().contains("X.509 version 3"), "{error}");
}

#[tokio::test]
async fn wrong_password_and_wrong_database_are_told_apart() {
    let (server, _connection) = plain_server().await;
    let mut wrong = settings(&server);
    wrong.password = Some("ebb".into());
    let error = connect_error(wrong.clone()).await;
    assert!(matches!(&error, ConnectError::WrongPassword { user, .. } if user == "mare"), "{error}");
    assert!(!error.to_string().contains("ebb") && !error.is_transient());
    wrong.password = None;
    assert!(matches!(connect_error(wrong).await, ConnectError::PasswordMissing { .. }));

    let mut elsewhere = settings(&server);
    elsewhere.database = "morto".to_owned();
    let error = connect_error(elsewhere).await;
    assert!(matches!(&error, ConnectError::NoDatabase { database, .. } if database == "morto"), "{error}");
}

#[tokio::test]
async fn who_is_not_there_or_something_else_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = SqlServerSettings::new("127.0.0.1", "live", "mare");
    settings.password = Some("tide".into());
    settings.port = Some(listener.local_addr().unwrap().port());
    settings.connect_timeout_seconds = 1;
    let error = connect_error(settings.clone()).await;
    assert!(matches!(error, ConnectError::TimedOut { seconds: 1, .. }), "{error}");
    let web = tokio::spawn(async move {
        let mut accepted = listener.accept().await.unwrap();
        // The one that was given up waits in the queue.
        accepted = listener.accept().await.unwrap_or(accepted);
        let (tcp, _) = &mut accepted;
        tokio::io::AsyncWriteExt::write_all(tcp, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        tokio::time::sleep(PATIENCE).await;
    });
    settings.connect_timeout_seconds = 30;
    let error = connect_error(settings.clone()).await;
    assert!(matches!(error, ConnectError::NotSqlServer { .. }), "{error}");
    web.abort();
    let _ = web.await;
    let error = connect_error(settings).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }) && error.is_transient(), "{error}");
}

#[tokio::test]
async fn the_levels_say_which_one_works_and_why_the_others_do_not() {
    let folder = TempDir::new().unwrap();
    let certificates = Certificates::for_host("db.shop.example");
    let server = server(encrypting(Encryption::Optional, &certificates)).await;
    let mut settings = settings(&server);
    settings.tls = SqlServerTls::Require;
    settings.ca_file = Some(file(&folder, &certificates.authority));
    let levels = probe_levels(&settings, true).await;
    let found: Vec<_> = levels.iter().map(|level| (level.tls, level.outcome.is_ok())).collect();
    assert_eq!(
        found,
        [(SqlServerTls::VerifyFull, false), (SqlServerTls::Require, true), (SqlServerTls::Login, true)]
    );
    assert!(matches!(levels[0].outcome, Err(ConnectError::Tls(TlsError::WrongHost(_)))));
}

#[tokio::test]
async fn a_server_with_old_tls_is_reached_in_clear_only_when_that_is_allowed() {
    let certificates = Certificates::for_host("localhost");
    let mut options = encrypting(Encryption::Optional, &certificates);
    options.refuses_tls = true;
    let server = server(options).await;
    let mut settings = settings(&server);
    settings.tls = SqlServerTls::Require;
    let error = connect_error(settings.clone()).await;
    assert!(matches!(error, ConnectError::Tls(TlsError::Handshake(_))), "{error}");
    let folder = TempDir::new().unwrap();
    settings.ca_file = Some(file(&folder, &certificates.authority));
    let levels = probe_levels(&settings, false).await;
    assert!(levels.iter().all(|level| level.tls != SqlServerTls::Disable && level.outcome.is_err()));
    assert_eq!(server.logins(), 0);
    let levels = probe_levels(&settings, true).await;
    assert!(levels.last().is_some_and(|last| last.tls == SqlServerTls::Disable && last.outcome.is_ok()));
}

#[tokio::test]
async fn a_refused_password_ends_the_trials() {
    let certificates = Certificates::for_host("localhost");
    let server = server(encrypting(Encryption::Optional, &certificates)).await;
    let mut settings = settings(&server);
    settings.tls = SqlServerTls::Require;
    settings.password = Some("ebb".into());
    let folder = TempDir::new().unwrap();
    settings.ca_file = Some(file(&folder, &certificates.authority));
    assert_eq!(probe_levels(&settings, true).await.len(), 1);
}
