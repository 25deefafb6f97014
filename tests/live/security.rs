//! What keeps strangers out, and what the service keeps to itself.

use std::path::Path;
use std::time::Duration;

use mare::simulator::{Limits, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
/// As many connections as the admin endpoints hold at once.
const CONNECTIONS: usize = 64;

async fn open() -> Site {
    let options = Options { auto_skus: true, limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(200, options, "").await;
    site.start();
    site.until("it answers", MINUTE, async |site| site.get("/status").await.is_some()).await;
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dawdles_is_let_go_and_keeps_nobody_from_the_admin_endpoints() {
    let site = open().await;
    let address = site.admin.trim_start_matches("http://").to_owned();
    let mut dawdlers = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /status HTTP/1.1\r\nHost: ").await.unwrap();
        dawdlers.push(stream);
    }
    let client = reqwest::Client::builder().timeout(MINUTE).build().unwrap();
    let answer = client.get(format!("{}/healthz", site.admin)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "as soon as the first of them is let go");
    for mut stream in dawdlers {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(MINUTE, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the connection is closed");
    }
    let large = client.patch(format!("{}/tuning", site.admin)).header("content-type", "application/json");
    let large = large.body("x".repeat(1 << 20)).send().await;
    assert!(large.is_err() || large.is_ok_and(|answer| answer.status() == 413));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_are_nobody_elses_and_there_are_no_core_dumps() {
    use std::os::unix::fs::PermissionsExt as _;

    fn check(path: &Path, seen: &mut usize) {
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        *seen += 1;
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                check(&entry.unwrap().path(), seen);
            }
        }
    }
    let mut site = open().await;
    site.converged(MINUTE).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", site.process())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    assert_eq!(site.stop(), 0);
    let mut seen = 0;
    check(&site.state_dir(), &mut seen);
    assert!(seen > 5, "{seen}");
}
