//! `/metrics`: gauges and totals are set from the facts at the moment of the scrape.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use metrics::{counter, gauge};

use super::{Admin, Refusal};
use crate::core::breaker::BreakerState;
use crate::core::dispatch::{Drift, Stats};
use crate::core::entity::Entity;
use crate::core::record::ParkReason;
use crate::core::time::Timestamp;
use crate::orders::FeedHealth;
use crate::pipeline::{Control, wall_clock};
use crate::proof::Pass;
use crate::source::status::{Phase, SourceFacts};
use crate::telemetry::metrics as names;

pub(super) async fn metrics(State(admin): State<Arc<Admin>>) -> Result<String, Refusal> {
    let stats = admin.ask(Control::Stats).await?;
    let now = wall_clock();
    let sources: Vec<SourceFacts> = admin.sources.iter().map(|source| source.status.facts()).collect();
    for (source, facts) in admin.sources.iter().zip(&sources) {
        export_source(&source.name, facts, now);
    }
    export_all_sources(&sources);
    export_vtex(&stats);
    if let Some(orders) = &admin.orders {
        let up = orders.facts().feed == FeedHealth::Listening;
        gauge!(names::FEED_UP).set(f64::from(u8::from(up)));
    }
    if let Some(consents) = &admin.consents {
        gauge!(names::SHOP_WAITING).set(consents.facts().waiting as f64);
        let age = consents.age_seconds(now);
        gauge!(names::SHOP_POLL_AGE).set(age.unwrap_or_else(|| admin.started.elapsed().as_secs_f64()));
    }
    let up = admin.started.elapsed().as_secs_f64();
    export_proof(admin.proof.facts().progress.last.as_ref(), now, up);
    gauge!(names::LEDGER_BYTES).set(admin.store.disk_bytes() as f64);
    Ok(admin.metrics.render())
}

fn export_proof(last: Option<&Pass>, now: Timestamp, up_seconds: f64) {
    let age = last.map_or(up_seconds, |pass| pass.started.until(now).as_secs_f64());
    gauge!(names::PROOF_AGE).set(age);
    let Some(pass) = last else { return };
    gauge!(names::PROOF_KEYS).set(pass.keys as f64);
    for entity in pass.entities() {
        for how in Drift::ALL {
            let differed = pass.differing_so(entity, how) as f64;
            gauge!(names::PROOF_DIFFERENCES, "entity" => entity.name(), "how" => how.name()).set(differed);
        }
    }
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
    let share = facts.load.as_ref().map_or(1.0, |load| load.share);
    gauge!(names::LOAD_PROGRESS, "source" => source()).set(share);
    counter!(names::LOAD_ROWS, "source" => source()).absolute(facts.rows_loaded);
    counter!(names::LOAD_DIFFERENCES, "source" => source()).absolute(facts.rows_differing);
    gauge!(names::REFRESH_DUE, "source" => source()).set(facts.refresh_due as f64);
}

/// What has no label for the source is the sum of all.
fn export_all_sources(sources: &[SourceFacts]) {
    let coalesced = sources.iter().map(|facts| facts.coalesced).sum();
    counter!(names::COALESCED, "where" => "source").absolute(coalesced);
    let mut rows: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (label, count) in sources.iter().flat_map(|facts| &facts.rows) {
        *rows.entry(label).or_default() += count;
    }
    for (label, count) in rows {
        let (outcome, reason) = label.split_once('/').unwrap_or((label, ""));
        counter!(names::ROWS, "outcome" => outcome, "reason" => reason).absolute(count);
    }
    for entity in Entity::SWITCHED {
        let paused = sources.iter().any(|facts| facts.paused.contains_key(&entity));
        gauge!(names::PAUSED, "entity" => entity.name()).set(f64::from(u8::from(paused)));
    }
}

fn export_vtex(stats: &Stats) {
    for (lane, stats) in &stats.lanes {
        let lane = lane.name();
        for (urgency, keys) in &stats.queued {
            gauge!(names::QUEUED, "lane" => lane, "urgency" => urgency.name()).set(*keys as f64);
        }
        let oldest = stats.oldest_since.map_or(0.0, |since| since.until(wall_clock()).as_secs_f64());
        gauge!(names::OLDEST_SECONDS, "lane" => lane).set(oldest);
        gauge!(names::WAITING, "lane" => lane, "for" => "sku").set(stats.waiting_for_sku as f64);
        gauge!(names::WAITING, "lane" => lane, "for" => "parent").set(stats.waiting_for_parent as f64);
        gauge!(names::WAITING, "lane" => lane, "for" => "backoff").set(stats.backing_off as f64);
        gauge!(names::WAITING, "lane" => lane, "for" => "verification").set(stats.verifying as f64);
        let left = stats.left.map_or(f64::NAN, |left| left.seconds);
        gauge!(names::LEFT_SECONDS, "lane" => lane).set(left);
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
        counter!(names::THROTTLED, "route" => route).absolute(stats.limit.throttled);
    }
    for (kind, stats) in &stats.bulk {
        gauge!(names::BULK_ROWS, "kind" => kind.name()).set(stats.rows as f64);
    }
    counter!(names::COALESCED, "where" => "ledger").absolute(stats.coalesced);
    counter!(names::SUPPRESSED, "where" => "ledger").absolute(stats.suppressed);
    counter!(names::PRICES_LOST).absolute(stats.prices_lost);
}
