//! Orders that VTEX ends, or that the shopper wants to end.

use std::collections::BTreeMap;

use super::pedido::Balance;
use super::{Refusal, Tables, id_of_text, needed, row_id};
use crate::core::money::Decimal4;
use crate::core::order::Step;
use crate::core::order::inbound::{Part, Why};
use crate::core::time::Timestamp;
use crate::live::writer::{Sql, Transaction, Value};
use crate::mapping::cell;
use crate::mapping::orders::inbound_config::Reserve;

/// `motivo_cancelamento` and `pedido_venda_status.motivo`.
const REASON_MAX: usize = 200;

impl Tables {
    /// False: it is not in the status any more in which it was read.
    pub(super) async fn cancel_part(
        &self,
        transaction: &mut Transaction,
        part: &Part,
        why: Why,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let (table, added) = (&self.mapping.tables.order, &self.names.order);
        let names = &table.columns;
        let id = id_of_text(&part.id);
        let cancelled = self.status(Step::Cancelled)?;
        let reason = text_of(why, reason);
        let mut sql = Sql::write("orders.cancel")
            .push("UPDATE ")
            .table(&table.table)
            .push(" SET ")
            .name(&names.status)
            .push(" = ")
            .value(Value::Int(cancelled));
        let also = [
            (&names.reason, Value::text(reason.clone())),
            (&names.status_at, Value::Moment(now)),
            (&added.updated_at, Value::Moment(now)),
        ];
        for (name, value) in also.into_iter().filter(|(name, _)| !name.is_empty()) {
            sql = sql.push(", ").name(name).push(" = ").value(value);
        }
        let sql = sql
            .push(" WHERE ")
            .name(&names.id)
            .push(" = ")
            .value(id.clone())
            .push(" AND ")
            .name(&names.status)
            .push(" = ")
            .value(Value::Int(part.status));
        if transaction.execute(&sql).await? == 0 {
            return Ok(false);
        }
        self.status_row(transaction, &id, Some(part.status), cancelled, Some(&reason), now).await?;
        if self.config.reserve == Reserve::EstoqueSaldo {
            self.release(transaction, &id, now).await?;
        }
        Ok(true)
    }

    /// Takes back what was reserved for an order; never below nothing.
    async fn release(
        &self,
        transaction: &mut Transaction,
        order: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let stock = &self.mapping.tables.stock;
        let reserved = &stock.columns.reserved;
        if reserved.is_empty() {
            return Ok(());
        }
        for ((store, deposit, sku), quantity) in self.reserved(transaction, order).await? {
            let amount = || Value::Decimal(quantity.to_string());
            let sql = Sql::write("orders.release")
                .push("UPDATE ")
                .table(&stock.table)
                .push(" SET ")
                .name(reserved)
                .push(" = CASE WHEN ")
                .name(reserved)
                .push(" > ")
                .value(amount())
                .push(" THEN ")
                .name(reserved)
                .push(" - ")
                .value(amount())
                .push(" ELSE 0 END");
            let sql = self.of_balance(self.touched(sql, now), &store, &deposit, &sku);
            transaction.execute(&sql).await?;
        }
        Ok(())
    }

    async fn reserved(
        &self,
        transaction: &mut Transaction,
        order: &Value,
    ) -> Result<BTreeMap<Balance, Decimal4>, Refusal> {
        let (table, item) = (&self.mapping.tables.order, &self.mapping.tables.order_item);
        let head = Sql::read("orders.store")
            .push("SELECT ")
            .name(&self.names.order.store)
            .push(" FROM ")
            .table(&table.table)
            .push(" WHERE ")
            .name(&table.columns.id)
            .push(" = ")
            .value(order.clone());
        let rows = transaction.fetch(&head).await?;
        let store = needed(row_id(&rows, 0, 0)?)?;
        let names = &item.columns;
        let lines = Sql::read("orders.items")
            .push("SELECT ")
            .names([names.sku.as_str(), &names.quantity, &self.names.item.deposit])
            .push(" FROM ")
            .table(&item.table)
            .push(" WHERE ")
            .name(&names.order)
            .push(" = ")
            .value(order.clone());
        let rows = transaction.fetch(&lines).await?;
        let mut balances = BTreeMap::new();
        for row in 0..rows.len() {
            // Without a deposit nothing was reserved.
            let Some(deposit) = row_id(&rows, row, 2)? else { continue };
            let sku = needed(row_id(&rows, row, 0)?)?;
            let (quantity, oid) = rows.cell(row, 1);
            let quantity = needed(cell::decimal(quantity, oid)?)?;
            let sum: &mut Decimal4 = balances.entry((store.clone(), deposit, sku)).or_default();
            *sum = Decimal4(sum.0.saturating_add(quantity.0));
        }
        Ok(balances)
    }

    pub(super) async fn flag_part(
        &self,
        transaction: &mut Transaction,
        part: &Part,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (table, names) = (&self.mapping.tables.order, &self.names.order);
        if names.cancellation_asked.is_empty() {
            return Ok(());
        }
        let sql = Sql::write("orders.flag")
            .push("UPDATE ")
            .table(&table.table)
            .push(" SET ")
            .name(&names.cancellation_asked)
            .push(" = ")
            .value(Value::Flag(true));
        let sql = match names.updated_at.as_str() {
            "" => sql,
            column => sql.push(", ").name(column).push(" = ").value(Value::Moment(now)),
        };
        let sql = sql.push(" WHERE ").name(&table.columns.id).push(" = ").value(id_of_text(&part.id));
        transaction.execute(&sql).await?;
        Ok(())
    }
}

fn text_of(why: Why, reason: Option<&str>) -> String {
    let text = match (why, reason) {
        (Why::Replaced, _) => "substituído na VTEX por outro pedido do mesmo grupo".to_owned(),
        (Why::Cancelled, Some(reason)) => format!("cancelado na VTEX: {reason}"),
        (Why::Cancelled, None) => "cancelado na VTEX".to_owned(),
    };
    let mut left = REASON_MAX;
    text.chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect()
}
