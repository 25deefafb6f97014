//! Orders, put together from the rows of several tables.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::core::entity::Key;
use crate::core::row::Cell;
use crate::core::value::Value;

use crate::mapping::cell::{self, CellError, RowId};
use crate::mapping::orders::{
    DocumentItemRow, DocumentRow, ItemRow, OrderReason, PedidoRow, PedidoRows, order,
};
use crate::mapping::read::Plan;
use crate::mapping::{Effect, Mapper, Reason, Role, RowError, Rows};

/// The rows of some orders, as they come.
#[derive(Debug, Default)]
pub struct OrderBatch {
    /// By VTEX's order id, and by the id of the pedido.
    orders: BTreeMap<CompactString, BTreeMap<RowId, PedidoRows>>,
    /// Which order a pedido belongs to.
    pedidos: BTreeMap<RowId, CompactString>,
    /// Which pedido a fiscal document belongs to, and where it stands there.
    documents: BTreeMap<RowId, (RowId, usize)>,
    /// Orders with a row that cannot be read.
    unreadable: BTreeMap<CompactString, String>,
}

impl OrderBatch {
    fn pedido(&mut self, id: &RowId) -> Option<&mut PedidoRows> {
        self.orders.get_mut(self.pedidos.get(id)?)?.get_mut(id)
    }

    fn document(&mut self, id: &RowId) -> Option<&mut DocumentRow> {
        let (pedido, at) = self.documents.get(id)?.clone();
        self.pedido(&pedido)?.documents.get_mut(at)
    }
}

