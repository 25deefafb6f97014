//! Every metric by name, with its help text, and the few places where one is counted on the way.
//!
//! Names follow OpenMetrics habits: prefix `mare_`, base units (seconds, bytes), `_total` for counters.
//! Labels have few values: entity, lane, route, outcome, reason; never a key.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::core::call::bulk::BulkKind;
use crate::core::call::{Call, Failure, Outcome};
use crate::core::dispatch::{BulkEvent, Drift, RowCounts};
use crate::core::entity::Entity;

/// What kind of metric a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One metric: name, kind, unit, labels and what it tells the operator.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static str,
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, $labels:literal, $help:literal;)*) => {
        $(pub const $constant: &str = $name;)*
        /// Every metric there is: the table in the README and `/metrics` are held against it by a test.
        pub const ALL: &[Metric] =
            &[$(Metric { name: $name, kind: Kind::$kind, labels: $labels, help: $help },)*];
    };
}

metrics! {
    BUILD_INFO = "mare_build_info", Gauge, "version", "Always 1; carries the version.";
    SOURCE_UP = "mare_source_up", Gauge, "source", "1 while the source is streaming.";
    SOURCE_LAG_BYTES = "mare_source_lag_bytes", Gauge, "source", "WAL written by Live and not yet in the ledger.";
    SOURCE_LAG_SECONDS = "mare_source_lag_seconds", Gauge, "source", "Age of the last commit or heartbeat taken in, when behind; 0 when level.";
    HEARTBEAT_SECONDS = "mare_heartbeat_seconds", Gauge, "source", "Last round trip of a heartbeat through the WAL.";
    SLOT_RETAINED_BYTES = "mare_slot_retained_bytes", Gauge, "source", "WAL that Live keeps because of our slot.";
    SLOT_SAFE_BYTES = "mare_slot_safe_bytes", Gauge, "source", "WAL that may still be written before the slot is lost (absent: no limit).";
    CHANGELOG_ROWS = "mare_changelog_rows", Gauge, "source", "Rows that wait in the change tables (counted up to 100,000 a table; with triggers only).";
    CAPTURE_FAULTS = "mare_capture_faults", Gauge, "source", "What keeps changes from being captured: missing or disabled triggers, the switch (with triggers only).";
    SOURCE_CHANGES = "mare_source_changes_total", Counter, "source", "Row changes read.";
    SOURCE_TRANSACTIONS = "mare_source_transactions_total", Counter, "source", "Transactions read.";
    COALESCED = "mare_coalesced_total", Counter, "where", "Changes replaced by a newer one of the same key before they were sent.";
    SUPPRESSED = "mare_suppressed_total", Counter, "where", "Values that VTEX had already, dropped without a request.";
    STALE = "mare_stale_total", Counter, "", "Values older than what the ledger held, dropped.";
    ROWS = "mare_rows_total", Counter, "outcome,reason", "Rows that were skipped, adjusted or refused by the mapping, by reason.";
    PAUSED = "mare_entity_paused", Gauge, "entity", "1 while an entity is paused because its columns are not as mapped.";
    COMMITS = "mare_ledger_commits_total", Counter, "", "Synced group commits of the ledger.";
    COMMIT_SECONDS = "mare_ledger_commit_seconds", Histogram, "", "Time of one synced group commit.";
    LEDGER_BYTES = "mare_ledger_bytes", Gauge, "", "Size of the ledger on disk.";
    QUEUED = "mare_queued_keys", Gauge, "lane,urgency", "Keys that wait for their turn to be sent.";
    OLDEST_SECONDS = "mare_oldest_dirty_seconds", Gauge, "lane", "For how long VTEX has been behind with the oldest key that is not parked.";
    WAITING = "mare_waiting_keys", Gauge, "lane,for", "Keys that wait for a SKU, or for a brand, category or product, to exist in VTEX, for another attempt, or for a second look at what was delivered.";
    LEFT_SECONDS = "mare_left_seconds", Gauge, "lane", "How long what waits will take under the limits, with the requests that keys have taken lately; NaN while that is not known.";
    PARKED = "mare_parked_keys", Gauge, "reason", "Keys set aside until they change or an operator retries them.";
    IN_FLIGHT = "mare_requests_in_flight", Gauge, "lane", "Requests under way.";
    CONCURRENCY = "mare_concurrency_limit", Gauge, "lane", "Requests that may be under way at once now.";
    REQUESTS = "mare_requests_total", Counter, "route,outcome", "Requests by their outcome (ok, another status, timeout, connect, reset, malformed).";
    REQUEST_SECONDS = "mare_request_seconds", Histogram, "route", "Time to VTEX's answer.";
    RATE_LIMIT = "mare_rate_limit_per_second", Gauge, "route", "Requests per second allowed now.";
    RATE_CONFIGURED = "mare_rate_configured_per_second", Gauge, "route", "Requests per second configured.";
    TOKENS = "mare_rate_tokens", Gauge, "route", "Requests that could be sent at once.";
    THROTTLED = "mare_throttled_total", Counter, "route", "429 answers.";
    BREAKER_OPEN = "mare_breaker_open", Gauge, "lane", "1 while the breaker is open, 0.5 while it probes.";
    PRICES_LOST = "mare_prices_lost_total", Counter, "", "SKUs whose last price went in Live. VTEX keeps its own, unless price.on_missing_price says otherwise.";
    CONFIRMED = "mare_confirmed_total", Counter, "entity", "Values confirmed by VTEX.";
    CONFIRM_SECONDS = "mare_commit_to_confirm_seconds", Histogram, "entity", "From the commit in Live to VTEX's confirmation.";
    BULK_ROWS = "mare_bulk_rows", Gauge, "kind", "Rows of the bulk job under way; 0 without one.";
    BULK_JOBS = "mare_bulk_jobs_total", Counter, "kind,end", "Bulk jobs that are over, by how they ended.";
    BULK_RESULTS = "mare_bulk_results_total", Counter, "kind,result", "Rows of bulk jobs, by what became of them (confirmed, retried, parked, read, returned).";
    LOAD_PROGRESS = "mare_reconcile_progress", Gauge, "source", "Share of the running first load or reconcile that is done; 1 when none runs.";
    LOAD_ROWS = "mare_reconcile_rows_total", Counter, "source", "Rows read by first loads and reconciles.";
    LOAD_DIFFERENCES = "mare_reconcile_differences_total", Counter, "source", "Rows among them that differed from the ledger.";
    PROOF_AGE = "mare_proof_age_seconds", Gauge, "", "Since the last pass over everything that VTEX confirmed began; since the start while there was none.";
    PROOF_KEYS = "mare_proof_keys", Gauge, "", "Keys that VTEX told about in the last such pass.";
    PROOF_DIFFERENCES = "mare_proof_differences", Gauge, "entity,how", "Keys among them that differed (missing, higher, lower, changed).";
    DRIFT = "mare_drift_total", Counter, "entity,how", "Keys that VTEX held otherwise than it had confirmed, found by a proof.";
    FEED_UP = "mare_feed_up", Gauge, "", "1 while the feed of orders is read (only with [orders]).";
    FEED_MESSAGES = "mare_feed_messages_total", Counter, "", "Messages of the feed of orders.";
    FEED_SET_UP = "mare_feed_set_up_total", Counter, "", "How often the feed of orders had to be set up.";
    HOOK_UP = "mare_hook_up", Gauge, "", "1 while VTEX has our hook of orders (only with [orders.hook]).";
    HOOK_NOTIFICATIONS = "mare_hook_notifications_total", Counter, "outcome", "Requests to the hook by what came of them (taken, known, full, ping, unauthorized, too-large, too-slow, unreadable).";
    HOOK_SET_UP = "mare_hook_set_up_total", Counter, "", "How often the hook of orders had to be set up.";
    ORDERS = "mare_orders_total", Counter, "outcome", "Looks at orders of VTEX by what came of them (inserted, cancelled, flagged, held, nothing).";
    ORDERS_HELD = "mare_orders_held", Gauge, "", "Orders of VTEX that are not in Live, and why is known.";
    ORDER_ENTRY_SECONDS = "mare_order_entry_seconds", Histogram, "", "From the status in VTEX that asks for it to the order in Live.";
    MESSAGES = "mare_messages_total", Counter, "webhook,outcome", "Attempts to send messages to customers (delivered, again, parked).";
    MESSAGES_WAITING = "mare_messages_waiting", Gauge, "webhook", "Messages to customers that are not delivered yet.";
    MESSAGES_PARKED = "mare_messages_parked", Gauge, "webhook", "Messages to customers that are set aside until an operator retries them.";
    MESSAGE_SECONDS = "mare_message_seconds", Histogram, "webhook", "From the change in the ledger to the receiver's answer.";
    SHOP_CONSENTS = "mare_shop_consents_total", Counter, "outcome", "Changes of customers in the shop, by what became of the opt-in (written, learned, no-act, unknown-customer, ambiguous-email, undecided, waits, erased).";
    SHOP_POLL_AGE = "mare_shop_poll_age_seconds", Gauge, "", "Since the shop's opt-ins were last looked through to the end.";
    SHOP_WAITING = "mare_shop_consents_waiting", Gauge, "", "Customers whose opt-in waits to be looked at again.";
    REFRESH_DUE = "mare_refresh_due", Gauge, "source", "Keys to be read again from Live.";
}

