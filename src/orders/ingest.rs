//! One order: what VTEX shows of it now, what Live has, and what follows.

use std::collections::HashMap;

use compact_str::CompactString;
use tracing::{info, warn};

use super::gate::{Unanswered, describe};
use super::inbox::Heard;
use super::write::{Outcome, Refusal};
use super::{Inbound, gate};
use crate::core::order::inbound::{Decision, Part, decide};
use crate::core::order::obstacle::Obstacle;
use crate::core::order::purchase::{Content, Purchase};
use crate::core::order::record::{HeldOrder, OrderEvent, OrderRecord};
use crate::failpoint;
use crate::mapping::cell::RowId;
use crate::mapping::orders::inbound::{Rules, entry, is_masked};
use crate::store::{Durability, Op, StoreError};
use crate::telemetry::metrics;

/// Nothing can go on now; the same again later. For people.
#[derive(Debug)]
pub(super) struct Later(pub(super) String);

impl From<StoreError> for Later {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// A part that moves on while it is being cancelled is looked at again; so often it does not.
const LOOKS_MAX: usize = 3;

/// Statuses of an order that is on its way through the store.
const ROUTINE: [&str; 3] = ["ready-for-handling", "handling", "invoiced"];

/// What came of an order.
enum Done {
    /// With what goes into its history.
    Settled {
        what: String,
        outcome: &'static str,
        parts: Vec<Part>,
    },
    Held(Vec<Obstacle>),
}

impl Inbound {
    /// Brings Live where VTEX is with an order, and notes it. `heard`: what messages told of it.
    ///
    /// # Errors
    /// Only what concerns all orders: VTEX, Live or the ledger are away. What hinders this one alone is noted, and the
    /// order set aside.
    pub(super) async fn ingest(&self, order: &str, heard: &Heard) -> Result<(), Later> {
        failpoint::reached("order", "told");
        if let Some(record) = self.routine(order, heard)? {
            return self.note_routine(order, record, heard);
        }
        let client = &self.parts.client;
        let purchase = match self.ask("order-entry", || client.read_purchase(order)).await {
            Ok(Some(purchase)) if purchase.id == order => purchase,
            Ok(Some(_)) => return self.hold_unread(order, "VTEX answers with another order"),
            Ok(None) => return self.hold_unread(order, "VTEX does not know this order (any more)"),
            Err(Unanswered::Later(why)) => return Err(Later(why)),
            Err(Unanswered::Refused(failure)) => {
                return self.hold_unread(order, &format!("VTEX does not show it: {}", describe(&failure)));
            }
        };
        failpoint::reached("order", "read");
        let done = match self.settle(&purchase).await {
            Ok(done) => done,
            Err(Refusal::Later(error)) => return Err(Later(error.to_string())),
            Err(Refusal::Obstacles(obstacles)) => Done::Held(obstacles),
        };
        let told = self.messages(&purchase, heard)?;
        match done {
            Done::Held(obstacles) => self.hold(&purchase, &obstacles, told),
            Done::Settled { what, outcome, parts } => {
                metrics::order(outcome);
                if outcome == "inserted"
                    && let Some(at) = heard.changed_at
                {
                    metrics::order_entered(at.until((self.parts.now)()));
                }
                self.note(&purchase, what, &parts, told)
            }
        }
    }

    /// Whether messages tell only of steps that an order takes once Live has it, most of them by what maré told VTEX itself:
    /// nothing follows from them, and whatever comes next has a message of its own. Then what is known of the order.
    fn routine(&self, order: &str, heard: &Heard) -> Result<Option<OrderRecord>, StoreError> {
        let is_routine = |status: &CompactString| ROUTINE.contains(&status.as_str());
        let store = &self.parts.store;
        if self.parts.messages.is_some()
            || heard.states.is_empty()
            || !heard.states.iter().all(|state| is_routine(&state.status))
            || store.held(order)?.is_some()
        {
            return Ok(None);
        }
        Ok(store.order(order)?.filter(|record| {
            let last = record.history.last();
            record.written_at().is_some() && last.is_some_and(|event| is_routine(&event.status))
        }))
    }

