use std::sync::{Arc, Mutex};

use reqwest::header::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that answers each path with what is written there, and the requests that it got.
struct Server {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (own, log) = (url.clone(), Arc::clone(&heard));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (own, log) = (own.clone(), Arc::clone(&log));
            tokio::spawn(async move {
                let mut bytes = [0; 4096];
                let length = stream.read(&mut bytes).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let answer = answer(&request, &own);
                log.lock().unwrap().push(request);
                if let Some(answer) = answer {
                    let _ = stream.write_all(answer.as_bytes()).await;
                } else {
                    // Silent, until the other side has had enough.
                    let _ = stream.read(&mut bytes).await;
                }
            });
        }
    });
    Server { url, heard }
}

fn answer(request: &str, own: &str) -> Option<String> {
    let head = |status: &str, headers: &str| {
        Some(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n"))
    };
    let jpeg = "Content-Type: image/jpeg\r\nContent-Length: 5000\r\n";
    let path = request.split(' ').nth(1).unwrap_or_default();
    match path {
        "/good.jpg" => head("200 OK", jpeg),
        "/bytes.jpg" => head("200 OK", "Content-Type: binary/octet-stream\r\nContent-Length: 7\r\n"),
        "/untold.jpg" => head("200 OK", ""),
        "/page.jpg" => head("200 OK", "Content-Type: text/html; charset=utf-8\r\nContent-Length: 7\r\n"),
        "/large.jpg" => head("200 OK", "Content-Type: image/png\r\nContent-Length: 4194305\r\n"),
        "/empty.jpg" => head("200 OK", "Content-Type: image/png\r\nContent-Length: 0\r\n"),
        "/gone.jpg" => head("404 Not Found", "Content-Length: 0\r\n"),
        "/moved.jpg" => head("301 Moved", &format!("Location: {own}/good.jpg\r\nContent-Length: 0\r\n")),
        "/circle.jpg" => head("302 Found", &format!("Location: {own}/circle.jpg\r\nContent-Length: 0\r\n")),
        "/file.jpg" => head("302 Found", "Location: file:///etc/passwd\r\nContent-Length: 0\r\n"),
        "/inside.jpg" => head("302 Found", "Location: http://10.0.0.1/a.jpg\r\nContent-Length: 0\r\n"),
        "/get.jpg" if request.starts_with("HEAD") => head("405 Method Not Allowed", "Content-Length: 0\r\n"),
        "/get.jpg" => head("200 OK", jpeg),
        _ => None,
    }
}

#[tokio::test]
async fn what_vtex_could_not_fetch_is_told_with_the_reason() {
    let server = server().await;
    let images = Images::new(Reach::Everything).unwrap();
    let table = [
        ("good.jpg", None),
        ("bytes.jpg", None),
        ("untold.jpg", None),
        ("moved.jpg", None),
        ("get.jpg", None),
        ("page.jpg", Some("no image but text/html")),
        ("large.jpg", Some("it has 4194305 bytes; VTEX takes 4194304")),
        ("empty.jpg", Some("it is empty")),
        ("gone.jpg", Some("404 Not Found")),
        ("circle.jpg", Some("more than 3 redirects")),
        ("file.jpg", Some("302 Found")),
    ];
    for (path, expected) in table {
        let objection = images.objection(&format!("{}/{path}", server.url)).await;
        match expected {
            None => assert_eq!(objection, None, "{path}"),
            Some(expected) => {
                let objection = objection.unwrap_or_else(|| panic!("{path}: nothing was wrong"));
                assert!(objection.contains(expected), "{path}: {objection}");
            }
        }
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let objection = images.objection(&format!("http://{closed}/a.jpg")).await;
    assert!(objection.is_some_and(|reason| reason.contains("refused")), "nobody listens there");
    assert!(images.objection("ftp://x/a.jpg").await.is_some());
    for request in server.heard.lock().unwrap().iter() {
        let request = request.to_lowercase();
        assert!(!request.contains("x-vtex") && !request.contains("user-agent"), "{request}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_holds_nobody_up() {
    let server = server().await;
    let images = Images::with(Reach::Everything, Duration::from_millis(100)).unwrap();
    let objection = images.objection(&format!("{}/silent.jpg", server.url)).await;
    assert!(objection.is_some_and(|reason| reason.contains("no answer within 100ms")));
}

#[tokio::test]
async fn private_addresses_are_asked_nothing() {
    let server = server().await;
    let images = Images::new(Reach::Internet).unwrap();
    let port = server.url.rsplit(':').next().unwrap();
    let (url, mapped) = (&server.url, format!("http://[::ffff:127.0.0.1]:{port}/good.jpg"));
    for url in [format!("{url}/good.jpg"), format!("http://localhost:{port}/good.jpg"), mapped] {
        let objection = images.objection(&url).await;
        assert!(objection.is_some_and(|reason| reason.contains("private address")), "{url}");
    }
    assert!(server.heard.lock().unwrap().is_empty());
    // Nor when somebody sends us there.
    let here = Images { reach: Reach::Everything, ..images };
    let objection = here.objection(&format!("{}/inside.jpg", server.url)).await;
    assert!(objection.is_some_and(|reason| reason.contains("private address")));
}

#[test]
fn what_the_internet_does_not_route_is_private() {
    let private = [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:10.0.0.1",
    ];
    for address in private {
        assert!(!Reach::Internet.includes(address.parse().unwrap()), "{address}");
        assert!(Reach::Everything.includes(address.parse().unwrap()), "{address}");
    }
    for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
        assert!(Reach::Internet.includes(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn a_header_that_cannot_be_read_says_nothing() {
    let odd = HeaderValue::from_bytes(b"\xff").unwrap();
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, odd.clone()), (CONTENT_LENGTH, odd)]);
    assert_eq!(check_headers(&headers), Ok(()));
}
