use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use hashbrown::HashMap;
use secrecy::SecretString;

use super::*;
use crate::core::backoff::Backoff;
use crate::core::limiter::RouteLimit;
use crate::core::message::Patience;
use crate::core::message::template::Template;
use crate::core::order::Step;
use crate::core::order::record::{OrderEvent, OrderRecord};
use crate::core::value::order::Part;
use crate::messages::{Settings, Webhook};
use crate::store::Options;

/// Tests run side by side and all move the clock forward; each reads it once more than it needs.
static CLOCK: AtomicI64 = AtomicI64::new(1_000_000_000_000_000);

pub(in crate::messages) fn now() -> Timestamp {
    Timestamp(CLOCK.fetch_add(1, Ordering::Relaxed))
}

pub(in crate::messages) fn webhook(name: &str, statuses: &[&str]) -> Webhook {
    Webhook {
        name: name.into(),
        url: "http://127.0.0.1:9/".to_owned(),
        secret: SecretString::from("segredo-segredo-segredo".to_owned()),
        headers: Vec::new(),
        statuses: statuses.iter().map(|status| CompactString::from(*status)).collect(),
        passed: true,
        template: Template::complete(&[]),
        templates: std::collections::BTreeMap::new(),
        concurrency: 1,
        limit: RouteLimit { per_second: 1.0, burst: 1 },
    }
}

/// A ledger whose outbox is opened again and again.
pub(in crate::messages) struct Rig {
    pub(in crate::messages) store: Store,
    _dir: tempfile::TempDir,
}

impl Rig {
    pub(in crate::messages) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { store: Store::open(dir.path(), Options::default()).unwrap(), _dir: dir }
    }

    pub(in crate::messages) fn open(&self, webhooks: Vec<Webhook>) -> Option<Arc<Outbox>> {
        let backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(2) };
        let patience = Patience { backoff, expires_after: Duration::from_secs(3_600) };
        let parts = Parts {
            store: self.store.clone(),
            webhooks,
            settings: Settings { patience, timeout: Duration::from_secs(1) },
            stores: HashMap::new(),
            now,
        };
        open(parts).unwrap().map(Arc::new)
    }

    /// The order is at a step now, since `at`.
    pub(in crate::messages) fn see(&self, outbox: &Outbox, id: &str, step: Step, at: Timestamp) {
        let part = Part {
            number: "77".into(),
            kind: OrderKind::Delivery,
            step,
            at: Some(at),
            lines: Vec::new(),
            invoices: Vec::new(),
            dispatch: None,
            decision: None,
            reason: None,
        };
        let ops = outbox.of_order(id, &Order { parts: vec![part] }).unwrap();
        self.store.commit(&ops, Durability::Buffered).unwrap();
    }

    fn messages(&self) -> Vec<String> {
        let found = self.store.messages_after(&[], None, 100).unwrap();
        found.into_iter().map(|(_, message)| message.idempotency_key()).collect()
    }
}

const STEPS: [&str; 4] = ["recebido", "faturado", "despachado", "entregue"];

#[test]
fn the_past_is_not_told_and_what_comes_is_told_once() {
    let rig = Rig::new();
    let before = now();
    let outbox = rig.open(vec![webhook("sms", &STEPS)]).unwrap();
    rig.see(&outbox, "old-01", Step::Dispatched, before);
    assert_eq!(rig.messages(), Vec::<String>::new());
    rig.see(&outbox, "old-01", Step::Delivered, now());
    assert_eq!(rig.messages(), ["sms:old-01:77:entregue"]);
    for _ in 0..2 {
        rig.see(&outbox, "old-01", Step::Delivered, now());
    }
    // A first load of an order that got somewhere lately: of the steps before nobody knows when.
    rig.see(&outbox, "new-01", Step::Dispatched, now());
    assert_eq!(rig.messages(), ["sms:old-01:77:entregue", "sms:new-01:77:despachado"]);
    // One that maré wrote: every step.
    let what = format!("{}: 77", OrderRecord::WRITTEN);
    let mut record = OrderRecord::default();
    record.note(OrderEvent { at: now(), status: "ready-for-handling".into(), what });
    let op = Op::Order { order: "own-01".into(), record: Some(record) };
    rig.store.commit(&[op], Durability::Buffered).unwrap();
    rig.see(&outbox, "own-01", Step::Invoiced, now());
    assert_eq!(rig.messages()[2..], ["sms:own-01:77:recebido", "sms:own-01:77:faturado"]);
}