    /// Into the history alone, and not worth a sync.
    fn note_routine(&self, order: &str, mut record: OrderRecord, heard: &Heard) -> Result<(), Later> {
        let before = record.clone();
        let mut states: Vec<_> = heard.states.iter().collect();
        states.sort_by_key(|state| state.at);
        for state in states {
            let at = (self.parts.now)();
            record.note(OrderEvent { at, status: state.status.clone(), what: "Live has it".to_owned() });
        }
        metrics::order("nothing");
        if record != before {
            let noted = Op::Order { order: order.into(), record: Some(record) };
            self.parts.store.commit(&[noted], Durability::Buffered)?;
        }
        Ok(())
    }

    /// What customers are told of an order's status, with what is remembered of it: for the commit that notes the order.
    fn messages(&self, purchase: &Purchase, heard: &Heard) -> Result<Vec<Op>, Later> {
        let Some(outbox) = &self.parts.messages else { return Ok(Vec::new()) };
        let placed = purchase.content.as_ref().ok().map(|content| content.placed_at);
        let (status, sequence) = (purchase.status.as_str(), purchase.sequence.clone());
        Ok(outbox.of_status(&purchase.id, &heard.states, status, sequence, placed)?)
    }

    async fn settle(&self, purchase: &Purchase) -> Result<Done, Refusal> {
        let tables = &self.parts.tables;
        for _ in 0..LOOKS_MAX {
            let parts = tables.parts(&purchase.id).await?;
            let settled = |what: String, outcome, parts| Ok(Done::Settled { what, outcome, parts });
            let chosen = |ids: &[CompactString]| {
                parts.iter().filter(|part| ids.contains(&part.id)).collect::<Vec<_>>()
            };
            match decide(&purchase.status, purchase.complete, &parts) {
                Decision::Nothing(why) => return settled(why.to_owned(), "nothing", parts),
                Decision::Hold(obstacle) => return Ok(Done::Held(vec![obstacle])),
                Decision::Insert => return self.enter(purchase).await,
                Decision::Cancel { parts: ids, why } => {
                    let chosen = chosen(&ids);
                    let reason = purchase.cancel_reason.as_deref();
                    if tables.cancel(&chosen, why, reason, (self.parts.now)()).await? {
                        // Another look: a sister part may have a fiscal document, which somebody must know.
                        let what = format!("cancelled in Live: {}", numbers(&chosen));
                        self.remember(purchase, what);
                        metrics::order("cancelled");
                    }
                }
                Decision::Flag { parts: ids } => {
                    let chosen = chosen(&ids);
                    tables.flag(&chosen, (self.parts.now)()).await?;
                    let what = format!("staff is told that cancellation is asked for: {}", numbers(&chosen));
                    return settled(what, "flagged", parts);
                }
            }
        }
        let text = "its parts in Live changed each time they were looked at";
        Ok(Done::Held(vec![Obstacle::Refused(text.to_owned())]))
    }