/// Starts collecting; the handle renders `/metrics`. Once per process (tests share the first).
pub fn install() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE
        .get_or_init(|| {
            /// From a loopback answer to the longest timeout.
            const SECONDS: &[f64] = &[
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
                300.0, 900.0, 3600.0,
            ];
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
                .expect("the list of buckets is not empty")
                .build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder is installed; /metrics stays empty");
            }
            describe();
            handle
        })
        .clone()
}

fn describe() {
    for metric in ALL {
        let unit = if metric.name.contains("_bytes") {
            Unit::Bytes
        } else if metric.name.contains("_seconds") {
            Unit::Seconds
        } else {
            Unit::Count
        };
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, unit, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, unit, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, unit, metric.help),
        }
    }
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    // A counter that begins with its first event has no rate at that moment.
    counter!(STALE).absolute(0);
    for kind in BulkKind::ALL.map(BulkKind::name) {
        for end in BulkEvent::ENDS {
            counter!(BULK_JOBS, "kind" => kind, "end" => end).absolute(0);
        }
        for (result, none) in RowCounts::default().named() {
            counter!(BULK_RESULTS, "kind" => kind, "result" => result).absolute(none);
        }
    }
    counter!(COMMITS).absolute(0);
    counter!(PRICES_LOST).absolute(0);
    for entity in Entity::ALL {
        counter!(CONFIRMED, "entity" => entity.name()).absolute(0);
    }
}

