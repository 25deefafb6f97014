//! The pedidos of an order, one after the other: invoice, tracking, delivered.

use super::{Next, Plan, SELDOM, tasks};
use crate::core::call::orders::OrderAct;
use crate::core::order::{Package, Step, Tracking};
use crate::core::value::Value;
use crate::core::value::order::{Invoice, Part};

/// What a pedido comes to.
pub(super) enum Outcome {
    /// Something is to be asked, told, or looked at again.
    Now(Next),
    /// Somebody has to see to it.
    Task(&'static str),
    /// Live has to say more; what lasts becomes somebody's task.
    Awaits(&'static str),
    Nothing,
}

impl Plan<'_> {
    /// The first request that any pedido needs; else what holds one of them up.
    pub(super) fn carry_out(&self) -> Next {
        let mut task = None;
        let mut awaits = None;
        for part in &self.wanted.parts {
            match self.part(part) {
                Outcome::Now(next) => return next,
                Outcome::Task(hint) => task = task.or(Some(hint)),
                Outcome::Awaits(hint) => awaits = awaits.or(Some(hint)),
                Outcome::Nothing => {}
            }
        }
        let task = task.or_else(|| self.is_short_for_good().then_some(tasks::SHORT));
        match (task, awaits) {
            (Some(task), _) => Next::GiveUp(task),
            // A change of Live comes back to it at once; this is for the alarm.
            (None, Some(hint)) => self.wait(SELDOM, hint),
            (None, None) => self.note().unwrap_or(Next::Done),
        }
    }

    fn part(&self, part: &Part) -> Outcome {
        if part.step.is_taken_back() {
            return self.taken_back(part);
        }
        if !part.step.is_invoiced() {
            return Outcome::Nothing;
        }
        let documents: Vec<&Invoice> = part.sales().filter(|invoice| !invoice.items.is_empty()).collect();
        if documents.is_empty() {
            return Outcome::Awaits(tasks::NO_DOCUMENT);
        }
        let mut sent = Vec::new();
        for invoice in documents {
            match self.package_of(invoice) {
                Some(package) => sent.push(package),
                None => return self.invoice(part, invoice),
            }
        }
        self.follow(part, &sent).map_or(Outcome::Nothing, Outcome::Now)
    }

    /// Tracking and delivery of what was invoiced.
    fn follow(&self, part: &Part, sent: &[&Package]) -> Option<Next> {
        sent.iter().find_map(|package| {
            let invoice = package.number.clone();
            let tracking = tracking(part, package).filter(|tracking| !package.tracking.says(tracking));
            if let Some(tracking) = tracking {
                let dispatched = part.dispatch.as_ref().and_then(|dispatch| dispatch.at);
                return Some(self.tell(OrderAct::Tracking { invoice, tracking, dispatched }));
            }
            let delivered = part.step.is_delivered() && !package.delivered;
            delivered.then(|| self.tell(OrderAct::Delivered { invoice, at: part.at }))
        })
    }

    /// Steps that VTEX has no status for, of pedidos that came to another one since VTEX was told. It cannot be seen whether
    /// VTEX has a note: in doubt there is no second one.
    fn note(&self) -> Option<Next> {
        if !self.rules().notes || self.held.noted || self.situation.read_first {
            return None;
        }
        let before = |part: &Part| match self.situation.confirmed {
            Some(Value::Order(order)) => {
                order.parts.iter().find(|other| other.number == part.number).map(|other| other.step)
            }
            _ => None,
        };
        let news: Vec<String> = self
            .wanted
            .live_parts()
            .filter(|part| is_noted(part.step) && before(part).is_none_or(|before| before < part.step))
            .map(|part| format!("pedido {}: {}", part.number, part.step))
            .collect();
        (!news.is_empty()).then(|| self.tell(OrderAct::Note { message: news.join("; ") }))
    }
}

/// How VTEX is to follow a package: by its number, since a courier alone says nothing. It takes "delivered" only of one that
/// has a number: what was fetched in a store, or brought by the store itself, has the number of its pedido.
fn tracking(part: &Part, package: &Package) -> Option<Tracking> {
    let is_sent = matches!(part.step, Step::Dispatched | Step::Delivered);
    let dispatch = part.dispatch.as_ref().filter(|_| is_sent);
    let known = dispatch.map(|dispatch| dispatch.tracking.clone()).unwrap_or_default();
    if known.number.is_some() {
        return Some(known);
    }
    let needs_one = part.step.is_delivered() && !package.delivered && package.tracking.number.is_none();
    needs_one.then(|| Tracking { number: Some(part.number.clone()), ..known })
}

const fn is_noted(step: Step) -> bool {
    matches!(step, Step::Accepted | Step::Picking | Step::Packed | Step::Labelled | Step::ReadyForPickup)
}