impl Mapper {
    /// Takes one row in, table by table in the order of [`Role::ALL`]. An order with a row that cannot be read is refused
    /// as a whole.
    pub fn order_row(&mut self, batch: &mut OrderBatch, relation: u32, cells: &[Cell<'_>]) {
        let Some(plan) = self.plans.get(&relation).cloned() else { return };
        if let Err(error) = self.take_order_row(batch, &plan, cells) {
            self.counts.count(Reason::BadValue);
            if let Some(order) = self.order_of(batch, &plan, cells) {
                batch.unreadable.insert(order, error.to_string());
            }
        }
    }

    fn take_order_row(
        &mut self,
        batch: &mut OrderBatch,
        plan: &Plan,
        cells: &[Cell<'_>],
    ) -> Result<(), RowError> {
        let id = plan.id(cells)?;
        if plan.role() == Role::Order {
            let Some(order) = self.vtex_order(plan, cells)? else { return Ok(()) };
            batch.pedidos.insert(id.clone(), order.clone());
            let pedido = self.pedido(plan, cells)?;
            let rows =
                PedidoRows { pedido, items: Vec::new(), dispatched: Vec::new(), documents: Vec::new() };
            batch.orders.entry(order).or_default().insert(id, rows);
            return Ok(());
        }
        let Some(owner) = plan.owner(cells)? else { return Ok(()) };
        if plan.role() == Role::InvoiceItem {
            if let Some(document) = batch.document(&owner) {
                document.items.push(self.document_item(plan, cells)?);
            }
            return Ok(());
        }
        let Some(rows) = batch.pedido(&owner) else { return Ok(()) };
        match plan.role() {
            Role::OrderItem => rows.items.push(self.order_item(plan, cells)?),
            Role::Volume => rows.dispatched.push(plan.read(cells, 2, cell::timestamp)?),
            Role::Invoice => {
                rows.documents.push(plan.document(cells)?);
                let at = rows.documents.len() - 1;
                batch.documents.insert(id, (owner, at));
            }
            _ => {}
        }
        Ok(())
    }

    /// VTEX's id of the order that a pedido was made of; none: it is none of VTEX's.
    pub(in crate::mapping) fn vtex_order(
        &self,
        plan: &Plan,
        cells: &[Cell<'_>],
    ) -> Result<Option<CompactString>, RowError> {
        if !plan.ours(cells, 1, &self.config)? {
            return Ok(None);
        }
        let origin = plan.read(cells, 2, |cell, _| cell::text(cell))?;
        if origin.is_some_and(|origin| !origin.eq_ignore_ascii_case(&self.config.orders.origin)) {
            return Ok(None);
        }
        let id = plan.read(cells, 3, |cell, _| cell::text(cell))?;
        Ok(id.map(|id| Key::order(id.trim()).id).filter(|id| !id.is_empty()))
    }

    /// Which order a row that cannot be read belongs to.
    fn order_of(&self, batch: &OrderBatch, plan: &Plan, cells: &[Cell<'_>]) -> Option<CompactString> {
        if plan.role() == Role::Order {
            return self.vtex_order(plan, cells).ok()?;
        }
        let owner = plan.owner(cells).ok()??;
        let pedido = match plan.role() {
            Role::InvoiceItem => &batch.documents.get(&owner)?.0,
            _ => &owner,
        };
        batch.pedidos.get(pedido).cloned()
    }

    fn pedido(&self, plan: &Plan, cells: &[Cell<'_>]) -> Result<PedidoRow, RowError> {
        let carrier = plan.read(cells, 10, cell::row_id)?;
        let carrier = carrier.and_then(|id| self.reference.named(Role::Carrier, &id));
        let text = |at| plan.read(cells, at, |cell, _| cell::text(cell));
        Ok(PedidoRow {
            number: plan.need(cells, 4, name)?,
            kind: plan.need(cells, 5, cell::integer)?,
            status: plan.need(cells, 6, cell::integer)?,
            status_at: plan.read(cells, 7, cell::timestamp)?,
            decision: plan.read(cells, 8, cell::integer)?,
            reason: plan.line(cells, 9)?,
            courier: carrier.map(|carrier| carrier.name.clone()),
            tracking: text(11)?,
            tracking_url: text(12)?,
        })
    }

    fn order_item(&self, plan: &Plan, cells: &[Cell<'_>]) -> Result<ItemRow, RowError> {
        Ok(ItemRow {
            sku: self.sku_of(plan, cells)?,
            warehouse: self.reserved_in(plan.read(cells, 6, cell::row_id)?),
            external: plan.read(cells, 3, |cell, _| cell::text(cell))?.filter(|id| !id.is_empty()),
            quantity: plan.need(cells, 4, cell::decimal)?,
            served: plan.read(cells, 5, cell::decimal)?,
        })
    }

    /// The warehouse whose quantity lacks what is reserved in a deposit; none: the reservation changes no quantity of VTEX's.
    fn reserved_in(&self, deposit: Option<RowId>) -> Option<CompactString> {
        let subtracts = !self.config.tables.stock.columns.reserved.is_empty();
        let deposit = deposit.filter(|_| subtracts && self.config.orders.reserves.unwrap_or(true))?;
        let store = &self.reference.deposits.get(&deposit)?.store;
        self.reference.pair(store, &deposit).map(|pair| pair.warehouse.clone())
    }

    fn document_item(&self, plan: &Plan, cells: &[Cell<'_>]) -> Result<DocumentItemRow, RowError> {
        Ok(DocumentItemRow {
            sku: self.sku_of(plan, cells)?,
            quantity: plan.need(cells, 3, cell::decimal)?,
            price: plan.need(cells, 4, cell::decimal)?,
        })
    }

    /// The reference of the SKU of a line; empty: it is not known. It may never have to be told.
    fn sku_of(&self, plan: &Plan, cells: &[Cell<'_>]) -> Result<CompactString, RowError> {
        let id = plan.need(cells, 2, cell::row_id)?;
        let found = self.reference.sku(&self.config, &id);
        Ok(found.map(|(_, _, reference)| reference).unwrap_or_default())
    }

    /// What VTEX shall know of these orders.
    pub fn orders_wanted(&mut self, batch: OrderBatch, out: &mut Vec<Effect>) {
        let OrderBatch { orders, mut unreadable, .. } = batch;
        for (id, pedidos) in orders {
            let pedidos: Vec<PedidoRows> = pedidos.into_values().collect();
            let wanted = match unreadable.remove(&id) {
                Some(why) => Err(OrderReason::BadRow(why)),
                None => order(&pedidos, &self.config.orders),
            };
            self.say(&id, wanted, out);
        }
        // Of these not even the pedido could be read.
        for (id, why) in unreadable {
            self.say(&id, Err(OrderReason::BadRow(why)), out);
        }
    }

    fn say(
        &mut self,
        id: &CompactString,
        wanted: Result<crate::core::value::order::Order, OrderReason>,
        out: &mut Vec<Effect>,
    ) {
        let row = Self::refused_order(id);
        match wanted {
            Ok(order) => {
                out.push(Effect::Want { key: Key::order(id), value: Value::Order(Box::new(order)) });
                out.push(Effect::DeleteRow { key: row });
            }
            Err(reason) => {
                self.order_counts.count(reason.name());
                out.push(Effect::PutRow { key: row, value: reason.to_string().into_bytes() });
            }
        }
    }

    /// Where it is kept why nothing is told of an order.
    fn refused_order(id: &str) -> Vec<u8> {
        [&b"o"[..], id.as_bytes()].concat()
    }

    /// The same, for people.
    pub(in crate::mapping) fn order_refusal(id: &str, rows: &dyn Rows) -> Option<String> {
        let text = rows.row(&Self::refused_order(id))?;
        Some(format!("not sent: {}", String::from_utf8_lossy(&text)))
    }
}

/// A number or a text, as text.
fn name(cell: Cell<'_>, type_oid: u32) -> Result<Option<CompactString>, CellError> {
    Ok(cell::row_id(cell, type_oid)?.map(|id| CompactString::from(id.to_string())))
}

impl Plan {
    fn document(&self, cells: &[Cell<'_>]) -> Result<DocumentRow, RowError> {
        let text = |at| self.read(cells, at, |cell, _| cell::text(cell));
        Ok(DocumentRow {
            direction: self.need(cells, 2, cell::integer)?,
            number: self.need(cells, 3, name)?,
            series: self.read(cells, 4, name)?.unwrap_or_default(),
            key: text(5)?,
            state: self.need(cells, 6, |cell, _| cell::text(cell))?,
            value: self.need(cells, 7, cell::decimal)?,
            url: text(8)?,
            issued_at: self.need(cells, 9, cell::timestamp)?,
            items: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
