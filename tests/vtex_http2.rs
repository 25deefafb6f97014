//! HTTP/2 over TLS, negotiated as VTEX's servers offer it. Linux only: elsewhere a test cannot add a root
//! certificate for one process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a panic in the helpers of a test is a failed test")]

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use http_body_util::Empty;
use hyper::service::service_fn;
use hyper::{Request, Response, Version, body::Bytes, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use mare::core::call::{Answer, Call};
use mare::core::entity::SkuId;
use mare::vtex::{Client, Credentials, VtexSettings};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const URL: &str = "MARE_TEST_URL";

/// Calls that are under way at once after the first one.
const CALLS: usize = 20;

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    versions: Mutex<Vec<Version>>,
}

#[tokio::test]
async fn many_calls_share_one_http2_connection() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, issued.cert.pem()).unwrap();
    let seen = Arc::new(Seen::default());
    let port = serve(&issued, Arc::clone(&seen)).await;

    let child = tokio::task::spawn_blocking(move || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "calls_of_the_child", "--ignored"])
            .env("SSL_CERT_FILE", root)
            .env(URL, format!("https://localhost:{port}"))
            .output()
            .unwrap()
    });
    let output = child.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
    assert_eq!(*seen.versions.lock().unwrap(), vec![Version::HTTP_2; 1 + CALLS]);
}

#[tokio::test]
#[ignore = "run by many_calls_share_one_http2_connection, in a process that trusts its certificate"]
async fn calls_of_the_child() {
    let Ok(url) = std::env::var(URL) else { return };
    let mut settings = VtexSettings::new("lojamar");
    settings.pricing_url = Some(url);
    let client = Client::new(&settings, Credentials::new("key", "token")).unwrap();
    let call = Call::DeletePrice { sku: SkuId(1) };
    assert_eq!(client.execute(&call).await.result, Ok(Answer::Done));
    for outcome in join_all((0..CALLS).map(|_| client.execute(&call))).await {
        assert_eq!(outcome.result, Ok(Answer::Done));
    }
}

async fn serve(issued: &rcgen::CertifiedKey<rcgen::KeyPair>, seen: Arc<Seen>) -> u16 {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            seen.connections.fetch_add(1, Ordering::SeqCst);
            let seen = Arc::clone(&seen);
            let answer = service_fn(move |request: Request<Incoming>| {
                seen.versions.lock().unwrap().push(request.version());
                async { Response::builder().status(204).body(Empty::<Bytes>::new()) }
            });
            tokio::spawn(async move {
                // The client closes when it is done, which is no error here.
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    });
    port
}
