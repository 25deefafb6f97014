//! Orders of VTEX on their way into Live.

use mare::core::order::inbound::{self, Decision, Stage};
use mare::core::order::{RemoteStatus, Step};
use mare::core::time::Tick;

use super::Process;
use crate::fault::Fault;
use crate::live::{Change, Item, Live, Pedido};
use crate::vtex::{Message, Vtex};

/// A notification that is being seen to.
pub(super) struct Task {
    message: Message,
    read: Option<(RemoteStatus, bool)>,
    done: bool,
}

impl Process {
    /// One step about what VTEX has sold: take a message, read its order, write it into Live, confirm the message.
    pub(crate) fn orders(
        &mut self,
        live: &mut Live,
        vtex: &mut Vtex,
        now: Tick,
        random: &mut fastrand::Rng,
    ) -> bool {
        if self.tasks.len() < 2
            && let Some(message) = vtex.next_message(now, random)
        {
            if self.does(Fault::AckBeforeCommit) {
                vtex.acknowledge(message.handle);
            }
            self.tasks.push(Task { message, read: None, done: false });
            return true;
        }
        if self.tasks.is_empty() {
            return false;
        }
        let at = random.usize(..self.tasks.len());
        let task = &mut self.tasks[at];
        let id = task.message.order.clone();
        if task.done {
            vtex.acknowledge(task.message.handle);
            self.tasks.swap_remove(at);
        } else if let Some((status, complete)) = task.read.clone() {
            if live.is_locked(&Item::Order(id.clone())) {
                return false;
            }
            task.done = true;
            self.write_order(&id, &status, complete, live);
        } else if !vtex.accepts_credentials || (!vtex.healthy && random.u8(..5) == 0) {
            // It comes again.
            self.tasks.swap_remove(at);
        } else {
            let order = &vtex.orders[&id];
            task.read = Some((order.status.clone(), order.complete));
        }
        true
    }

    fn write_order(&self, id: &str, status: &RemoteStatus, complete: bool, live: &mut Live) {
        let held = live.orders.iter().find(|pedido| pedido.order == id).cloned();
        let parts: Vec<inbound::Part> = held
            .iter()
            .filter(|_| !self.does(Fault::InsertBlindly))
            .map(|pedido| inbound::Part {
                external: id.into(),
                id: id.into(),
                number: id.into(),
                status: 10,
                stage: Stage::from(Some(pedido.step)),
                cancellation_asked: false,
            })
            .collect();
        let pedido = |step| Pedido { order: id.to_owned(), step, invoice: None };
        match inbound::decide(status, complete, &parts) {
            Decision::Insert if held.is_some() => live.add_twin(pedido(Step::Received)),
            Decision::Insert => live.at_once(Change::Order(pedido(Step::Received))),
            Decision::Cancel { .. } => live.at_once(Change::Order(pedido(Step::Cancelled))),
            Decision::Nothing(_) | Decision::Flag { .. } | Decision::Hold(_) => {}
        }
    }
}
