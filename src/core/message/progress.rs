//! Which steps of an order are news: pure.
//!
//! Live shows where a pedido is, not how it got there, and changes that follow each other quickly come as one. So what is
//! told is the difference between the way that was seen before and the way up to now: every step in between once, in
//! order, and none twice, however often staff goes back and forth. The past is not news: of each step it is known after
//! which moment it was taken, and a webhook that is younger than that moment is told nothing.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::order::Step;
use crate::core::time::Timestamp;
use crate::core::value::order::{Order, OrderKind};

/// The steps of a pedido that is fetched, in order.
const PICKUP: [Step; 7] = [
    Step::Received,
    Step::Accepted,
    Step::Picking,
    Step::Packed,
    Step::ReadyForPickup,
    Step::RecoveredAtTill,
    Step::ClosedAtTill,
];
/// Of one that is sent.
const DELIVERY: [Step; 8] = [
    Step::Received,
    Step::Accepted,
    Step::Picking,
    Step::Packed,
    Step::Labelled,
    Step::Invoiced,
    Step::Dispatched,
    Step::Delivered,
];

const fn way(kind: OrderKind) -> &'static [Step] {
    match kind {
        OrderKind::Pickup => &PICKUP,
        OrderKind::Delivery | OrderKind::Seller => &DELIVERY,
    }
}

/// The steps that a pedido has taken, as far as was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Steps(u32);

impl Steps {
    const fn bit(step: Step) -> u32 {
        1 << step as u32
    }

    pub const fn has(self, step: Step) -> bool {
        self.0 & Self::bit(step) != 0
    }

    const fn add(&mut self, step: Step) {
        self.0 |= Self::bit(step);
    }
}

/// How far the pedidos of an order were when they were seen last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    pub parts: Vec<(CompactString, Steps)>,
    /// When something new was seen last.
    pub at: Timestamp,
}

/// A step that was not seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Which pedido, by its place in the order; 0 for a status of VTEX.
    pub part: usize,
    pub status: CompactString,
    /// The order is further already.
    pub passed: bool,
    pub at: Option<Timestamp>,
    /// It was not before this moment; none: nobody knows.
    pub after: Option<Timestamp>,
}

/// What an order in Live shows that was not seen before, and what is to be remembered; none: nothing new.
///
/// `entered`: when maré first heard of the order, if it wrote it into Live itself.
pub fn steps(
    seen: Option<&Seen>,
    order: &Order,
    entered: Option<Timestamp>,
    now: Timestamp,
) -> Option<(Seen, Vec<News>)> {
    let mut next = seen.cloned().unwrap_or_default();
    let mut news = Vec::new();
    for (index, part) in order.parts.iter().enumerate() {
        let known = next.parts.iter().position(|(number, _)| *number == part.number);
        let before = known.map(|at| next.parts[at].1);
        let mut taken = before.unwrap_or_default();
        if taken.has(part.step) {
            continue;
        }
        // Up to this moment the step had not been taken.
        let not_yet = if known.is_some() { seen.map(|seen| seen.at) } else { entered };
        let steps = way(part.kind);
        let to = steps.iter().position(|step| *step == part.step);
        let from = steps.iter().rposition(|step| taken.has(*step));
        if to.is_some() && from > to {
            // Staff went back over steps that were never seen on their own.
            continue;
        }
        let between = match to {
            Some(to) => &steps[from.map_or(0, |from| from + 1)..to],
            None => &[],
        };
        for step in between {
            // What nobody can date is the past.
            let one =
                News { part: index, status: step.name().into(), passed: true, at: None, after: not_yet };
            news.push(one);
            taken.add(*step);
        }
        taken.add(part.step);
        let after = part.at.max(not_yet);
        news.push(News { part: index, status: part.step.name().into(), passed: false, at: part.at, after });
        match known {
            Some(at) => next.parts[at].1 = taken,
            None => next.parts.push((part.number.clone(), taken)),
        }
    }
    if news.is_empty() {
        return None;
    }
    next.at = now;
    Some((next, news))
}

/// The statuses that VTEX has shown of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shown {
    pub statuses: Vec<CompactString>,
    pub at: Timestamp,
}

/// A status that VTEX says an order has or had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard {
    pub at: Option<Timestamp>,
    pub status: CompactString,
}

/// As [`steps`], of what VTEX shows: `heard` by its messages, `current` when it was read. `placed`: when it was ordered.
pub fn statuses(
    shown: Option<&Shown>,
    heard: &[Heard],
    current: &str,
    placed: Option<Timestamp>,
    now: Timestamp,
) -> Option<(Shown, Vec<News>)> {
    let mut next = shown.cloned().unwrap_or_default();
    let mut heard: Vec<Heard> = heard.to_vec();
    heard.sort();
    let current_at = heard.iter().rev().find(|one| one.status == current).and_then(|one| one.at);
    heard.retain(|one| one.status != current);
    heard.push(Heard { at: current_at, status: current.into() });
    let mut news = Vec::new();
    for one in heard {
        if next.statuses.contains(&one.status) {
            continue;
        }
        next.statuses.push(one.status.clone());
        let after = one.at.or(shown.map(|shown| shown.at)).or(placed);
        let passed = one.status != current;
        news.push(News { part: 0, status: one.status, passed, at: one.at, after });
    }
    if news.is_empty() {
        return None;
    }
    next.at = now;
    Some((next, news))
}

#[cfg(test)]
mod tests;
