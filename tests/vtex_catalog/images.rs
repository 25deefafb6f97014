//! Images that are not there yet.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mare::core::value::catalog::{Image, Sku};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::shop::{Shop, a_product, a_sku, holds};

/// A server of images; those with these paths are there.
async fn server(there: Arc<Mutex<BTreeSet<&'static str>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
            assert!(!request.to_lowercase().contains("x-vtex"), "no credentials: {request}");
            let found =
                there.lock().unwrap().iter().any(|path| request.starts_with(&format!("HEAD {path} ")));
            let status = if found { "200 OK" } else { "404 Not Found" };
            let head = "Content-Type: image/jpeg\r\nContent-Length: 9000\r\nConnection: close";
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n{head}\r\n\r\n").as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn an_image_that_is_not_there_holds_nothing_else_up_and_follows_later() {
    let there = Arc::new(Mutex::new(BTreeSet::from(["/costas.jpg"])));
    let url = server(Arc::clone(&there)).await;
    let image = |name: &str| Image { name: name.into(), url: format!("{url}/{name}.jpg"), label: None };
    let wanted = Sku { images: vec![image("frente"), image("costas")], ..a_sku() };
    let mut shop = Shop::open().await.checking_images();
    shop.want_all(&a_product(), &wanted);
    let (_, wait) = shop.until_it_waits().await;
    assert_eq!(wait, Some(Duration::from_secs(60)));
    // All the rest is there, and it can be sold with the image that it has.
    holds(&shop, &a_product(), &Sku { images: vec![image("costas")], ..a_sku() });
    let explained = shop.explained().unwrap();
    let last = explained.last.unwrap();
    assert_eq!(last.excerpt, format!("{url}/frente.jpg: the server answers 404 Not Found"));
    assert_eq!(explained.parked, None);
    // It is asked for less and less often, and nothing is written meanwhile.
    let mut waits = Vec::new();
    for _ in 0..12 {
        shop.pass(wait.unwrap().max(waits.last().copied().unwrap_or_default()));
        let (requests, wait) = shop.until_it_waits().await;
        assert!(requests.iter().filter(|line| !line.starts_with("GET")).count() <= 1, "{requests:?}");
        waits.push(wait.unwrap());
    }
    assert!(waits.is_sorted() && waits.last() == Some(&Duration::from_secs(6 * 3600)), "{waits:?}");

    // A restart forgets nothing of it.
    shop.restart_after(0).await;
    there.lock().unwrap().insert("/frente.jpg");
    shop.settle().await;
    holds(&shop, &a_product(), &wanted);
    assert_eq!(shop.explained().map(|explained| explained.state), None);
}

#[tokio::test]
async fn a_change_meanwhile_is_not_held_up() {
    let url = server(Arc::default()).await;
    let image = |name: &str| Image { name: name.into(), url: format!("{url}/{name}.jpg"), label: None };
    let mut shop = Shop::open().await.checking_images();
    shop.want_all(&a_product(), &Sku { images: vec![image("frente")], ..a_sku() });
    shop.until_it_waits().await;
    assert!(!shop.sku().active && shop.sku().images.is_empty());
    let renamed = Sku { name: "Outro".into(), images: vec![image("frente")], ..a_sku() };
    shop.want_all(&a_product(), &renamed);
    let (_, wait) = shop.until_it_waits().await;
    assert_eq!((shop.sku().name.as_str(), wait), ("Outro", Some(Duration::from_secs(60))), "at once");
}