/// A request has ended.
pub fn request(call: &Call, outcome: &Outcome) {
    let route = call.route().name();
    counter!(REQUESTS, "route" => route, "outcome" => ended(outcome.result.as_ref().err())).increment(1);
    histogram!(REQUEST_SECONDS, "route" => route).record(outcome.elapsed.as_secs_f64());
}

/// VTEX has confirmed a value, `lag` after its commit in Live.
pub fn confirmed(entity: Entity, lag: Duration) {
    counter!(CONFIRMED, "entity" => entity.name()).increment(1);
    histogram!(CONFIRM_SECONDS, "entity" => entity.name()).record(lag.as_secs_f64());
}

/// A job of many keys is over.
pub fn bulk_ended(kind: BulkKind, end: &'static str, rows: &RowCounts) {
    counter!(BULK_JOBS, "kind" => kind.name(), "end" => end).increment(1);
    for (result, rows) in rows.named() {
        counter!(BULK_RESULTS, "kind" => kind.name(), "result" => result).increment(rows);
    }
}

fn ended(failure: Option<&Failure>) -> std::borrow::Cow<'static, str> {
    match failure {
        None => "ok".into(),
        Some(Failure::Status { code, .. }) => code.to_string().into(),
        Some(Failure::Timeout) => "timeout".into(),
        Some(Failure::Connect(_)) => "connect".into(),
        Some(Failure::Reset(_)) => "reset".into(),
        Some(Failure::Malformed(_)) => "malformed".into(),
    }
}

