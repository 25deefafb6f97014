//! The order hook: VTEX tells the binary of orders, and nobody else does.

use std::net::TcpListener;
use std::time::Duration;

use mare::simulator::FeedFaults;
use mare::simulator::{Limits, Options, OrderOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::orders::{ORDERS, entered, order, place, skus, usual};
use crate::support::replicator::{KEY, Site};

const MINUTE: Duration = Duration::from_secs(60);
const SECRET: &str = "nao-conte-a-ninguem-0123456789";

/// A site with a hook, not running yet, whose feed is read at the start and then not for an hour; and the hook's address.
async fn site(orders: OrderOptions) -> (Site, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let hook = format!(
        "[orders.hook]\nlisten = \"127.0.0.1:{port}\"\nurl = \"http://127.0.0.1:{port}/vtex\"\nsecret = \"file:hook-secret\"\n"
    );
    let settings = ORDERS.replace("poll_seconds = 1\n", "poll_seconds = 3600\n").replace("# more\n", &hook);
    let options = Options { limits: Limits::unlimited(), orders, ..Options::default() };
    let mut site = Site::new(200, options, &settings).await;
    std::fs::write(site.state_dir().with_file_name("hook-secret"), SECRET).unwrap();
    site.use_entities("\"stock\"");
    let known = site.live.query("SELECT codigo FROM live.produto_sku ORDER BY codigo", &[]).await.unwrap();
    site.vtex.world().seed_skus(known.iter().map(|row| row.get::<_, String>(0)).zip(1..)).unwrap();
    site.run(&["install"]);
    (site, format!("127.0.0.1:{port}"))
}

/// A delivery from one store, without a discount.
fn simple(number: usize, skus: &[String]) -> Value {
    order(number * 35, skus)
}

async fn facts(site: &Site) -> Value {
    site.get("/status").await.unwrap_or_default()["orders"]["hook"].clone()
}

async fn set_up(site: &Site) {
    site.until("the hook is set up", MINUTE, async |site| facts(site).await["health"] == "set").await;
}

/// The status that a body is answered with.
async fn send(address: &str, secret: Option<&str>, body: String) -> u16 {
    let request = reqwest::Client::new().post(format!("http://{address}/vtex")).body(body);
    let request = secret.into_iter().fold(request, |request, secret| request.header("x-mare-hook", secret));
    request.send().await.unwrap().status().as_u16()
}

fn notification(order: &str) -> String {
    json!({ "Domain": "Fulfillment", "OrderId": order, "State": "ready-for-handling" }).to_string()
}

async fn count(site: &Site, sql: &str) -> i64 {
    site.live.query_one(sql, &[]).await.unwrap().get(0)
}

/// What `mare check` says about a subject: severity and message.
fn checked(site: &Site, subject: &str) -> (String, String) {
    let output = site.command(&["check", "--json"]).output().unwrap();
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let found = all.iter().find(|finding| finding["subject"] == subject);
    let found = found.unwrap_or_else(|| panic!("{subject} is not among {all:#?}"));
    (found["severity"].as_str().unwrap().to_owned(), found["message"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_the_hook_tells_of_is_in_live_long_before_the_feed_is_read_again() {
    // The feed tells nothing, so that only the hook can have.
    let feed = FeedFaults { hidden: 1.0, ..FeedFaults::default() };
    let (mut site, _) = site(OrderOptions { feed, ..usual() }).await;
    let (severity, message) = checked(&site, "orders hook");
    assert_eq!((severity.as_str(), message.contains("leads to")), ("ok", true), "{message}");
    assert!(checked(&site, "vtex orders hook").1.contains("not set up yet"));
    site.start();
    site.converged(MINUTE).await;
    set_up(&site).await;
    assert!(checked(&site, "orders hook").1.contains("leads to"), "beside the running one");
    assert!(checked(&site, "vtex orders hook").1.contains("sends notifications"));
    let skus = skus(&site).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(place(&site, simple(number, &skus)));
        ids.sort();
        site.until("the order", MINUTE, async |site| entered(site).await == ids).await;
    }
    let told = facts(&site).await;
    assert!(told["notifications"].as_u64() >= Some(3) && told["refused"] == 0, "{told}");
    // Somebody deletes the configuration: it is made again.
    site.kill();
    let lost = reqwest::Client::new()
        .delete(format!("{}/api/orders/hook/config", site.vtex.base_url()))
        .header("x-vtex-api-appkey", KEY)
        .header("x-vtex-api-apptoken", "simulator-token")
        .header("accept", "application/json")
        .header("content-type", "application/json");
    assert_eq!(lost.send().await.unwrap().status(), 200);
    site.start();
    set_up(&site).await;
    assert_eq!(facts(&site).await["set_up"], 1);
    ids.push(place(&site, simple(3, &skus)));
    ids.sort();
    site.until("the next one", MINUTE, async |site| entered(site).await == ids).await;
    assert_eq!(site.stop(), 0, "{}", site.log());
    // The address leads elsewhere: a warning, since the feed needs no hook.
    let text = site.config();
    let at = text.find("\nurl = \"http://127.0.0.1:").unwrap() + 1;
    let end = at + text[at..].find("/vtex\"").unwrap();
    site.set_config(&format!("{}url = \"http://127.0.0.1:1{}", &text[..at], &text[end..]));
    let (severity, message) = checked(&site, "orders hook");
    assert!(severity == "warning" && message.contains("is not reached"), "{severity} {message}");
    assert_eq!(checked(&site, "vtex orders hook").0, "warning");
    // Without a hook in the configuration VTEX is told so.
    let (first, last) = (text.find("[orders.hook]").unwrap(), text.find("[[orders.").unwrap());
    site.set_config(&format!("{}{}", &text[..first], &text[last..]));
    site.start();
    site.until("the hook is taken back", MINUTE, async |site| site.log().contains("is deleted")).await;
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_secret_is_heard_and_nobody_keeps_the_hook_busy() {
    let (mut site, address) = site(usual()).await;
    site.start();
    site.converged(MINUTE).await;
    set_up(&site).await;
    let skus = skus(&site).await;
    let id = place(&site, simple(0, &skus));
    site.until("the order", MINUTE, async |site| entered(site).await == [id.clone()]).await;
    let before = facts(&site).await["notifications"].as_u64().unwrap();
    // Two halves of requests that never end, one of each kind.
    let mut headers = tokio::net::TcpStream::connect(&address).await.unwrap();
    headers.write_all(b"POST /vtex HTTP/1.1\r\nhost: x\r\nx-mare").await.unwrap();
    let mut body = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /vtex HTTP/1.1\r\nhost: x\r\nx-mare-hook: {SECRET}\r\ncontent-length: 300\r\n\r\n{{\"OrderId\":"
    );
    body.write_all(head.as_bytes()).await.unwrap();
    for wrong in [None, Some(""), Some("nao-conte"), Some("nao-conte-a-ninguem-0123456780")] {
        assert_eq!(send(&address, wrong, notification("1-01")).await, 401, "{wrong:?}");
        assert_eq!(send(&address, wrong, "x".repeat(20_000)).await, 401, "{wrong:?}");
    }
    assert_eq!(send(&address, Some(SECRET), "x".repeat(20_000)).await, 413);
    for unreadable in ["", "<html>", "{}", r#"{"OrderId":"../../x"}"#] {
        assert_eq!(send(&address, Some(SECRET), unreadable.to_owned()).await, 400, "{unreadable}");
    }
    // Whether VTEX sends its header with the ping is not documented.
    assert_eq!(send(&address, None, r#"{"hookConfig":"ping"}"#.to_owned()).await, 200);
    let got = reqwest::get(format!("http://{address}/status")).await.unwrap();
    assert_eq!(got.status(), 401, "there is nothing to be read here");
    assert_eq!(facts(&site).await["notifications"], before);
    // Told of thirty times, it is in Live once.
    for _ in 0..30 {
        assert_eq!(send(&address, Some(SECRET), notification(&id)).await, 200);
    }
    let next = place(&site, simple(1, &skus));
    site.until("the next one", MINUTE, async |site| entered(site).await.contains(&next)).await;
    let parts = format!("SELECT count(*) FROM live.pedido_venda WHERE numero_externo = '{id}'");
    assert_eq!(count(&site, &parts).await, 1);
    // The slow ones were let go, the one with an answer.
    let mut answer = String::new();
    body.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let mut rest = Vec::new();
    let _ = headers.read_to_end(&mut rest).await;
    let mut shown = site.log();
    for path in ["/metrics", "/status"] {
        shown.push_str(&site.text(path).await);
    }
    assert!(!shown.contains(SECRET), "the secret is shown");
    assert!(shown.contains("mare_hook_notifications_total{outcome=\"unauthorized\"} 9"), "{shown}");
    assert_eq!(site.stop(), 0, "{}", site.log());
}
