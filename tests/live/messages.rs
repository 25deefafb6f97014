//! Messages to customers: the binary, and a receiver that fails in every way.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use mare::core::message::signature;
use mare::simulator::{Limits, Options, OrderOptions, OrderStatus};
use serde_json::Value;

use crate::order_status::{FAST, invoice, place, sql, step, type_in};
use crate::orders::{ORDERS, no_personal_data, order, place as place_order, skus, usual};
use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const SECRET: &str = "segredo-do-provedor-0123456789";
const QUICK: &str = "[messages]\ntimeout_ms = 500\nretry_first_ms = 50\nretry_max_ms = 400\n";

/// What a receiver does about a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mood {
    Takes,
    Answers(u16),
    /// Neither takes it nor answers.
    Hangs,
    /// Takes it and does not answer in time.
    TakesAndHangs,
}

/// A request that came in.
#[derive(Clone, Debug)]
struct Got {
    key: String,
    body: Value,
    mood: Mood,
}

impl Got {
    const fn is_taken(&self) -> bool {
        matches!(self.mood, Mood::Takes | Mood::TakesAndHangs)
    }
}

type Moods = Box<dyn FnMut(&str) -> Mood + Send>;

/// A provider of SMS.
#[derive(Clone)]
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    moods: Arc<Mutex<Moods>>,
}

