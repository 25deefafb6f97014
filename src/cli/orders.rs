//! `mare orders`

use serde_json::{Value, json};

use super::admin_client::AdminClient;
use crate::config::Config;

/// Orders of VTEX on their way into Live. One that cannot be written is set aside with every reason, and tried again by
/// itself; nothing else waits for it.
#[derive(Debug, clap::Subcommand)]
pub enum Orders {
    /// List those that are set aside, and why; or the last ones.
    List {
        /// The last ones that something was done about.
        #[arg(long)]
        recent: bool,
    },
    /// Show where one order is: in VTEX, in Live, and here.
    Show { order: String },
    /// Look again at those that are set aside: at all, or at one.
    Retry { order: Option<String> },
    /// Forget one that is set aside, because somebody has dealt with it elsewhere.
    Drop { order: String },
    /// Tell what was done about one order, and when.
    History { order: String },
}

impl Orders {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = AdminClient::new(config)?;
        match self {
            Self::List { recent: true } => {
                recent(&client.get("/orders?recent=true&limit=50").await?);
            }
            Self::List { recent: false } => held(&client.get("/orders").await?),
            Self::Show { order } => show(&client.get(&path(&order, "")).await?),
            Self::History { order } => history(&client.get(&path(&order, "/history")).await?),
            Self::Retry { order } => {
                let answer = client.post("/orders/retry", &json!({ "order": order })).await?;
                println!("{} orders are looked at again", answer["retried"]);
            }
            Self::Drop { order } => {
                client.post("/orders/drop", &json!({ "order": order })).await?;
                println!("forgotten; another change of the order in VTEX brings it back");
            }
        }
        Ok(())
    }
}

/// Ids of orders are letters, digits and `-`; anything else names none.
fn path(order: &str, rest: &str) -> String {
    let id: String =
        order.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    format!("/orders/{id}{rest}")
}

/// Both numbers of an order: VTEX's id with the short one, and Live's.
fn both(order: &Value) -> String {
    let text = |name: &str| order[name].as_str().unwrap_or_default();
    let sequence = order["sequence"].as_str().map(|number| format!(" ({number})")).unwrap_or_default();
    let numbers: Vec<&str> = list(order, "numbers").iter().filter_map(Value::as_str).collect();
    let live =
        if numbers.is_empty() { "not in Live".to_owned() } else { format!("Live {}", numbers.join(", ")) };
    format!("{}{sequence}  {live}", text("order"))
}

fn list<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().map_or(&[], Vec::as_slice)
}

fn held(answer: &Value) {
    let orders = list(answer, "held");
    if orders.is_empty() {
        println!("no order is set aside");
        return;
    }
    for order in orders {
        let text = |name: &str| order[name].as_str().unwrap_or_default();
        println!(
            "{}  {}  since {}, {} tries, again at {}",
            both(order),
            text("status"),
            text("since"),
            order["tries"],
            text("again_at")
        );
        for reason in list(order, "reasons") {
            println!("    {}", reason.as_str().unwrap_or_default());
        }
    }
    if answer["total"].as_u64() > Some(orders.len() as u64) {
        println!("… {} in all", answer["total"]);
    }
}

fn recent(answer: &Value) {
    let orders = list(answer, "orders");
    if orders.is_empty() {
        println!("no order has come yet");
    }
    for order in orders {
        let text = |name: &str| order[name].as_str().unwrap_or_default();
        println!("{}  {}  {}  {}", both(order), text("status"), text("at"), text("what"));
    }
}

fn show(answer: &Value) {
    println!("{}", both(answer));
    let error = |value: &Value| value["error"].as_str().map(str::to_owned);
    let vtex = &answer["vtex"];
    match error(vtex) {
        Some(error) => println!("  VTEX: {error}"),
        None => println!("  VTEX: {}", vtex["status"].as_str().unwrap_or_default()),
    }
    match error(&answer["live"]) {
        Some(error) => println!("  Live: {error}"),
        None => {
            for part in list(answer, "live") {
                let text = |name: &str| part[name].as_str().unwrap_or_default();
                let asked = if part["cancellation_asked"] == true { ", cancellation asked for" } else { "" };
                println!(
                    "  Live: {} as {}, status {} ({}){asked}",
                    text("number"),
                    text("external"),
                    part["status"],
                    text("stage")
                );
            }
        }
    }
    for reason in list(&answer["held"], "reasons") {
        println!("  set aside: {}", reason.as_str().unwrap_or_default());
    }
}

fn history(answer: &Value) {
    println!("{}", both(answer));
    for event in list(answer, "history") {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        println!("  {}  {}  {}", text("at"), text("status"), text("what"));
    }
}