/// A question about orders has ended; `what` is one of a few words.
pub fn order_request(what: &'static str, failure: Option<&Failure>, elapsed: Duration) {
    counter!(REQUESTS, "route" => what, "outcome" => ended(failure)).increment(1);
    histogram!(REQUEST_SECONDS, "route" => what).record(elapsed.as_secs_f64());
}

/// An order of VTEX was looked at.
pub fn order(outcome: &'static str) {
    counter!(ORDERS, "outcome" => outcome).increment(1);
}

/// An order is in Live, `lag` after VTEX said that it may be.
pub fn order_entered(lag: Duration) {
    histogram!(ORDER_ENTRY_SECONDS).record(lag.as_secs_f64());
}

/// So many orders are set aside.
pub fn orders_held(count: usize) {
    gauge!(ORDERS_HELD).set(count as f64);
}

/// The feed was read.
pub fn feed_messages(count: usize) {
    counter!(FEED_MESSAGES).increment(count as u64);
}

/// The feed had to be set up.
pub fn feed_set_up() {
    counter!(FEED_SET_UP).increment(1);
}

/// Somebody has asked the hook for something; `outcome` is one of a few words.
pub fn hook_notification(outcome: &'static str) {
    counter!(HOOK_NOTIFICATIONS, "outcome" => outcome).increment(1);
}

/// Whether VTEX has our hook.
pub fn hook_up(up: bool) {
    gauge!(HOOK_UP).set(f64::from(u8::from(up)));
}

/// The hook had to be set up.
pub fn hook_set_up() {
    counter!(HOOK_SET_UP).increment(1);
}

/// A message to a customer was sent, with what came of it.
pub fn message(webhook: &str, outcome: &'static str) {
    counter!(MESSAGES, "webhook" => webhook.to_owned(), "outcome" => outcome).increment(1);
}

/// A receiver has taken a message, `lag` after it was made.
pub fn message_delivered(webhook: &str, lag: Duration) {
    histogram!(MESSAGE_SECONDS, "webhook" => webhook.to_owned()).record(lag.as_secs_f64());
}

/// So many messages wait, and so many are set aside.
pub fn messages_left(webhook: &str, waiting: u64, parked: u64) {
    gauge!(MESSAGES_WAITING, "webhook" => webhook.to_owned()).set(waiting as f64);
    gauge!(MESSAGES_PARKED, "webhook" => webhook.to_owned()).set(parked as f64);
}

/// A customer changed in the shop.
pub fn shop_consent(outcome: &'static str) {
    counter!(SHOP_CONSENTS, "outcome" => outcome).increment(1);
}

/// VTEX was found to hold a key otherwise than it had confirmed.
pub fn drift(entity: Entity, how: Drift) {
    counter!(DRIFT, "entity" => entity.name(), "how" => how.name()).increment(1);
}

/// A value was older than what the ledger holds.
pub fn stale() {
    counter!(STALE).increment(1);
}

/// A synced group commit took `time`.
pub fn committed(time: Duration) {
    counter!(COMMITS).increment(1);
    histogram!(COMMIT_SECONDS).record(time.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_names_every_metric_and_no_other() {
        let readme = include_str!("../../README.md");
        for metric in ALL {
            assert!(readme.contains(&format!("`{}`", metric.name)), "{} is not in the README", metric.name);
        }
        let named = readme.split('`').filter(|word| word.starts_with("mare_"));
        let alerts = include_str!("../../deploy/alerts.yml");
        let words = alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in named.chain(words.filter(|word| word.starts_with("mare_"))) {
            let parts = ["", "_bucket", "_sum", "_count"].map(|part| name.strip_suffix(part));
            let known = ALL.iter().any(|metric| parts.contains(&Some(metric.name)));
            assert!(known, "{name} is no metric");
        }
    }
}
