//! Changes of an order by the ERP (order system, version 2): accepted at once, applied a little later.

use jiff::Timestamp;

use super::super::SkuId;
use super::super::stock::{ReservationEnd, ReservationStep};
use super::items::{self, NewItem};
use super::machine::Kind;
use super::order::{Change, ChangeState, ChangedItem, Item};
use super::status::OrderStatus;
use super::{Desk, after, hex_id, uuid};

/// One `replace` of a change, money in centavos.
#[derive(Clone, Debug)]
pub(crate) struct Replacement {
    /// `uniqueId` if it was sent, SKU id, quantity.
    pub(crate) from: Vec<(Option<String>, String, i64)>,
    /// SKU id, quantity.
    pub(crate) to: Vec<(String, i64)>,
    pub(crate) discount: i64,
    pub(crate) increment: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct NewChange {
    pub(crate) reason: String,
    pub(crate) replace: Vec<Replacement>,
}

/// Why a change is refused at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotChanged {
    /// `enableApi` is off.
    Disabled,
    State,
    /// Another change is not applied yet.
    InProgress,
    /// It names an item that the order does not have so often.
    Items,
}

impl Desk<'_> {
    /// Accepts a change; gives its index among the order's changes.
    pub(crate) fn request_change(&mut self, place: usize, new: NewChange) -> Result<usize, NotChanged> {
        if !self.book.options.changes_enabled {
            return Err(NotChanged::Disabled);
        }
        let order = &self.book.orders[place];
        if !order.status.is_some_and(OrderStatus::is_handled) {
            return Err(NotChanged::State);
        }
        if order.changes.iter().any(|change| change.state == ChangeState::InProgress) {
            return Err(NotChanged::InProgress);
        }
        let mut removed = Vec::new();
        let mut added = Vec::new();
        for one in &new.replace {
            for from in &one.from {
                removed.push(removed_item(&order.items, from).ok_or(NotChanged::Items)?);
            }
            for (sku, quantity) in &one.to {
                let sku = sku.parse::<SkuId>().ok().filter(|sku| self.world.skus.exists(*sku));
                let sku = sku.filter(|_| *quantity > 0).ok_or(NotChanged::Items)?;
                added.push(self.added_item(place, sku, *quantity).ok_or(NotChanged::Items)?);
            }
        }
        let at = self.now;
        let random = &mut self.book.random;
        let change = Change {
            id: uuid(random),
            workflow: uuid(random),
            at,
            reason: new.reason,
            discount: new.replace.iter().map(|one| one.discount).sum(),
            increment: new.replace.iter().map(|one| one.increment).sum(),
            removed,
            added,
            moved: 0,
            state: ChangeState::InProgress,
        };
        let changes = &mut self.book.orders[place].changes;
        changes.push(change);
        let index = changes.len() - 1;
        self.set_timer(place, after(at, self.book.options.change_lag), Kind::Change(index));
        self.settle();
        Ok(index)
    }

    pub(crate) fn enable_changes(&mut self, enabled: bool) {
        self.book.options.changes_enabled = enabled;
    }

    /// At the price that the order has for the SKU, else at the shop's.
    fn added_item(&self, place: usize, sku: SkuId, quantity: i64) -> Option<ChangedItem> {
        let order = &self.book.orders[place];
        let own = order.items.iter().find(|item| item.sku == sku);
        let price = own.map(|item| item.price).or_else(|| {
            let found = items::unit_price(self.world, sku, &order.sales_channel, quantity, self.now);
            found.map(|found| found.price)
        })?;
        let name = own.map_or_else(String::new, |item| item.name.clone());
        Some(ChangedItem { sku, name, quantity, price })
    }

    pub(super) fn apply_change(&mut self, place: usize, index: usize, at: Timestamp) {
        let before = self.book.orders[place].value();
        let change = self.book.orders[place].changes[index].clone();
        if !self.book.orders[place].status.is_some_and(OrderStatus::is_handled) {
            self.book.orders[place].changes[index].state = ChangeState::Failed("the order's status changed");
            return;
        }
        for one in &change.added {
            self.add(place, one);
        }
        for one in &change.removed {
            self.remove(place, one);
        }
        let order = &mut self.book.orders[place];
        order.changes[index].state = ChangeState::Done;
        order.changed = at;
        let value = order.value();
        order.changes[index].moved = value - before;
        if order.invoiced_value() > 0 && order.invoiced_value() >= value {
            self.pass(place, OrderStatus::Invoice, at);
        }
    }

    /// More of an item that is there, or a new one at the end. The stock is taken as handled.
    fn add(&mut self, place: usize, added: &ChangedItem) {
        let warehouse = self.first_warehouse(place);
        let quantity = u32::try_from(added.quantity).unwrap_or(u32::MAX);
        let new = NewItem::of(added.sku, quantity, warehouse, Some(added.price));
        let channel = self.book.orders[place].sales_channel.clone();
        let mut taken = hashbrown::HashMap::new();
        // Oversold rather than refused: the ERP says what it sends.
        let Ok(mut item) = items::build(self.world, &new, &channel, true, &mut taken) else { return };
        item.unique_id = hex_id(&mut self.book.random);
        self.book.orders[place].items.push(item);
        self.reserve(place);
        let last = self.book.orders[place].items.len() - 1;
        let stock = &self.world.stock;
        for allotment in &self.book.orders[place].items[last].allotments {
            for reservation in &allotment.reservations {
                let _ = stock.step(reservation, ReservationStep::Confirm);
                let _ = stock.step(reservation, ReservationStep::Acknowledge);
            }
        }
        self.merge_last(place);
    }

    /// One line for each SKU, as long as its price is the same.
    fn merge_last(&mut self, place: usize) {
        let items = &mut self.book.orders[place].items;
        let Some(last) = items.pop() else { return };
        match items.iter_mut().find(|item| item.sku == last.sku && item.price == last.price) {
            Some(item) => {
                item.quantity += last.quantity;
                item.allotments.extend(last.allotments);
            }
            None => items.push(last),
        }
    }

    fn first_warehouse(&self, place: usize) -> Option<String> {
        let mut allotments = self.book.orders[place].items.iter().flat_map(|item| &item.allotments);
        allotments.next().map(|allotment| allotment.warehouse.clone())
    }

    /// Less of an item. One of which nothing is left goes, and its stock with it.
    fn remove(&mut self, place: usize, removed: &ChangedItem) {
        let order = &mut self.book.orders[place];
        let Some(index) = order.items.iter().position(|item| {
            item.sku == removed.sku && item.price == removed.price && item.quantity >= removed.quantity
        }) else {
            return;
        };
        let item = &mut order.items[index];
        // The discount of the line falls with its quantity.
        let kept = item.quantity - removed.quantity;
        item.discount = item.discount * kept / item.quantity;
        item.quantity = kept;
        let mut surplus = removed.quantity;
        for allotment in item.allotments.iter_mut().rev() {
            let less = surplus.min(allotment.quantity);
            allotment.quantity -= less;
            surplus -= less;
            if allotment.quantity == 0 {
                for reservation in &allotment.reservations {
                    self.world.stock.release(reservation, ReservationEnd::Cancelled);
                }
            }
        }
        item.allotments.retain(|allotment| allotment.quantity > 0);
        let invoiced = order.invoices.iter().flat_map(|invoice| &invoice.items).any(|line| line.0 == index);
        if kept == 0 && !invoiced {
            order.items.remove(index);
            let lines = order.invoices.iter_mut().flat_map(|invoice| &mut invoice.items);
            lines.filter(|line| line.0 > index).for_each(|line| line.0 -= 1);
        }
    }
}

fn removed_item(items: &[Item], from: &(Option<String>, String, i64)) -> Option<ChangedItem> {
    let (unique, sku, quantity) = from;
    let item = items.iter().find(|item| {
        item.sku.to_string() == *sku && unique.as_ref().is_none_or(|unique| *unique == item.unique_id)
    })?;
    (*quantity > 0 && *quantity <= item.quantity).then(|| ChangedItem {
        sku: item.sku,
        name: item.name.clone(),
        quantity: *quantity,
        price: item.price,
    })
}