#[test]
fn a_webhook_that_is_added_later_is_told_nothing_that_was_before() {
    let rig = Rig::new();
    let outbox = rig.open(vec![webhook("sms", &STEPS)]).unwrap();
    rig.see(&outbox, "1-01", Step::Received, now());
    let between = now();
    drop(outbox);
    let outbox = rig.open(vec![webhook("sms", &STEPS), webhook("crm", &STEPS)]).unwrap();
    assert_eq!(rig.messages(), ["sms:1-01:77:recebido"]);
    rig.see(&outbox, "1-01", Step::Invoiced, between);
    let sms = rig.store.messages_after(&waiting("sms"), None, 100).unwrap();
    assert_eq!((sms.len(), rig.messages().len()), (2, 2), "taken before the second one was configured");
    rig.see(&outbox, "1-01", Step::Delivered, now());
    let crm = rig.store.messages_after(&waiting("crm"), None, 100).unwrap();
    let crm: Vec<String> = crm.iter().map(|(_, message)| message.idempotency_key()).collect();
    assert_eq!(crm, ["crm:1-01:77:despachado", "crm:1-01:77:entregue"]);
}

#[test]
fn messages_outlive_the_process_and_end_with_their_webhook() {
    let rig = Rig::new();
    let outbox = rig.open(vec![webhook("sms", &STEPS), webhook("sms-2", &["entregue"])]).unwrap();
    rig.see(&outbox, "1-01", Step::Received, now());
    rig.see(&outbox, "1-01", Step::Delivered, now());
    assert_eq!(rig.messages().len(), 5);
    drop(outbox);
    let outbox = rig.open(vec![webhook("sms", &STEPS)]).unwrap();
    rig.see(&outbox, "2-01", Step::Received, now());
    let keys = rig.messages();
    assert_eq!(keys.len(), 5, "{keys:?}");
    assert_eq!(keys.last().map(String::as_str), Some("sms:2-01:77:recebido"), "numbers go on");
    assert!(rig.open(Vec::new()).is_none());
    assert_eq!(rig.messages(), Vec::<String>::new());
    // It comes back: a new one.
    let gone = now();
    let outbox = rig.open(vec![webhook("sms", &STEPS)]).unwrap();
    rig.see(&outbox, "3-01", Step::Received, gone);
    assert_eq!(rig.messages(), Vec::<String>::new());
}

#[test]
fn statuses_of_vtex_are_told_like_steps() {
    let rig = Rig::new();
    let before = now();
    let outbox = rig.open(vec![webhook("crm", &["handling", "invoiced", "canceled"])]).unwrap();
    let tell = |status: &str, heard: &[(&str, Timestamp)], placed: Timestamp| {
        let heard: Vec<Heard> = heard
            .iter()
            .map(|(status, at)| Heard { at: Some(*at), status: CompactString::from(*status) })
            .collect();
        let ops = outbox.of_status("1-01", &heard, status, Some("500001".into()), Some(placed)).unwrap();
        rig.store.commit(&ops, Durability::Buffered).unwrap();
    };
    tell("ready-for-handling", &[], before);
    let (one, two) = (now(), now());
    tell("invoiced", &[("invoiced", two), ("handling", one)], before);
    tell("invoiced", &[("handling", one)], before);
    assert_eq!(rig.messages(), ["crm:1-01::handling", "crm:1-01::invoiced"]);
    let (_, message) = rig.store.messages_after(&waiting("crm"), None, 1).unwrap().remove(0);
    assert_eq!((message.passed, message.facts.sequence.as_deref()), (true, Some("500001")));
    // Found by the list of orders, cancelled before there was a webhook.
    let ops = outbox.of_status("0-01", &[], "canceled", None, Some(before)).unwrap();
    assert!(!ops.iter().any(|op| matches!(op, Op::Message { .. })), "{ops:?}");
}

#[test]
fn what_is_set_aside_is_listed_and_goes_back_by_command() {
    let rig = Rig::new();
    let outbox = rig.open(vec![webhook("sms", &STEPS)]).unwrap();
    rig.see(&outbox, "1-01", Step::Received, now());
    let (key, message) = rig.store.messages_after(&waiting("sms"), None, 1).unwrap().remove(0);
    let aside = crate::core::message::SetAside { at: now(), reason: "status 400".to_owned() };
    let parked = Message { parked: Some(aside), attempts: 3, ..message };
    let ops = [
        Op::Message { key: moved(&key), message: Some(Box::new(parked)) },
        Op::Message { key: key.clone(), message: None },
    ];
    rig.store.commit(&ops, Durability::Buffered).unwrap();
    let listed = outbox.list(10).unwrap();
    assert_eq!(
        (listed["total"].as_u64(), listed["parked"][0]["reason"].as_str()),
        (Some(1), Some("status 400"))
    );
    assert_eq!(outbox.facts().unwrap().webhooks[0].parked, 1);
    assert_eq!(outbox.retry(Some("sms:1-01:77:entregue")).unwrap(), 0);
    assert_eq!(outbox.retry(Some("sms:1-01:77:recebido")).unwrap(), 1);
    let (again, message) = rig.store.messages_after(&waiting("sms"), None, 1).unwrap().remove(0);
    assert_eq!((again, message.attempts, message.parked), (key, 0, None));
    assert!(!outbox.drop_parked("sms:1-01:77:recebido").unwrap(), "it waits");
}
