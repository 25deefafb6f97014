//! The client of VTEX against a scripted server: what is sent, byte by byte, and what every kind of answer
//! (and of no answer) becomes.

#![allow(clippy::unwrap_used, reason = "a panic in the helpers of a test is a failed test")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mare::core::call::{Answer, Call, Failure, RemotePrice, RemoteStock};
use mare::core::entity::SkuId;
use mare::core::money::Money;
use mare::core::time::Timestamp;
use mare::core::value::{FixedPrice, Price};
use mare::vtex::check::{Expected, Severity};
use mare::vtex::{Client, Credentials, VtexSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "vtexappkey-lojamar-QWERTY";
const TOKEN: &str = "FIRSTTOKENABCDEFGH";
const OTHER_TOKEN: &str = "SECONDTOKENIJKLMNOP";

/// 2024-01-31T19:12:01.025662Z, the moment of VTEX's own example.
const BALANCE_AT: Timestamp = Timestamp(1_706_728_321_025_662);

#[derive(Debug, Clone)]
struct Received {
    line: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// What the server does with the next request.
enum Script {
    /// Writes these bytes, and keeps the connection.
    Write(String),
    /// Writes these bytes, and breaks the connection off.
    Break(String),
    /// Answers by the path of the request.
    Route(fn(&Received) -> String),
    /// Never answers.
    Hang,
}

struct Server {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    async fn start(script: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let log = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { url, received }
    }

    async fn answering(status: &str, kind: &str, body: &str) -> Self {
        Self::start(vec![Script::Write(http(status, &format!("content-type: {kind}"), body))]).await
    }

    fn settings(&self) -> VtexSettings {
        let mut settings = VtexSettings::new("lojamar");
        settings.catalog_url = Some(self.url.clone());
        settings.logistics_url = Some(self.url.clone());
        settings.pricing_url = Some(format!("{}/lojamar/", self.url));
        settings
    }

    fn client(&self) -> Client {
        Client::new(&self.settings(), Credentials::new(KEY, TOKEN)).unwrap()
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Mutex<VecDeque<Script>>>,
    log: Arc<Mutex<Vec<Received>>>,
) -> Option<()> {
    loop {
        let request = receive(&mut stream).await?;
        log.lock().unwrap().push(request.clone());
        let step = script.lock().unwrap().pop_front().expect("no request more than the script has");
        match step {
            Script::Write(bytes) => stream.write_all(bytes.as_bytes()).await.ok()?,
            Script::Break(bytes) => {
                stream.write_all(bytes.as_bytes()).await.ok()?;
                return None;
            }
            Script::Route(answer) => {
                stream.write_all(answer(&request).as_bytes()).await.ok()?;
                script.lock().unwrap().push_back(Script::Route(answer));
            }
            Script::Hang => std::future::pending().await,
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next()?.to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Received { line, headers, body: String::new() };
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

fn http(status: &str, header: &str, body: &str) -> String {
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    format!("HTTP/1.1 {status}\r\n{header}content-length: {}\r\n\r\n{body}", body.len())
}

fn set_stock() -> Call {
    Call::SetStock { sku: SkuId(42), warehouse: "Loja 1/a".into(), quantity: 201, balance_at: BALANCE_AT }
}

fn read_stock(warehouse: &str) -> Call {
    Call::ReadStock { sku: SkuId(42), warehouse: warehouse.into() }
}

fn read_price() -> Call {
    Call::ReadPrice { sku: SkuId(42) }
}

fn fixed() -> Vec<FixedPrice> {
    let seconds = |at: i64| Timestamp(at * 1_000_000);
    vec![
        FixedPrice {
            trade_policy: "1".into(),
            min_quantity: 1,
            valid: None,
            value: Money(1_990),
            list: None,
        },
        FixedPrice {
            trade_policy: "ouro\"".into(),
            min_quantity: 6,
            valid: Some((seconds(1_512_657_000), seconds(1_514_644_200))),
            value: Money(5),
            list: Some(Money(2_000)),
        },
    ]
}

const FIXED: &str = concat!(
    r#"[{"tradePolicyId":"1","value":19.90,"minQuantity":1},"#,
    r#"{"tradePolicyId":"ouro\"","value":0.05,"minQuantity":6,"listPrice":20.00,"#,
    r#""dateRange":{"from":"2017-12-07T14:30:00Z","to":"2017-12-30T14:30:00Z"}}]"#
);

async fn sent(call: &Call, status: &str, body: &str) -> Received {
    let server = Server::answering(status, "application/json", body).await;
    let outcome = server.client().execute(call).await;
    assert!(outcome.result.is_ok(), "{call:?}: {:?}", outcome.result);
    server.received().pop().unwrap()
}

async fn failure_of(server: &Server, call: &Call) -> Failure {
    server.client().execute(call).await.result.expect_err("the call must fail")
}

#[tokio::test]
async fn every_write_is_the_documented_request() {
    let full = Price {
        base: Some(Money(10_000)),
        cost: Some(Money(3_500)),
        list: Some(Money(12_050)),
        fixed: fixed(),
    };
    let bare = Price { base: Some(Money(1)), ..Price::default() };
    let sku = SkuId(42);
    let prices = "/lojamar/pricing/prices/42";
    let stock = "/api/logistics/pvt/inventory/skus/42/warehouses/Loja%201%2Fa/quantity";
    let stock_body = concat!(
        r#"{"quantity":201,"unlimitedQuantity":false,"#,
        r#""dateUtcOnBalanceSystem":"2024-01-31T19:12:01.025662Z"}"#
    );
    let full_body =
        format!(r#"{{"basePrice":100.00,"costPrice":35.00,"listPrice":120.50,"fixedPrices":{FIXED}}}"#);
    let bare_body = r#"{"basePrice":0.01,"fixedPrices":[]}"#;
    let table = Call::DeleteFixed { sku, trade_policy: "mesa ouro".into() };
    let cases = [
        (set_stock(), "204 No Content", format!("PATCH {stock}"), stock_body),
        (Call::PutPrice { sku, price: full }, "200 OK", format!("PUT {prices}"), full_body.as_str()),
        (Call::PutPrice { sku, price: bare }, "200 OK", format!("PUT {prices}"), bare_body),
        (Call::PatchFixed { sku, fixed: fixed() }, "200 OK", format!("PATCH {prices}/fixed"), FIXED),
        (table, "200 OK", format!("DELETE {prices}/fixed/mesa%20ouro"), ""),
        (Call::DeletePrice { sku }, "200 OK", format!("DELETE {prices}"), ""),
    ];
    for (call, status, line, body) in cases {
        let request = sent(&call, status, "").await;
        assert_eq!(request.line, format!("{line} HTTP/1.1"));
        assert_eq!(request.body, body);
        assert!(body.is_empty() || serde_json::from_str::<serde_json::Value>(body).is_ok());
        has_the_headers_of_vtex(&request);
        assert!(line.ends_with(mare::vtex::describe(&call).split_once(' ').unwrap().1));
    }
}

fn has_the_headers_of_vtex(request: &Received) {
    assert_eq!(request.header("x-vtex-api-appkey"), KEY);
    assert_eq!(request.header("x-vtex-api-apptoken"), TOKEN);
    assert_eq!(request.header("accept"), "application/json");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("user-agent"), concat!("mare/", env!("CARGO_PKG_VERSION")));
}

const BALANCES: &str = r#"{"skuId":"42","balance":[
    {"warehouseId":"LOJA1","warehouseName":"x","totalQuantity":7,"reservedQuantity":2,
     "hasUnlimitedQuantity":false,"timeToRefill":null,"leadTime":"00:00:00"},
    {"warehouseId":"loja1","totalQuantity":-1,"reservedQuantity":0,"hasUnlimitedQuantity":true}]}"#;

#[tokio::test]
async fn a_balance_is_that_of_the_warehouse_whatever_its_case() {
    for (warehouse, expected) in [
        ("loja1", Some(RemoteStock { total: -1, reserved: 0, unlimited: true })),
        ("Loja1", Some(RemoteStock { total: 7, reserved: 2, unlimited: false })),
        ("loja2", None),
    ] {
        let server = Server::answering("200 OK", "application/json", BALANCES).await;
        let outcome = server.client().execute(&read_stock(warehouse)).await;
        assert_eq!(outcome.result, Ok(Answer::Stock(expected)));
        let request = server.received().pop().unwrap();
        assert_eq!(request.line, "GET /api/logistics/pvt/inventory/skus/42 HTTP/1.1");
        has_the_headers_of_vtex(&request);
    }
}

#[tokio::test]
async fn prices_are_read_to_the_centavo() {
    let body = r#"{"itemId":"42","listPrice":null,"costPrice":33.3333,"markup":2400.5,"basePrice":250,
        "fixedPrices":[{"tradePolicyId":"ouro\"","value":0.05,"listPrice":20,"minQuantity":6,
        "dateRange":{"from":"2017-12-07T11:30:00-03:00","to":"2017-12-30T14:30:00Z"}},
        {"tradePolicyId":"1","value":19.9,"listPrice":null,"minQuantity":1}]}"#;
    let server = Server::answering("200 OK", "application/json; charset=utf-8", body).await;
    let price = RemotePrice { base: Some(Money(25_000)), list: None, cost: None, fixed: fixed() };
    assert_eq!(server.client().execute(&read_price()).await.result, Ok(Answer::Price(Some(price))));
    assert_eq!(server.received()[0].line, "GET /lojamar/pricing/prices/42 HTTP/1.1");
}

#[tokio::test]
async fn an_absent_price_is_an_answer_but_a_foreign_404_is_none() {
    let server = Server::answering("404 Not Found", "text/plain", "Price not found").await;
    assert_eq!(server.client().execute(&read_price()).await.result, Ok(Answer::Price(None)));
    let server = Server::answering("404 Not Found", "text/html", "<html>nginx</html>").await;
    assert!(matches!(failure_of(&server, &read_price()).await, Failure::Status { code: 404, .. }));
}

#[tokio::test]
async fn what_would_be_changed_by_writing_it_back_is_not_read() {
    for body in [
        r#"{"itemId":"42","basePrice":1,"fixedPrices":[{"tradePolicyId":"1","value":9.999,"minQuantity":1}]}"#,
        r#"{"itemId":"43","basePrice":1,"fixedPrices":[]}"#,
        "{}",
    ] {
        let server = Server::answering("200 OK", "application/json", body).await;
        assert!(matches!(failure_of(&server, &read_price()).await, Failure::Malformed(_)), "{body}");
    }
    let unknown = r#"{"balance":[{"warehouseId":"loja1","reservedQuantity":0}]}"#;
    let server = Server::answering("200 OK", "application/json", unknown).await;
    assert!(matches!(failure_of(&server, &read_stock("loja1")).await, Failure::Malformed(_)));
}

#[tokio::test]
async fn references_are_asked_once_and_all_are_answered() {
    let call = Call::FindSkus { refs: vec!["B".into(), "a\"1".into(), "B".into(), "C".into()] };
    let server = Server::answering("200 OK", "application/json", r#"{"B":"4351","C":null,"Z":"9"}"#).await;
    let skus = vec![("B".into(), Some(SkuId(4351))), ("a\"1".into(), None), ("C".into(), None)];
    assert_eq!(server.client().execute(&call).await.result, Ok(Answer::Skus(skus)));
    let request = &server.received()[0];
    assert_eq!(request.line, "POST /api/catalog_system/pub/sku/stockkeepingunitidsbyrefids HTTP/1.1");
    assert_eq!(request.body, r#"["B","a\"1","C"]"#);

    let server = Server::answering("200 OK", "application/json", r#"{"B":"0"}"#).await;
    assert!(matches!(failure_of(&server, &call).await, Failure::Malformed(_)));
}

#[tokio::test]
async fn a_call_that_vtex_would_misread_is_not_sent() {
    let sku = SkuId(42);
    let far = Timestamp(i64::MAX);
    for call in [
        Call::PutPrice { sku, price: Price { cost: Some(Money(1)), ..Price::default() } },
        Call::DeleteFixed { sku, trade_policy: "..".into() },
        Call::DeleteFixed { sku, trade_policy: "".into() },
        Call::SetStock { sku, warehouse: "1".into(), quantity: u32::MAX, balance_at: BALANCE_AT },
        Call::SetStock { sku, warehouse: "1".into(), quantity: 1, balance_at: far },
    ] {
        let server = Server::start(vec![]).await;
        let Failure::Status { code: 400, body } = failure_of(&server, &call).await else {
            panic!("{call:?}")
        };
        assert!(body.starts_with("not sent: "), "{body}");
        assert!(server.received().is_empty());
    }
}

#[tokio::test]
async fn a_refused_port_is_no_connection() {
    let server = Server::start(vec![]).await;
    let mut settings = server.settings();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    settings.logistics_url = Some(format!("http://{free}"));
    let client = Client::new(&settings, Credentials::new(KEY, TOKEN)).unwrap();
    let result = client.execute(&set_stock()).await.result;
    assert!(matches!(result, Err(Failure::Connect(_))), "{result:?}");
}

#[tokio::test]
async fn silence_is_a_timeout_before_the_headers_and_within_the_body() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"balance\"";
    for script in [vec![Script::Hang], vec![Script::Write(half.to_owned())]] {
        let server = Server::start(script).await;
        let mut settings = server.settings();
        settings.request_timeout_ms = 200;
        let client = Client::new(&settings, Credentials::new(KEY, TOKEN)).unwrap();
        let outcome = client.execute(&read_stock("1")).await;
        assert_eq!(outcome.result, Err(Failure::Timeout));
        assert!(outcome.elapsed >= Duration::from_millis(200));
    }
}

#[tokio::test]
async fn a_broken_connection_is_a_reset_before_the_headers_and_within_the_body() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"balance\"";
    for bytes in ["", half] {
        let server = Server::start(vec![Script::Break(bytes.to_owned())]).await;
        let failure = failure_of(&server, &read_stock("1")).await;
        assert!(matches!(failure, Failure::Reset(_)), "after {bytes:?}: {failure:?}");
        assert_eq!(server.received().len(), 1, "nothing is repeated in secret");
    }
}

#[tokio::test]
async fn a_status_outlives_its_broken_message() {
    let half = "HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nwait";
    let server = Server::start(vec![Script::Break(half.to_owned())]).await;
    let expected = Failure::Status { code: 503, body: "wait".to_owned() };
    assert_eq!(failure_of(&server, &set_stock()).await, expected);
}

#[tokio::test]
async fn a_web_page_confirms_nothing() {
    for kind in ["text/html; charset=utf-8", "application/json"] {
        for call in [read_stock("1"), set_stock()] {
            let server = Server::answering("200 OK", kind, "\n<!DOCTYPE html><p>Log in</p>").await;
            assert!(matches!(failure_of(&server, &call).await, Failure::Malformed(_)));
        }
    }
    let server = Server::answering("200 OK", "text/plain", "fine").await;
    assert!(matches!(failure_of(&server, &read_stock("1")).await, Failure::Malformed(_)));
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit() {
    let server = Server::answering("200 OK", "application/json", BALANCES).await;
    let mut settings = server.settings();
    settings.body_limit = BALANCES.len() - 1;
    let client = Client::new(&settings, Credentials::new(KEY, TOKEN)).unwrap();
    let Err(Failure::Malformed(text)) = client.execute(&read_stock("loja1")).await.result else {
        panic!("another failure");
    };
    assert!(text.contains(&settings.body_limit.to_string()), "{text}");
}

#[tokio::test]
async fn a_redirect_is_a_status_and_is_not_followed() {
    let redirect = http("308 Permanent Redirect", "location: http://127.0.0.1:1/elsewhere", "");
    let server = Server::start(vec![Script::Write(redirect)]).await;
    let expected = Failure::Status { code: 308, body: String::new() };
    assert_eq!(failure_of(&server, &set_stock()).await, expected);
}

#[tokio::test]
async fn a_limited_answer_says_how_long_to_wait_in_either_form() {
    let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:44 GMT";
    for header in ["retry-after: 7\r\nratelimit-remaining: 0", date] {
        let limited = http("429 Too Many Requests", header, "{\"message\":\"slow down\"}");
        let server = Server::start(vec![Script::Write(limited)]).await;
        let outcome = server.client().execute(&set_stock()).await;
        assert!(matches!(outcome.result, Err(Failure::Status { code: 429, .. })));
        assert_eq!(outcome.rate.retry_after, Some(Duration::from_secs(7)));
    }
}

fn with_second_token_only(request: &Received) -> String {
    match request.header("x-vtex-api-apptoken") {
        OTHER_TOKEN => http("204 No Content", "", ""),
        _ => http("401 Unauthorized", "", "{}"),
    }
}

#[tokio::test]
async fn a_renewed_token_takes_over_after_one_401() {
    let server = Server::start(vec![Script::Route(with_second_token_only)]).await;
    let credentials = Credentials::new(KEY, TOKEN).with_previous_token(OTHER_TOKEN);
    let client = Client::new(&server.settings(), credentials).unwrap();
    for _ in 0..2 {
        assert_eq!(client.execute(&set_stock()).await.result, Ok(Answer::Done));
    }
    assert_eq!(server.received().len(), 3, "the second call begins with the token that works");

    client.set_credentials(Credentials::new(KEY, TOKEN)).unwrap();
    let result = client.execute(&set_stock()).await.result;
    assert!(matches!(result, Err(Failure::Status { code: 401, .. })));
    assert_eq!(server.received().len(), 4, "without another token there is nothing to try");

    client.set_credentials(Credentials::new(KEY, OTHER_TOKEN)).unwrap();
    assert_eq!(client.execute(&set_stock()).await.result, Ok(Answer::Done));
}

#[tokio::test]
async fn secrets_are_never_shown() {
    let credentials = Credentials::new(KEY, TOKEN).with_previous_token(OTHER_TOKEN);
    let mut shown = format!("{credentials:?}");
    let echo = format!("key {KEY} of ana@loja.com.br with {TOKEN} or {OTHER_TOKEN}");
    for status in ["401 Unauthorized", "403 Forbidden", "200 OK"] {
        let answer = http(status, "content-type: text/html", &echo);
        let server = Server::start(vec![Script::Write(answer.clone()), Script::Write(answer)]).await;
        let client = Client::new(&server.settings(), credentials.clone()).unwrap();
        shown += &format!("{:?}", client.execute(&read_price()).await);
    }
    shown += &format!("{:?}", Client::new(&VtexSettings::new("a"), Credentials::new(KEY, "a\nb")).err());
    for secret in [KEY, TOKEN, OTHER_TOKEN, "ana@"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains("[redacted]") && shown.contains("[e-mail]"), "{shown}");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(vec![]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = server.settings();
    settings.logistics_url = Some(format!("http://{}", listener.local_addr().unwrap()));
    let client = Client::new(&settings, Credentials::new(KEY, TOKEN)).unwrap();
    let calls = async {
        for _ in 0..3 {
            assert_eq!(client.execute(&set_stock()).await.result, Ok(Answer::Done));
        }
    };
    // One connection is accepted and no more: a second one would wait for ever.
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            receive(&mut stream).await.unwrap();
            stream.write_all(http("204 No Content", "", "").as_bytes()).await.unwrap();
        }
    };
    tokio::join!(calls, server);
}

fn an_account(request: &Received) -> String {
    let path = request.line.split(' ').nth(1).unwrap_or_default();
    let json = |body: &str| http("200 OK", "content-type: application/json", body);
    match path {
        "/api/logistics/pvt/configuration/warehouses" => {
            json(r#"[{"id":"Centro","name":"x","isActive":true},{"id":"b","isActive":false}]"#)
        }
        "/api/catalog_system/pvt/saleschannel/list" => json(r#"[{"Id":1,"Name":"Loja","IsActive":true}]"#),
        "/api/logistics/pvt/inventory/skus/1" => http("404 Not Found", "", "no such SKU"),
        "/lojamar/pricing/config" => json(
            r#"{"hasMigrated":true,"defaultMarkup":100,"priceVariation":{"upperLimit":50,"lowerLimit":null},
            "minimumMarkups":{},"blockAccount":true,"blockedRoutes":null,"priceTableLimit":null}"#,
        ),
        "/lojamar/pricing/tables" => json(r#"["ouro"]"#),
        _ => http("403 Forbidden", "", "{}"),
    }
}

fn everything_forbidden(_: &Received) -> String {
    http("403 Forbidden", "", "{}")
}

fn everything_unauthorized(_: &Received) -> String {
    http("401 Unauthorized", "", "{}")
}

#[tokio::test]
async fn the_check_names_what_is_wrong_with_an_account_and_what_to_do() {
    let server = Server::start((0..6).map(|_| Script::Route(an_account)).collect()).await;
    let expected = Expected {
        warehouses: ["Centro", "centro", "b", "c"].map(str::to_owned).to_vec(),
        trade_policies: ["1", "ouro", "2"].map(str::to_owned).to_vec(),
    };
    let account = server.client().check(&expected).await;
    let told: Vec<_> =
        account.findings.iter().map(|it| (it.subject, it.severity, it.message.as_str())).collect();
    for expected in [
        ("credentials", Severity::Ok, "VTEX accepts key and token"),
        ("stock", Severity::Ok, "balances can be read"),
        ("catalog", Severity::Error, "SKU ids by reference: the key has no permission (status 403)"),
        ("price", Severity::Error, "VTEX has blocked its Pricing API for this account"),
        ("price", Severity::Warning, "the account limits price changes: upper 50"),
        ("warehouses", Severity::Ok, "warehouse 'Centro' exists"),
        ("warehouses", Severity::Warning, "warehouse 'centro' is 'Centro' in VTEX"),
        ("warehouses", Severity::Warning, "warehouse 'b' is not active in VTEX"),
        ("warehouses", Severity::Error, "VTEX has no warehouse 'c'"),
        ("trade policies", Severity::Ok, "'ouro' exists"),
        ("trade policies", Severity::Warning, "VTEX has neither a trade policy nor a price table '2'"),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:#?}");
    }
    assert!(account.findings.iter().all(|it| it.remedy.is_some() == (it.severity != Severity::Ok)));
    let catalog = account.findings.iter().find(|it| it.subject == "catalog").unwrap();
    assert!(catalog.remedy.as_deref().unwrap().contains("'SKUs'"));
}

#[tokio::test]
async fn the_check_tells_wrong_credentials_from_missing_permissions() {
    let server = Server::start((0..6).map(|_| Script::Route(everything_unauthorized)).collect()).await;
    let account = server.client().check(&Expected::default()).await;
    assert_eq!(account.findings.len(), 1);
    assert_eq!(account.findings[0].subject, "credentials");
    assert_eq!(account.findings[0].severity, Severity::Error);

    let server = Server::start((0..6).map(|_| Script::Route(everything_forbidden)).collect()).await;
    let account = server.client().check(&Expected::default()).await;
    assert_eq!(account.findings[0].severity, Severity::Ok, "{:?}", account.findings);
    assert_eq!(account.findings.len(), 7);
    let remedies = account.findings[1..].iter().filter_map(|it| it.remedy.as_deref());
    assert_eq!(remedies.filter(|it| it.contains("License Manager resource")).count(), 6);
}
