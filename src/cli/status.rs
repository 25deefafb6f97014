//! `mare status`

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;

use super::admin_client::AdminClient;
use crate::config::Config;

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
            if shut.is_empty() { String::new() } else { format!("VTEX is away ({})", shut.join(", ")) },
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
    let vtex = &status["vtex"];
    line(format!(
        "\nVTEX: {} keys not at rest; {} confirmed, {} coalesced, {} suppressed",
        vtex["keys"], vtex["confirmed"], vtex["coalesced"], vtex["suppressed"]
    ));
    line(format!(
        "  {:<9}{:>9}{:>11}{:>11}{:>10}{:>14}{:>8}",
        "lane", "queued", "in flight", "verifying", "backoff", "wait for SKU", "parked"
    ));
    let sum = |value: &Value| -> u64 {
        value.as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum()
    };
    for (name, lane) in vtex["lanes"].as_object().into_iter().flatten() {
        line(format!(
            "  {name:<9}{:>9}{:>11}{:>11}{:>10}{:>14}{:>8}  {}",
            sum(&lane["queued"]),
            number(&lane["in_flight"]),
            number(&lane["verifying"]),
            number(&lane["backing_off"]),
            number(&lane["waiting_for_sku"]),
            sum(&lane["parked"]),
            lane["gate"]["breaker"].as_str().filter(|state| *state != "closed").unwrap_or(""),
        ));
    }
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
