//! `/metrics`: gauges and totals are set from the facts at the moment of the scrape.

use std::sync::Arc;

use axum::extract::State;
use metrics::{counter, gauge};

use super::{Admin, Refusal};
use crate::core::call::Lane;
use crate::core::dispatch::Stats;
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
    let lag = facts.last_commit.filter(|_| behind).map_or(0.0, |last| last.until(now).as_secs_f64());
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
    for lane in Lane::ALL {
        let _ = (lane, stats);
    }
}
