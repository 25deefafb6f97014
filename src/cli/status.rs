//! `mare status`

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;

use super::admin_client::AdminClient;
use crate::config::Config;
use crate::core::progress::About;

/// Show what the running replicator does.
#[derive(Debug, clap::Args)]
pub struct Status {
    /// Everything, as JSON.
    #[arg(long)]
    json: bool,
    /// One line a second: what happens now.
    #[arg(long, conflicts_with_all = ["json", "watch"])]
    follow: bool,
    /// Again and again, until Ctrl-C.
    #[arg(long)]
    watch: bool,
}

impl Status {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let client = AdminClient::new(config)?;
        if self.follow {
            return follow(&client).await;
        }
        loop {
            let status = client.get("/status").await?;
            if self.json {
                println!("{status:#}");
            } else {
                if self.watch {
                    // Clears the screen and goes home (ECMA-48).
                    print!("\x1b[2J\x1b[H");
                }
                print!("{}", table(&status));
            }
            if !self.watch {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Totals, whose growth is what happens.
#[derive(Clone, Copy, Default)]
struct Totals {
    changes: u64,
    coalesced: u64,
    suppressed: u64,
    sent: u64,
}

async fn follow(client: &AdminClient) -> anyhow::Result<()> {
    const HEADER_EVERY: usize = 20;
    let mut before: Option<Totals> = None;
    let mut by_route: Vec<u64> = Vec::new();
    for count in 0.. {
        let status = client.get("/status").await?;
        let vtex = &status["vtex"];
        let sources: Vec<&Value> =
            status["sources"].as_object().into_iter().flatten().map(|(_, source)| source).collect();
        let sum = |name: &str| sources.iter().map(|source| number(&source[name])).sum::<u64>();
        let routes: Vec<&Value> =
            vtex["routes"].as_object().into_iter().flatten().map(|(_, route)| route).collect();
        let now = Totals {
            changes: sum("changes"),
            coalesced: sum("coalesced") + number(&vtex["coalesced"]),
            suppressed: number(&vtex["suppressed"]),
            sent: routes.iter().map(|route| number(&route["requests"]["ok"])).sum(),
        };
        let last = before.replace(now).unwrap_or(now);
        let parked: u64 = lanes(vtex)
            .flat_map(|lane| lane["parked"].as_object().into_iter().flatten())
            .map(|(_, n)| number(n))
            .sum();
        let shut: Vec<&str> = vtex["lanes"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, lane)| lane["gate"]["breaker"] != "closed")
            .map(|(name, _)| name.as_str())
            .collect();
        if count % HEADER_EVERY == 0 {
            println!("changes/s  coalesced/s  suppressed/s  requests/s  budget  waiting  parked  behind");
        }
        // Of the route that is used most; above 100 % while burst credits last.
        let used = routes.iter().enumerate().map(|(index, route)| {
            let ok = number(&route["requests"]["ok"]);
            let sent = ok - by_route.get(index).copied().unwrap_or(ok);
            100.0 * sent as f64 / route["limit"]["configured_per_second"].as_f64().unwrap_or(f64::INFINITY)
        });
        let budget = used.fold(0.0, f64::max);
        by_route = routes.iter().map(|route| number(&route["requests"]["ok"])).collect();
        let requests = now.sent - last.sent;
        println!(
            "{:>9}  {:>11}  {:>12}  {requests:>10}  {:>5.0}%  {:>7}  {parked:>6}  {:>6}  {}",
            now.changes - last.changes,
            now.coalesced - last.coalesced,
            now.suppressed - last.suppressed,
            budget,
            number(&vtex["keys"]),
            bytes(&Value::from(sum("lag_bytes"))),
            if shut.is_empty() { longest(vtex) } else { format!("VTEX is away ({})", shut.join(", ")) },
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

fn lanes(vtex: &Value) -> impl Iterator<Item = &Value> {
    vtex["lanes"].as_object().into_iter().flatten().map(|(_, lane)| lane)
}

/// Bytes as people read them.
fn bytes(value: &Value) -> String {
    let mut amount = value.as_f64().unwrap_or(0.0);
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if amount < 1024.0 {
            return format!("{amount:.0} {unit}");
        }
        amount /= 1024.0;
    }
    format!("{amount:.1} TiB")
}

/// How long the lane that takes longest will take, if that is worth a word.
fn longest(vtex: &Value) -> String {
    let seconds = lanes(vtex).filter_map(|lane| lane["left"]["seconds"].as_f64()).fold(0.0, f64::max);
    if seconds < 60.0 { String::new() } else { format!("about {} to go", About(seconds)) }
}

/// How long what waits will take, lane by lane.
fn to_go(status: &Value) -> Vec<String> {
    /// Fewer keys, or a shorter time, are not worth a line.
    const KEYS_MIN: u64 = 100;
    const SECONDS_MIN: f64 = 60.0;
    let loading = status["sources"].as_object().into_iter().flatten().any(|(_, it)| it["load"].is_object());
    let unread = if loading { ", and what is still to be read" } else { "" };
    let mut lines = Vec::new();
    for (name, lane) in status["vtex"]["lanes"].as_object().into_iter().flatten() {
        let left = &lane["left"];
        match left["seconds"].as_f64() {
            Some(seconds) if seconds >= SECONDS_MIN => lines.push(format!(
                "  {name}: {} keys to go, about {} at {:.0} requests/s{unread}",
                number(&left["keys"]),
                About(seconds),
                left["requests"].as_f64().unwrap_or(0.0) / seconds,
            )),
            None if queued(lane) >= KEYS_MIN => {
                lines.push(format!("  {name}: how long it will take is not known yet"));
            }
            _ => {}
        }
    }
    lines
}

fn queued(lane: &Value) -> u64 {
    lane["queued"].as_object().into_iter().flatten().map(|(_, keys)| number(keys)).sum()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn table(status: &Value) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    let ready = if status["ready"] == true { "ready" } else { "NOT READY" };
    line(format!(
        "maré {}  {ready}  up {} s",
        status["version"].as_str().unwrap_or(""),
        status["uptime_seconds"]
    ));
    for reason in status["reasons"].as_array().into_iter().flatten() {
        line(format!("  ! {}", reason.as_str().unwrap_or_default()));
    }
    for (name, source) in status["sources"].as_object().into_iter().flatten() {
        let phase = source["phase"].as_str().unwrap_or("");
        line(match source["waiting_rows"].as_u64() {
            Some(rows) => format!("\nsource {name}: {phase}   {rows} rows wait in the change tables"),
            None => format!(
                "\nsource {name}: {phase}   behind {}   retained {}   heartbeat {:.0} ms",
                bytes(&source["lag_bytes"]),
                bytes(&source["retained_bytes"]),
                source["heartbeat_seconds"].as_f64().unwrap_or(0.0) * 1000.0,
            ),
        });
        line(format!(
            "  {} changes in {} transactions, {} coalesced on the way in",
            source["changes"], source["transactions"], source["coalesced"]
        ));
        let load = &source["load"];
        if load.is_object() {
            line(format!(
                "  loading ({}): {:.0} %, {}, {} rows, {} differ {}",
                load["why"].as_str().unwrap_or(""),
                load["share"].as_f64().unwrap_or(0.0) * 100.0,
                load["step"].as_str().unwrap_or(""),
                load["rows"],
                load["differences"],
                load["held_up"].as_str().map_or(String::new(), |why| format!("— {why}")),
            ));
        }
        for (label, count) in source["rows"].as_object().into_iter().flatten() {
            line(format!("  {label}: {count}"));
        }
    }
    let consents = &status["consents"];
    if consents.is_object() {
        let outcome = |name: &str| number(&consents["outcomes"][name]);
        line(format!(
            "\nopt-ins of the shop: {} written into Live, {} unknown customers, {} wait; looked through at {}{}",
            outcome("written"),
            outcome("unknown-customer"),
            number(&consents["waiting"]),
            consents["polled_at"].as_str().unwrap_or("never"),
            consents["problem"].as_str().map_or(String::new(), |why| format!(" — {why}")),
        ));
    }
    orders(&status["orders"]).into_iter().for_each(&mut line);
    messages(&status["messages"]).into_iter().for_each(&mut line);
    let vtex = &status["vtex"];
    line(format!(
        "\nVTEX: {} keys not at rest; {} confirmed, {} coalesced, {} suppressed",
        vtex["keys"], vtex["confirmed"], vtex["coalesced"], vtex["suppressed"]
    ));
    if let Some(lost) = vtex["prices_lost"].as_u64().filter(|lost| *lost > 0) {
        line(format!(
            "  ! {lost} SKUs have lost their last price in Live since the start: see the log, and `mare explain price SKU`"
        ));
    }
    line(format!(
        "  {:<11}{:>9}{:>11}{:>11}{:>10}{:>14}{:>8}",
        "lane", "queued", "in flight", "verifying", "backoff", "wait for SKU", "parked"
    ));
    let sum = |value: &Value| -> u64 {
        value.as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum()
    };
    for (name, lane) in vtex["lanes"].as_object().into_iter().flatten() {
        line(format!(
            "  {name:<11}{:>9}{:>11}{:>11}{:>10}{:>14}{:>8}  {}",
            sum(&lane["queued"]),
            number(&lane["in_flight"]),
            number(&lane["verifying"]),
            number(&lane["backing_off"]),
            number(&lane["waiting_for_sku"]),
            sum(&lane["parked"]),
            lane["gate"]["breaker"].as_str().filter(|state| *state != "closed").unwrap_or(""),
        ));
    }
    for (kind, job) in vtex["bulk"].as_object().into_iter().flatten() {
        let rows = number(&job["rows"]);
        if rows > 0 {
            let text = |name: &str| job[name].as_str().unwrap_or_default();
            line(format!("  bulk job of {kind}: {rows} rows, {} ({})", text("step"), text("batch")));
        } else if job["refused"] == true {
            line(format!("  bulk jobs of {kind}: not offered by the account, all goes one by one"));
        }
    }
    to_go(status).into_iter().for_each(&mut line);
    line(proof(&status["proof"]));
    line(format!(
        "\n  {:<14}{:>10}{:>10}{:>9}{:>9}{:>8}",
        "route", "allowed/s", "set/s", "tokens", "ok", "429"
    ));
    for (name, route) in vtex["routes"].as_object().into_iter().flatten() {
        let limit = &route["limit"];
        line(format!(
            "  {name:<14}{:>10.1}{:>10.1}{:>9.0}{:>9}{:>8}",
            limit["allowed_per_second"].as_f64().unwrap_or(0.0),
            limit["configured_per_second"].as_f64().unwrap_or(0.0),
            limit["tokens"].as_f64().unwrap_or(0.0),
            route["requests"]["ok"].as_u64().unwrap_or(0),
            number(&limit["throttled"]),
        ));
    }
    out
}

/// When everything was proven last, and how far the next is.
fn proof(proof: &Value) -> String {
    let last = &proof["last"];
    let mut text = match last["started"].as_str() {
        Some(at) => format!(
            "\nlast full proof: {at}, {} keys asked about in VTEX, {} differed",
            last["keys"], last["differing"]
        ),
        None => "\nlast full proof: never".to_owned(),
    };
    if proof["running"].is_object() {
        text.push_str("; now ");
        text.push_str(&super::reconcile::progress(&proof["running"], proof["held_up"].as_str()));
    }
    text
}

/// The entry of orders, if there is one.
fn orders(orders: &Value) -> Vec<String> {
    if !orders.is_object() {
        return Vec::new();
    }
    let hook = &orders["hook"];
    let hook = match hook["health"].as_str() {
        Some(health) => format!("; hook {health}, {} notifications", number(&hook["notifications"])),
        None => String::new(),
    };
    let held = match number(&orders["held"]) {
        0 => String::new(),
        held => format!("; {held} set aside (`mare orders list`)"),
    };
    vec![format!("\norders: feed {}{hook}{held}", orders["feed"].as_str().unwrap_or_default())]
}

/// A line for each webhook.
fn messages(messages: &Value) -> Vec<String> {
    let webhooks = messages["webhooks"].as_array().map_or(&[][..], Vec::as_slice);
    let webhook = |webhook: &Value| {
        let parked = match number(&webhook["parked"]) {
            0 => String::new(),
            parked => format!(", {parked} set aside (`mare messages list`)"),
        };
        let trouble = webhook["trouble"].as_str().map_or(String::new(), |why| format!(" — {why}"));
        format!(
            "messages {}: {} delivered, {} wait{parked}{trouble}",
            webhook["name"].as_str().unwrap_or_default(),
            number(&webhook["delivered"]),
            number(&webhook["waiting"])
        )
    };
    webhooks.iter().map(webhook).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_set_aside_is_told_with_the_command_that_lists_it() {
        let facts =
            json!({ "feed": "listening", "held": 2, "hook": { "health": "set", "notifications": 7 } });
        let line = "\norders: feed listening; hook set, 7 notifications; 2 set aside (`mare orders list`)";
        assert_eq!(orders(&facts), [line]);
        assert_eq!(
            orders(&json!({ "feed": "failing", "held": 0, "hook": null })),
            ["\norders: feed failing"]
        );
        assert!(orders(&Value::Null).is_empty() && messages(&Value::Null).is_empty());
        let sms =
            json!({ "name": "sms", "delivered": 5, "waiting": 1, "parked": 3, "trouble": "status 422" });
        let line = "messages sms: 5 delivered, 1 wait, 3 set aside (`mare messages list`) — status 422";
        assert_eq!(messages(&json!({ "webhooks": [sms] })), [line]);
    }

    #[test]
    fn the_last_full_proof_is_told_and_how_far_the_next_is() {
        let mut facts = json!({ "last": null, "running": null, "held_up": null });
        assert_eq!(proof(&facts), "\nlast full proof: never");
        facts["last"] = json!({ "started": "2026-01-31T10:00:00Z", "keys": 900, "differing": 2 });
        facts["running"] = json!({ "at": "stock", "keys": 7, "differing": 0 });
        let told = "\nlast full proof: 2026-01-31T10:00:00Z, 900 keys asked about in VTEX, 2 differed; \
                    now asking VTEX about stock: 7 keys asked, 0 differ";
        assert_eq!(proof(&facts), told);
    }

    #[test]
    fn how_long_it_takes_is_told_where_it_is_known_and_long() {
        let lane = |left: Value, queued: u64| json!({ "left": left, "queued": { "resync": queued } });
        let mut status = json!({ "sources": { "live": { "load": null } }, "vtex": { "lanes": {
            "catalog": lane(json!({ "keys": 80_000, "requests": 456_000.0, "seconds": 11_400.0 }), 80_000),
            "price": lane(Value::Null, 100),
            "stock": lane(json!({ "keys": 500, "requests": 500.0, "seconds": 10.0 }), 500),
            "people": lane(Value::Null, 99),
        }}});
        let catalog = "  catalog: 80000 keys to go, about 3 h 10 min at 40 requests/s";
        assert_eq!(to_go(&status), [catalog, "  price: how long it will take is not known yet"]);
        status["sources"]["live"]["load"] = json!({ "share": 0.5 });
        assert_eq!(to_go(&status)[0], format!("{catalog}, and what is still to be read"));
        assert_eq!(longest(&status["vtex"]), "about 3 h 10 min to go");
    }
}