    async fn enter(&self, purchase: &Purchase) -> Result<Done, Refusal> {
        let content = match &purchase.content {
            Ok(content) => content,
            Err(obstacles) => return Ok(Done::Held(obstacles.clone())),
        };
        let config = &self.parts.tables.config;
        if config.since().is_some_and(|since| content.placed_at < since) {
            let what = "placed before orders.since".to_owned();
            return Ok(Done::Settled { what, outcome: "nothing", parts: Vec::new() });
        }
        let email = self.real_email(content).await?;
        let known = self.references(content)?;
        let reference = |sku: &str| known.get(sku).cloned();
        let rules = Rules { orders: config, mapping: &self.parts.tables.mapping, reference: &reference };
        let entry = match entry(purchase, content, email.as_deref(), rules) {
            Ok(entry) => entry,
            Err(obstacles) => return Ok(Done::Held(obstacles)),
        };
        let lines = entry.pedidos.iter().flat_map(|pedido| &pedido.lines);
        let mut references: Vec<CompactString> = lines.map(|line| line.reference.clone()).collect();
        references.sort_unstable();
        references.dedup();
        let skus = self.skus(&references).await?;
        let unknown: Vec<_> = references.iter().filter(|reference| !skus.contains_key(*reference)).collect();
        if !unknown.is_empty() {
            return Ok(Done::Held(unknown.into_iter().cloned().map(Obstacle::UnknownSku).collect()));
        }
        match self.parts.tables.insert(&entry, &skus, (self.parts.now)()).await? {
            Outcome::Inserted(parts) => {
                let mut what =
                    format!("{}: {}", OrderRecord::WRITTEN, numbers(&parts.iter().collect::<Vec<_>>()));
                if !entry.warnings.is_empty() {
                    what = format!("{what}; left out or cut: {}", entry.warnings.join(", "));
                }
                Ok(Done::Settled { what, outcome: "inserted", parts })
            }
            Outcome::Present(parts) => {
                let what = "Live has it".to_owned();
                Ok(Done::Settled { what, outcome: "nothing", parts })
            }
        }
    }

    /// The shopper's own address, where the order has an alias. Without it the order goes on.
    pub(super) async fn real_email(&self, content: &Content) -> Result<Option<String>, Refusal> {
        let wanted = self.parts.tables.config.real_email && is_masked(&content.buyer);
        let Some(profile) = content.buyer.profile.as_deref().filter(|_| wanted) else { return Ok(None) };
        match self.ask("order-email", || self.parts.client.email_of(profile)).await {
            Ok(email) => Ok(email),
            Err(Unanswered::Refused(_)) => Ok(None),
            Err(Unanswered::Later(why)) => Err(later(why)),
        }
    }

    /// References by VTEX's number, where an order does not tell them.
    fn references(&self, content: &Content) -> Result<HashMap<CompactString, CompactString>, Refusal> {
        let mut known = HashMap::new();
        if content.lines.iter().any(|line| line.reference.is_none()) {
            let mut learn = |reference: CompactString, id: Option<crate::core::entity::SkuId>| {
                if let Some(id) = id {
                    known.insert(compact_str::format_compact!("{id}"), reference);
                }
            };
            self.parts.store.each_sku(&mut learn).map_err(|error| later(error.to_string()))?;
        }
        Ok(known)
    }

    async fn skus(&self, references: &[CompactString]) -> Result<HashMap<CompactString, RowId>, Refusal> {
        let found = (self.parts.find_skus)(references.to_vec()).await;
        found.ok_or_else(|| later("the source does not stream: SKUs cannot be looked up now".to_owned()))
    }

    /// Notes what was done, has the way back look at it, and ends the waiting of a held order: all in one commit.
    fn note(&self, purchase: &Purchase, what: String, parts: &[Part], told: Vec<Op>) -> Result<(), Later> {
        let store = &self.parts.store;
        let now = (self.parts.now)();
        let mut record = store.order(&purchase.id)?.unwrap_or_default();
        let before = record.clone();
        record.sequence = purchase.sequence.clone().or(record.sequence);
        if !parts.is_empty() {
            record.numbers = parts.iter().map(|part| part.number.clone()).collect();
        }
        let event = OrderEvent { at: now, status: purchase.status.as_str().into(), what: what.clone() };
        record.note(event);
        let was_held = store.held(&purchase.id)?.is_some();
        if record == before && !was_held {
            return self.told(told);
        }
        let numbers = record.numbers.join(", ");
        let sequence = record.sequence.as_deref().unwrap_or("–");
        info!(order = %purchase.id, sequence, live = %numbers, status = %purchase.status, "{what}");
        let mut ops = vec![Op::Order { order: purchase.id.clone(), record: Some(record) }];
        if was_held {
            ops.push(Op::Hold { order: purchase.id.clone(), held: None });
        }
        if !parts.is_empty() {
            ops.push((self.parts.way_back.op)(&purchase.id, now));
        }
        ops.extend(told);
        failpoint::reached("order", "noting");
        store.commit(&ops, Durability::Synced)?;
        failpoint::reached("order", "noted");
        self.wake_messages();
        self.parts.way_back.wake.notify_one();
        self.count_held();
        Ok(())
    }

