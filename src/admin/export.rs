//! `/metrics`: gauges and totals are set from the facts at the moment of the scrape.

use std::sync::Arc;

use axum::extract::State;
use metrics::{counter, gauge};

use super::{Admin, Refusal};
use crate::core::breaker::BreakerState;
use crate::core::dispatch::Stats;
use crate::core::record::ParkReason;
use crate::core::time::Timestamp;
use crate::pipeline::{Control, wall_clock};
use crate::source::status::{Phase, SourceFacts};
use crate::telemetry::metrics as names;

pub(super) async fn metrics(State(admin): State<Arc<Admin>>) -> Result<String, Refusal> {
    let stats = admin.ask(Control::Stats).await?;
    let now = wall_clock();
    for source in &admin.sources {
        export_source(&source.name, &source.status.facts(), now);
    }
    export_vtex(&stats);
    gauge!(names::LEDGER_BYTES).set(admin.store.disk_bytes() as f64);
    Ok(admin.metrics.render())
}

fn export_source(name: &str, facts: &SourceFacts, now: Timestamp) {
    let source = || name.to_owned();
    let up = f64::from(u8::from(facts.phase == Phase::Streaming));
    gauge!(names::SOURCE_UP, "source" => source()).set(up);
    gauge!(names::SOURCE_LAG_BYTES, "source" => source()).set(facts.lag_bytes() as f64);
    let behind = facts.lag_bytes() > 0;
    let last = facts.last_commit.filter(|_| behind).or(facts.oldest_waiting);
    let lag = last.map_or(0.0, |last| last.until(now).as_secs_f64());
    gauge!(names::SOURCE_LAG_SECONDS, "source" => source()).set(lag);
    if let Some(seconds) = facts.heartbeat_seconds {
        gauge!(names::HEARTBEAT_SECONDS, "source" => source()).set(seconds);
    }
    if let Some(bytes) = facts.retained_bytes {
        gauge!(names::SLOT_RETAINED_BYTES, "source" => source()).set(bytes as f64);
    }
    if let Some(bytes) = facts.safe_bytes {
        gauge!(names::SLOT_SAFE_BYTES, "source" => source()).set(bytes as f64);
    }
    if let Some(rows) = facts.waiting_rows {
        gauge!(names::CHANGELOG_ROWS, "source" => source()).set(rows as f64);
        gauge!(names::CAPTURE_FAULTS, "source" => source()).set(facts.faults.len() as f64);
    }
    counter!(names::SOURCE_CHANGES, "source" => source()).absolute(facts.changes);
    counter!(names::SOURCE_TRANSACTIONS, "source" => source()).absolute(facts.transactions);
    counter!(names::COALESCED, "where" => "source").absolute(facts.coalesced);
    for (label, count) in &facts.rows {
        let (outcome, reason) = label.split_once('/').unwrap_or((label, ""));
        counter!(names::ROWS, "outcome" => outcome, "reason" => reason).absolute(*count);
    }
    for entity in crate::core::entity::Entity::ALL {
        let paused = facts.paused.contains_key(&entity);
        gauge!(names::PAUSED, "entity" => entity.name()).set(f64::from(u8::from(paused)));
    }
    let load = facts.load.as_ref().or(facts.last_load.as_ref());
    let share = facts.load.as_ref().map_or(1.0, |load| load.share);
    gauge!(names::LOAD_PROGRESS, "source" => source(), "entity" => "all").set(share);
    if let Some(load) = load {
        counter!(names::LOAD_ROWS, "source" => source()).absolute(load.rows);
        counter!(names::LOAD_DIFFERENCES, "source" => source()).absolute(load.differences);
    }
    gauge!(names::REFRESH_DUE, "source" => source()).set(facts.refresh_due as f64);
}

fn export_vtex(stats: &Stats) {
    for (lane, stats) in &stats.lanes {
        let lane = lane.name();
        for (urgency, keys) in &stats.queued {
            let urgency = label(urgency);
            gauge!(names::DIRTY, "lane" => lane, "urgency" => urgency).set(*keys as f64);
        }
        let oldest = stats.oldest_since.map_or(0.0, |since| since.until(wall_clock()).as_secs_f64());
        gauge!(names::OLDEST_SECONDS, "lane" => lane).set(oldest);
        gauge!(names::WAITING, "lane" => lane, "for" => "sku").set(stats.waiting_for_sku as f64);
        gauge!(names::WAITING, "lane" => lane, "for" => "backoff").set(stats.backing_off as f64);
        gauge!(names::WAITING, "lane" => lane, "for" => "verification").set(stats.verifying as f64);
        gauge!(names::IN_FLIGHT, "lane" => lane).set(f64::from(stats.gate.requests));
        gauge!(names::CONCURRENCY, "lane" => lane).set(f64::from(stats.gate.requests_max));
        let open = match stats.gate.breaker {
            BreakerState::Closed => 0.0,
            BreakerState::Probing => 0.5,
            BreakerState::Open | BreakerState::Credentials => 1.0,
        };
        gauge!(names::BREAKER_OPEN, "lane" => lane).set(open);
    }
    for reason in ParkReason::ALL {
        let parked: usize = stats.lanes.values().filter_map(|lane| lane.parked.get(&reason)).sum();
        gauge!(names::PARKED, "reason" => reason.name()).set(parked as f64);
    }
    for (route, stats) in &stats.routes {
        let route = route.name();
        gauge!(names::RATE_LIMIT, "route" => route).set(stats.limit.allowed_per_second);
        gauge!(names::RATE_CONFIGURED, "route" => route).set(stats.limit.configured_per_second);
        gauge!(names::TOKENS, "route" => route).set(stats.limit.tokens);
    }
    counter!(names::COALESCED, "where" => "ledger").absolute(stats.coalesced);
    counter!(names::SUPPRESSED, "where" => "ledger").absolute(stats.suppressed);
}

/// The name that a value has in JSON, as a label.
fn label(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
