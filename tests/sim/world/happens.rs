//! What happens by itself: the shop, shoppers, the server, the clock.

use mare::core::entity::{Key, SkuId};
use mare::core::order::Step;
use mare::core::time::Timestamp;

use super::{HOT, ORDERS_MAX, SKUS, World};
use crate::live::{Change, Item, Pedido};
use crate::source::WAREHOUSE;

impl World {
    /// Somebody changes a balance in VTEX by hand, or VTEX is asked for one.
    pub(super) fn proofs(&mut self) {
        let sku = self.besides.u32(..SKUS);
        match self.besides.u8(..100) {
            0 => {
                // Of what we never told, nobody would know.
                let Some(held) = self.vtex.stock.get_mut(&SkuId(sku + 1)) else { return };
                *held = self.besides.i64(..4);
                let held = *held;
                self.seen.meddled += 1;
                self.note(|_| format!("VTEX: somebody sets S{sku} to {held}"));
            }
            1..5 => {
                let repair = self.besides.bool();
                self.prove(sku, repair);
            }
            _ => {}
        }
    }

    pub(super) fn prove(&mut self, sku: u32, repair: bool) {
        let key = Key::stock(WAREHOUSE, &format!("S{sku}"));
        let answer = self.process.prove(&key, repair, self.now);
        self.note(|_| format!("prove S{sku}: {answer:?}"));
    }

    /// Somebody sells, counts, or commits.
    pub(super) fn shop(&mut self) {
        if self.live.running() < 2 && self.random.bool() {
            self.live.begin();
        }
        let running = self.live.running();
        if running == 0 {
            self.live.reveal();
            return;
        }
        let nth = self.random.usize(..running);
        match self.random.u8(..10) {
            0..5 => {
                let among = if self.random.u8(..3) < 2 { HOT } else { SKUS };
                let sku = self.random.u32(..among);
                let change = match self.random.u8(..10) {
                    0 if !self.versions_mode => Change::Stock { sku, quantity: None },
                    1 if !self.versions_mode && self.live.stock.contains_key(&sku) => Change::Touched { sku },
                    _ => Change::Stock { sku, quantity: Some(i64::from(self.random.u8(..4))) },
                };
                self.note(|_| format!("Live: {change:?} in transaction {nth}"));
                self.live.write(nth, change);
            }
            5..8 => {
                self.note(|world| format!("Live: commit of transaction {nth} at {}", world.live.lsn + 16));
                self.live.commit(nth);
            }
            8 => {
                self.note(|_| format!("Live: rollback of transaction {nth}"));
                self.live.abort(nth);
            }
            _ => {
                self.live.reveal();
            }
        }
    }

    /// A shopper orders or cancels, or staff takes a pedido on.
    pub(super) fn order(&mut self) {
        if !self.plan.orders || self.restores {
            return;
        }
        match self.random.u8(..8) {
            0 if self.vtex.orders.len() < ORDERS_MAX => {
                let id = format!("v{}", self.vtex.orders.len() + 1);
                self.note(|_| format!("VTEX: order {id} is placed"));
                self.vtex.place(&id, self.now.tick, &mut self.random);
                self.seen.orders += 1;
            }
            1 if self.random.u8(..4) == 0 => {
                let ids: Vec<String> = self.vtex.orders.keys().cloned().collect();
                let Some(id) = self.random.choice(ids) else { return };
                self.note(|_| format!("VTEX: order {id} is cancelled, if it can be"));
                self.vtex.cancel(&id, self.now.tick, &mut self.random);
            }
            _ => {
                let pedidos = self.live.orders.clone();
                let Some(pedido) = self.random.choice(pedidos) else { return };
                self.staff(&pedido);
            }
        }
    }

    pub(super) fn staff(&mut self, pedido: &Pedido) {
        if self.live.is_locked(&Item::Order(pedido.order.clone())) {
            return;
        }
        let mut next = pedido.clone();
        match pedido.step {
            Step::Received | Step::Packed if self.random.u8(..8) == 0 => next.step = Step::Cancelled,
            Step::Received if self.random.bool() => next.step = Step::Packed,
            Step::Received | Step::Packed => next.step = Step::Invoiced,
            // The document comes after its status, in a transaction of its own.
            Step::Invoiced if pedido.invoice.is_none() => {
                self.invoices += 1;
                next.invoice = Some(self.invoices);
            }
            Step::Invoiced => next.step = Step::Dispatched,
            Step::Dispatched => next.step = Step::Delivered,
            _ => return,
        }
        self.note(|_| format!("Live: {next:?}"));
        self.live.at_once(Change::Order(next));
    }

    /// The slot is dropped, or a backup restored.
    pub(super) fn server(&mut self) {
        if !self.plan.slots || !self.loses_slots {
            return;
        }
        if !self.restores {
            self.note(|_| "Live: the slot is dropped".to_owned());
            self.live.slot = None;
            self.live.log.clear();
        } else if let Some(backup) = self.backup.take() {
            self.note(|_| "Live: a backup is restored".to_owned());
            self.live.restore(&backup);
        } else {
            self.backup = Some(self.live.clone());
            return;
        }
        self.seen.slots += 1;
        self.process.disconnect();
    }

    pub(super) fn credentials(&mut self) {
        self.vtex.accepts_credentials = !self.vtex.accepts_credentials || !self.plan.trouble;
        if self.vtex.accepts_credentials {
            self.process.dispatch.credentials_changed(self.now);
        }
    }

    /// The machine's clock is set.
    pub(super) fn jump(&mut self) {
        let hours = self.random.i64(-3..4);
        self.now.wall = Timestamp(self.now.wall.0 + hours * 3_600_000_000);
    }
}