    /// News for customers alone.
    fn told(&self, told: Vec<Op>) -> Result<(), Later> {
        if !told.is_empty() {
            self.parts.store.commit(&told, Durability::Synced)?;
            self.wake_messages();
        }
        Ok(())
    }

    fn wake_messages(&self) {
        if let Some(outbox) = &self.parts.messages {
            outbox.committed();
        }
    }

    /// A step on the way of an order that is not settled yet. Not worth a sync: the last one is.
    fn remember(&self, purchase: &Purchase, what: String) {
        let store = &self.parts.store;
        let at = (self.parts.now)();
        let noted = store.order(&purchase.id).and_then(|record| {
            let mut record = record.unwrap_or_default();
            record.note(OrderEvent { at, status: purchase.status.as_str().into(), what });
            store.commit(
                &[Op::Order { order: purchase.id.clone(), record: Some(record) }],
                Durability::Buffered,
            )
        });
        if let Err(error) = noted {
            warn!(order = %purchase.id, %error, "the history of an order has a gap");
        }
    }

    fn hold(&self, purchase: &Purchase, obstacles: &[Obstacle], told: Vec<Op>) -> Result<(), Later> {
        let reasons = obstacles.iter().map(Obstacle::to_string).collect();
        self.told(told)?;
        self.set_aside(&purchase.id, purchase.sequence.clone(), purchase.status.as_str(), reasons)
    }

    fn hold_unread(&self, order: &str, reason: &str) -> Result<(), Later> {
        self.set_aside(order, None, "unknown", vec![reason.to_owned()])
    }

    fn set_aside(
        &self,
        order: &str,
        sequence: Option<CompactString>,
        status: &str,
        reasons: Vec<String>,
    ) -> Result<(), Later> {
        let store = &self.parts.store;
        let now = (self.parts.now)();
        let before = store.held(order)?;
        let sequence = sequence.or_else(|| before.as_ref().and_then(|held| held.sequence.clone()));
        let held = HeldOrder::again(before.as_ref(), sequence, status.into(), reasons, now, fastrand::f64());
        let mut record = store.order(order)?.unwrap_or_default();
        record.sequence = held.sequence.clone().or(record.sequence);
        let what = format!("set aside: {}", held.reasons.join("; "));
        record.note(OrderEvent { at: now, status: status.into(), what });
        if before.as_ref().is_none_or(|before| before.reasons != held.reasons) {
            let sequence = held.sequence.as_deref().unwrap_or("–");
            warn!(order, sequence, status, reasons = ?held.reasons, "an order is set aside: `mare orders list`");
        }
        let ops = [
            Op::Hold { order: order.into(), held: Some(held) },
            Op::Order { order: order.into(), record: Some(record) },
        ];
        failpoint::reached("order", "holding");
        store.commit(&ops, Durability::Synced)?;
        failpoint::reached("order", "held");
        metrics::order("held");
        self.count_held();
        Ok(())
    }
}

fn later(why: String) -> Refusal {
    Refusal::Later(crate::live::writer::WriteError::Transient(why))
}

fn numbers(parts: &[&Part]) -> String {
    let numbers: Vec<&str> = parts.iter().map(|part| part.number.as_str()).collect();
    numbers.join(", ")
}

impl From<Unanswered> for Later {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Later(why) => Self(why),
            Unanswered::Refused(failure) => Self(gate::describe(&failure)),
        }
    }
}
