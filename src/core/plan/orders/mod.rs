//! Orders: from what Live wants and what VTEX shows to the next request.
//!
//! VTEX moves orders by itself, so every job begins with reading the order, and reads it again before what cannot be
//! undone: an invoice, a cancellation, a change of its items. What VTEX shows says which effects it has; so a retry, a
//! restart and a lost answer send nothing twice, and steps that staff skipped are caught up with in order.
//!
//! | file | holds |
//! |---|---|
//! | `rules` | `[tuning.orders]` |
//! | `held` | what this job knows of the order |
//! | `cancel` | cancelling, and requests to cancel |
//! | `carry_out` | the pedidos of an order, one after the other |
//! | `invoice` | which fiscal documents VTEX has, and what the next one is called |
//! | `short` | fewer units than were ordered |
//! | `taken_back` | fiscal documents that were cancelled |
//! | `tasks` | what a person has to see to |

use std::time::Duration;

use super::{Next, Situation};
use crate::core::call::Call;
use crate::core::call::orders::{OrderAct, OrderCall};
use crate::core::order::{Phase, RemoteOrder};
use crate::core::value::order::{Order, OrderKind};

mod cancel;
mod carry_out;
mod held;
mod invoice;
mod rules;
mod short;
mod taken_back;
mod tasks;

pub use held::OrderHeld;
pub use rules::OrderRules;

/// VTEX passes some statuses by itself, in moments.
const PASSING: Duration = Duration::from_secs(5);
/// Payment and authorisation take their time; the feed tells of their end as well.
const EARLY: Duration = Duration::from_secs(60);
/// How often an order is looked at that waits for somebody's decision, or that did not come through.
const SELDOM: Duration = Duration::from_secs(600);
/// So many failed attempts in a row are no passing disturbance.
const STUCK_ATTEMPTS: u32 = 10;

pub(super) fn next(situation: &Situation<'_>, wanted: &Order) -> Next {
    let super::Held::Order(held) = situation.held else { return read(situation) };
    let plan = Plan { situation, held, order: &held.order, wanted };
    let cancelled = plan.is_all_cancelled();
    match held.order.status.phase() {
        Phase::Canceled => plan.canceled_in_vtex(tasks::CANCELED_UPSTREAM),
        Phase::Replaced => plan.canceled_in_vtex(tasks::REPLACED_UPSTREAM),
        Phase::Broken => Next::Later(SELDOM),
        _ if !held.order.complete => Next::Later(SELDOM),
        Phase::Passing => Next::Later(PASSING),
        Phase::Cancelling => plan.wait(PASSING, tasks::STUCK_CANCEL),
        Phase::CancellationAsked => plan.asked_to_cancel(),
        Phase::Unknown => plan.wait(EARLY, tasks::UNKNOWN_STATUS),
        Phase::Early | Phase::Ready | Phase::Handling | Phase::Invoiced if cancelled => plan.cancel(),
        Phase::Early => Next::Later(EARLY),
        Phase::Ready => plan.start_handling(),
        Phase::Handling | Phase::Invoiced => plan.carry_out(),
    }
}

fn read(situation: &Situation<'_>) -> Next {
    tell(situation, OrderAct::Read)
}

fn tell(situation: &Situation<'_>, act: OrderAct) -> Next {
    Next::Call(Call::Order(OrderCall { order: situation.key.id.clone(), act }))
}

/// Everything that the next request about an order follows from.
#[derive(Clone, Copy)]
struct Plan<'a> {
    situation: &'a Situation<'a>,
    held: &'a OrderHeld,
    order: &'a RemoteOrder,
    wanted: &'a Order,
}

impl Plan<'_> {
    fn rules(&self) -> &OrderRules {
        self.situation.rules.orders
    }

    fn tell(&self, act: OrderAct) -> Next {
        tell(self.situation, act)
    }

    /// Tells what cannot be undone: on what VTEX shows now, not on what it showed before the last request.
    fn tell_afresh(&self, act: OrderAct) -> Next {
        if self.held.fresh { self.tell(act) } else { read(self.situation) }
    }

    fn is_all_cancelled(&self) -> bool {
        !self.wanted.parts.is_empty() && self.wanted.parts.iter().all(|part| part.step.is_cancelled())
    }

    fn is_invoiced_in_live(&self) -> bool {
        self.wanted.parts.iter().any(|part| part.step.is_invoiced())
    }

    fn has_sellers(&self) -> bool {
        self.wanted.parts.iter().any(|part| part.kind == OrderKind::Seller)
    }

    fn start_handling(&self) -> Next {
        match self.held.handled {
            _ if self.situation.attempts >= STUCK_ATTEMPTS => Next::GiveUp(tasks::STUCK_HANDLING),
            // VTEX took it and does not show it yet.
            true => Next::Later(PASSING),
            false => self.tell(OrderAct::StartHandling),
        }
    }

    /// How long Live has wanted this.
    fn waited(&self) -> Duration {
        self.situation.committed_at.until(self.situation.now)
    }

    /// Looks again after `delay`; what lasts becomes somebody's task.
    fn wait(&self, delay: Duration, task: &'static str) -> Next {
        let left = self.rules().patience().saturating_sub(self.waited());
        if left.is_zero() { Next::GiveUp(task) } else { Next::Later(delay.min(left)) }
    }
}

#[cfg(test)]
mod tests;