impl Receiver {
    async fn start(moods: impl FnMut(&str) -> Mood + Send + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            got: Arc::default(),
            moods: Arc::new(Mutex::new(Box::new(moods))),
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn set(&self, moods: impl FnMut(&str) -> Mood + Send + 'static) {
        *self.moods.lock().unwrap() = Box::new(moods);
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Keys by the order in which they were taken first.
    fn taken(&self) -> Vec<String> {
        let mut taken = Vec::new();
        for got in self.got().into_iter().filter(Got::is_taken) {
            if !taken.contains(&got.key) {
                taken.push(got.key);
            }
        }
        taken
    }

    fn config(&self, name: &str, more: &str) -> String {
        let address = self.address;
        format!(
            "[[messages.webhooks]]\nname = \"{name}\"\nurl = \"http://{address}/envios?canal={name}\"\n\
             secret = \"file:webhook-secret\"\nlimit = {{ per_second = 200, burst = 50 }}\n{more}\n"
        )
    }
}

/// Every attempt, whatever becomes of it, is signed and names what it is.
async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let is_ours = signature::verify(SECRET.as_bytes(), &header("mare-signature"), &body, now);
    assert!(is_ours, "the signature of {headers:?}");
    let key = header("idempotency-key");
    let mood = (receiver.moods.lock().unwrap())(&key);
    let body = serde_json::from_slice(&body).unwrap();
    receiver.got.lock().unwrap().push(Got { key, body, mood });
    match mood {
        Mood::Takes => StatusCode::ACCEPTED.into_response(),
        Mood::Answers(503) => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")]).into_response(),
        Mood::Answers(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Hangs | Mood::TakesAndHangs => {
            tokio::time::sleep(Duration::from_secs(2)).await;
            StatusCode::OK.into_response()
        }
    }
}

/// A site whose orders are ready for handling at once, not running yet.
async fn site(entities: &str, orders: OrderOptions, settings: &str, messages: &str) -> Site {
    let options = Options { limits: Limits::unlimited(), orders, ..Options::default() };
    let mut site = Site::new(200, options, settings).await;
    std::fs::write(site.state_dir().with_file_name("webhook-secret"), SECRET).unwrap();
    site.use_entities(entities);
    site.set_config(&format!("{}{messages}", site.config()));
    let known = site.live.query("SELECT codigo FROM live.produto_sku ORDER BY codigo", &[]).await.unwrap();
    site.vtex.world().seed_skus(known.iter().map(|row| row.get::<_, String>(0)).zip(1..)).unwrap();
    site.run(&["install"]);
    site
}

async fn webhook(site: &Site, index: usize) -> Value {
    site.get("/status").await.unwrap_or_default()["messages"]["webhooks"][index].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_reaches_the_customer_once_through_kill_9_errors_and_hangs() {
    let mut random = fastrand::Rng::with_seed(11);
    let receiver = Receiver::start(move |_| match random.u8(..10) {
        0 | 1 => Mood::Answers(500),
        2 => Mood::Answers(503),
        3 => Mood::Hangs,
        4 => Mood::TakesAndHangs,
        _ => Mood::Takes,
    })
    .await;
    let steps = ["recebido", "faturado", "despachado", "entregue"];
    let webhook_config = receiver.config("sms", &format!("statuses = {steps:?}"));
    let mut site =
        site("\"order\"", OrderOptions::without_window(), FAST, &format!("{QUICK}{webhook_config}")).await;
    // What was before there is a webhook is nobody's news.
    let old = place(&site).await;
    type_in(&site, &old, 2, 2).await;
    step(&site, &old, 70).await;
    sql(&site, "UPDATE live.pedido_venda SET data_status = now() - interval '1 hour'").await;
    site.start();
    site.until("the first load", MINUTE, async |site| site.log().contains("Live and the ledger agree")).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        let id = place(&site).await;
        type_in(&site, &id, 2, 2).await;
        invoice(&site, &id, 8_000 + number, 6_498, 2).await;
        ids.push(id);
    }
    let key = |id: &str, number: &str, step: &str| format!("sms:{id}:{number}:{step}");
    let mut numbers = std::collections::HashMap::new();
    for row in
        site.live.query("SELECT numero_externo, numero::text FROM live.pedido_venda", &[]).await.unwrap()
    {
        numbers.insert(row.get::<_, String>(0), row.get::<_, String>(1));
    }
    site.until("all are seen", MINUTE, async |_| {
        let got = receiver.got();
        ids.iter().all(|id| got.iter().any(|got| got.key == key(id, &numbers[id], "recebido")))
    })
    .await;
    let mut kills = fastrand::Rng::with_seed(3);
    for status in [40, 70, 80, 90] {
        for id in &ids {
            step(&site, id, status).await;
            if kills.u8(..3) == 0 {
                tokio::time::sleep(Duration::from_millis(kills.u64(..300))).await;
                site.kill();
                site.start();
            }
        }
    }
    let expected: usize = ids.len() * steps.len();
    site.until("every message", 2 * MINUTE, async |_| receiver.taken().len() >= expected).await;
    site.until("nothing waits", MINUTE, async |site| webhook(site, 0).await["waiting"] == 0).await;
    let taken = receiver.taken();
    for id in &ids {
        let of_order: Vec<&String> = taken.iter().filter(|key| key.contains(&format!(":{id}:"))).collect();
        let wanted: Vec<String> = steps.iter().map(|step| key(id, &numbers[id], step)).collect();
        assert_eq!(of_order, wanted.iter().collect::<Vec<_>>(), "each step once, in order");
    }
    assert_eq!(taken.len(), expected, "nothing of the past: {taken:?}");
    // Whatever is sent again is the same.
    for one in receiver.got() {
        let first = receiver.got().into_iter().find(|got| got.key == one.key).unwrap();
        assert_eq!(one.body, first.body, "{}", one.key);
        assert_eq!(
            one.key,
            key(
                one.body["order"].as_str().unwrap(),
                one.body["live_order"].as_str().unwrap(),
                one.body["status"].as_str().unwrap()
            )
        );
    }
    assert!(receiver.got().len() > taken.len(), "some were tried again");
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_refuses_is_set_aside_and_people_appear_nowhere() {
    let receiver = Receiver::start(|_| Mood::Takes).await;
    let sms = receiver.config(
        "sms",
        "statuses = [\"recebido\", \"canceled\", \"cancelado\"]\npersonal_data = [\"first_name\", \"phone\"]\n\
         template = '{\"to\": \"{{phone}}\", \"text\": \"{{first_name}}, pedido {{order}}: {{status}}\", \"loja\": \"{{store}}\"}'",
    );
    let crm = receiver.config("crm", "statuses = [\"ready-for-handling\", \"canceled\"]");
    let messages = format!("{QUICK}{sms}{crm}");
    let mut site = site("\"stock\", \"order\"", usual(), ORDERS, &messages).await;
    let skus_known = async |site: &Site| {
        site.converged(MINUTE).await;
        skus(site).await
    };
    let checked = site.run(&["check"]);
    assert!(checked.contains("customers are told through sms, crm"), "{checked}");
    site.start();
    let skus = skus_known(&site).await;
    site.until("the feed", MINUTE, async |site| {
        site.get("/status").await.unwrap()["orders"]["feed"] == "listening"
    })
    .await;
    let id = place_order(&site, order(0, &skus));
    let number = async |site: &Site| {
        let rows = site.live.query("SELECT numero::text FROM live.pedido_venda", &[]).await.unwrap();
        rows.first().map(|row| row.get::<_, String>(0)).unwrap_or_default()
    };
    site.until("two messages", MINUTE, async |_| receiver.taken().len() >= 2).await;
    let number = number(&site).await;
    let received = format!("sms:{id}:{number}:recebido");
    let mut taken = receiver.taken();
    taken.sort();
    assert_eq!(taken, [format!("crm:{id}::ready-for-handling"), received.clone()]);
    let of = |key: &str| receiver.got().into_iter().rfind(|got| got.key == key).unwrap().body;
    let body = of(&received);
    assert!(body["to"].as_str().unwrap().starts_with("+55"), "{body}");
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("Jussara") && text.ends_with(&format!("pedido {id}: recebido")), "{body}");
    assert_eq!(body["loja"], "001");
    let body = of(&format!("crm:{id}::ready-for-handling"));
    assert!(body.get("phone").is_none() && !body.to_string().contains("Jussara"), "{body}");
    // The receiver does not want to hear of cancellations.
    receiver.set(|key| if key.ends_with("canceled") { Mood::Answers(422) } else { Mood::Takes });
    site.vtex.world().force_order_status(&id, OrderStatus::Canceled).unwrap();
    let own = format!("sms:{id}:{number}:cancelado");
    site.until("the step of Live", MINUTE, async |_| receiver.taken().contains(&own)).await;
    let refused = format!("sms:{id}::canceled");
    site.until("they are set aside", MINUTE, async |site| {
        webhook(site, 0).await["parked"] == 1 && webhook(site, 1).await["parked"] == 1
    })
    .await;
    for command in [&["messages", "list"][..], &["parked", "list"][..]] {
        let listed = site.run(command);
        assert!(listed.contains(&refused) && listed.contains("status 422: refused as it is"), "{listed}");
    }
    assert!(site.fails(&["messages", "retry", "sms:no:1:such"]).contains("not set aside"));
    site.run(&["messages", "drop", &format!("crm:{id}::canceled")]);
    // A restart changes nothing about it.
    site.kill();
    receiver.set(|_| Mood::Takes);
    site.start();
    site.until("it runs", MINUTE, async |site| webhook(site, 0).await["parked"] == 1).await;
    assert_eq!(webhook(&site, 1).await["parked"], 0);
    assert!(!receiver.taken().contains(&refused));
    assert!(site.run(&["messages", "retry"]).contains("1 messages"));
    site.until("it is delivered", MINUTE, async |_| receiver.taken().contains(&refused)).await;
    assert!(site.run(&["messages", "list"]).contains("no message is set aside"));
    let attempts = receiver.got().iter().filter(|got| got.key == refused).count();
    assert_eq!(attempts, 2, "refused once, and sent once more by command");
    no_personal_data(&site).await;
    let mut shown = site.text("/messages").await;
    shown.push_str(&site.text("/metrics").await);
    for metric in
        ["mare_messages_total", "mare_messages_waiting", "mare_messages_parked", "mare_message_seconds_count"]
    {
        assert!(shown.contains(&format!("{metric}{{webhook=\"sms\"")), "{metric}: {shown}");
    }
    for secret in ["Jussara", "+5511", SECRET] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
    assert_eq!(site.stop(), 0, "{}", site.log());
    // Nor does the ledger hold any.
    for file in files(&site.state_dir()) {
        let bytes = std::fs::read(&file).unwrap();
        let holds = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
        assert!(!holds(b"Jussara") && !holds(b"+55119"), "{} names a person", file.display());
    }
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
