//! The order itself.

use std::collections::{BTreeMap, HashMap};

use compact_str::CompactString;

use super::places::{Places, Store};
use super::{Refusal, Tables, id_value, money, new_id, optional_text};
use crate::core::money::Decimal4;
use crate::core::order::Step;
use crate::core::order::obstacle::Obstacle;
use crate::core::order::pedido::{Entry, Pedido, PedidoLine, PedidoPayment};
use crate::core::time::Timestamp;
use crate::core::value::order::OrderKind;
use crate::live::writer::{Sql, Transaction, Value};
use crate::mapping::cell::RowId;
use crate::mapping::orders::inbound_config::Reserve;

/// A balance: store, deposit, SKU.
pub(super) type Balance = (RowId, RowId, RowId);

impl Tables {
    /// Writes all parts of an order.
    pub(super) async fn enter(
        &self,
        transaction: &mut Transaction,
        entry: &Entry,
        skus: &HashMap<CompactString, RowId>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let places = self.places(transaction, entry).await?;
        let Some(first) = entry.pedidos.first() else { return Ok(()) };
        let customer = self.customer(transaction, entry, places.store(&first.store)?, now).await?;
        let mut reserved: BTreeMap<Balance, Decimal4> = BTreeMap::new();
        for pedido in &entry.pedidos {
            let store = places.store(&pedido.store)?;
            let id = new_id();
            self.head(transaction, pedido, &id, &customer, store, &places, now).await?;
            for (line, sequence) in pedido.lines.iter().zip(1..) {
                let sku = skus.get(&line.reference).ok_or_else(|| unknown(&line.reference))?;
                let deposit = places.deposit(store, line.deposit.as_ref())?;
                self.item(transaction, &id, line, sequence, sku, deposit.as_ref()).await?;
                if self.config.reserve == Reserve::EstoqueSaldo {
                    let deposit = deposit.ok_or_else(|| no_deposit(&pedido.store))?;
                    let sum = reserved.entry((store.id.clone(), deposit, sku.clone())).or_default();
                    *sum = Decimal4(sum.0.saturating_add(line.quantity.0));
                }
            }
            for (payment, sequence) in pedido.payments.iter().zip(1..) {
                self.payment(transaction, &id, payment, sequence).await?;
            }
            self.status_row(transaction, &id, None, self.status(Step::Received)?, None, now).await?;
        }
        // In one order for all, so that two of them never wait for each other.
        for (balance, quantity) in reserved {
            self.reserve(transaction, &balance, quantity, now).await?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a row is put together from all that was found")]
    async fn head(
        &self,
        transaction: &mut Transaction,
        pedido: &Pedido,
        id: &Value,
        customer: &Value,
        store: &Store,
        places: &Places,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (table, added) = (&self.mapping.tables.order, &self.names.order);
        let names = &table.columns;
        let pickup = pedido.pickup_store.as_ref().map(|code| places.store(code)).transpose()?;
        let kinds = &self.mapping.orders.kinds;
        let kind = match pedido.kind {
            OrderKind::Pickup => kinds.pickup,
            OrderKind::Delivery => kinds.delivery,
            OrderKind::Seller => kinds.seller,
        };
        let place = pedido.destination.as_ref();
        let of_place = |text: Option<&String>| optional_text(text);
        let row = [
            (&names.id, id.clone()),
            (&names.tenant, Value::optional(store.tenant.as_ref(), id_value)),
            (&names.origin, self.origin()),
            (&names.external, Value::text(pedido.number.to_string())),
            (&added.group, optional_text(pedido.group.as_ref())),
            (&added.sequence, optional_text(pedido.sequence.as_ref())),
            (&names.kind, Value::Int(kind)),
            (&names.status, Value::Int(self.status(Step::Received)?)),
            (&added.store, id_value(&store.id)),
            (&added.pickup_store, Value::optional(pickup, |store| id_value(&store.id))),
            (&added.customer, customer.clone()),
            (&added.document, optional_text(pedido.document.as_ref())),
            (&added.channel, optional_text(pedido.channel.as_ref())),
            (&added.modality, optional_text(pedido.modality.as_ref())),
            (&added.price_table, Value::optional(places.price_table(pedido.price_table.as_ref())?, id_value)),
            (&added.products, money(pedido.products)),
            (&added.discount, money(pedido.discount)),
            (&added.shipping, money(pedido.shipping)),
            (&added.surcharge, money(pedido.surcharge)),
            (&added.total, money(pedido.total)),
            (&names.carrier, Value::optional(places.carrier(pedido.carrier.as_ref())?, id_value)),
            (&added.service, optional_text(pedido.service.as_ref())),
            (&added.expected, Value::optional(pedido.expected.clone(), Value::Date)),
            (&added.window_from, Value::optional(pedido.window, |(from, _)| Value::Moment(from))),
            (&added.window_to, Value::optional(pedido.window, |(_, to)| Value::Moment(to))),
            (&added.receiver, of_place(place.and_then(|place| place.receiver.as_ref()))),
            (&added.street, of_place(place.map(|place| &place.street))),
            (&added.street_number, of_place(place.and_then(|place| place.number.as_ref()))),
            (&added.complement, of_place(place.and_then(|place| place.complement.as_ref()))),
            (&added.neighborhood, of_place(place.and_then(|place| place.neighborhood.as_ref()))),
            (&added.city, of_place(place.map(|place| &place.city))),
            (&added.state, optional_text(place.map(|place| &place.state))),
            (&added.postal_code, optional_text(place.map(|place| &place.postal_code))),
            (&added.reference, of_place(place.and_then(|place| place.reference.as_ref()))),
            (&added.manual_payment, Value::Flag(pedido.manual_payment)),
            (&added.note, optional_text(pedido.note.as_ref())),
            (&names.ordered, Value::Moment(pedido.placed_at)),
            (&names.status_at, Value::Moment(now)),
            (&added.created_at, Value::Moment(now)),
            (&added.updated_at, Value::Moment(now)),
        ];
        let row = row.into_iter().map(|(name, value)| (name.as_str(), value));
        transaction.execute(&Sql::insert("orders.insert", &table.table, row)).await?;
        Ok(())
    }

    async fn item(
        &self,
        transaction: &mut Transaction,
        order: &Value,
        line: &PedidoLine,
        sequence: i64,
        sku: &RowId,
        deposit: Option<&RowId>,
    ) -> Result<(), Refusal> {
        let (table, added) = (&self.mapping.tables.order_item, &self.names.item);
        let names = &table.columns;
        let row = [
            (&names.id, new_id()),
            (&names.order, order.clone()),
            (&added.sequence, Value::Int(sequence)),
            (&names.sku, id_value(sku)),
            (&names.external, Value::text(line.external.to_string())),
            (&names.quantity, Value::Decimal(line.quantity.to_string())),
            (&added.unit_price, money(line.unit_price)),
            (&added.discount, money(line.discount)),
            (&added.shipping, money(line.shipping)),
            (&added.total, money(line.total)),
            (&added.deposit, Value::optional(deposit, id_value)),
            (&added.gift, Value::Flag(line.gift)),
        ];
        let row = row.into_iter().map(|(name, value)| (name.as_str(), value));
        transaction.execute(&Sql::insert("orders.item.insert", &table.table, row)).await?;
        Ok(())
    }

    async fn payment(
        &self,
        transaction: &mut Transaction,
        order: &Value,
        payment: &PedidoPayment,
        sequence: i64,
    ) -> Result<(), Refusal> {
        let names = &self.names.payment.columns;
        let row = [
            (&names.id, new_id()),
            (&names.order, order.clone()),
            (&names.sequence, Value::Int(sequence)),
            (&names.form, Value::text(payment.form.to_string())),
            (&names.brand, optional_text(payment.brand.as_ref())),
            (&names.value, money(payment.value)),
            (&names.installments, Value::Int(payment.installments)),
            (&names.tid, optional_text(payment.tid.as_ref())),
            (&names.nsu, optional_text(payment.nsu.as_ref())),
            (&names.authorization, optional_text(payment.authorization.as_ref())),
            (&names.acquirer, optional_text(payment.acquirer.as_ref())),
        ];
        let row = row.into_iter().map(|(name, value)| (name.as_str(), value));
        transaction.execute(&Sql::insert("orders.payment.insert", &self.names.payment.table, row)).await?;
        Ok(())
    }

    pub(super) async fn status_row(
        &self,
        transaction: &mut Transaction,
        order: &Value,
        before: Option<i64>,
        status: i64,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let table = &self.names.status;
        let names = &table.columns;
        let row = [
            (&names.order, order.clone()),
            (&names.before, Value::optional(before, Value::Int)),
            (&names.status, Value::Int(status)),
            (&names.user, Value::text(self.config.user.to_string())),
            (&names.reason, Value::optional(reason, |reason| Value::text(reason.to_owned()))),
            (&names.at, Value::Moment(now)),
        ];
        let row = row.into_iter().map(|(name, value)| (name.as_str(), value));
        transaction.execute(&Sql::insert("orders.status.insert", &table.table, row)).await?;
        Ok(())
    }

    /// Adds to what is reserved. A balance that Live does not have is one of zero, as for the stock that VTEX is told.
    async fn reserve(
        &self,
        transaction: &mut Transaction,
        (store, deposit, sku): &Balance,
        quantity: Decimal4,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let table = &self.mapping.tables.stock;
        let names = &table.columns;
        if names.reserved.is_empty() {
            return Ok(());
        }
        let amount = Value::Decimal(quantity.to_string());
        let sql = Sql::write("orders.reserve")
            .push("UPDATE ")
            .table(&table.table)
            .push(" SET ")
            .name(&names.reserved)
            .push(" = ")
            .name(&names.reserved)
            .push(" + ")
            .value(amount.clone());
        let sql = self.of_balance(self.touched(sql, now), store, deposit, sku);
        if transaction.execute(&sql).await? > 0 {
            return Ok(());
        }
        let row = [
            (&names.store, id_value(store)),
            (&names.deposit, id_value(deposit)),
            (&names.sku, id_value(sku)),
            (&names.quantity, Value::Decimal(Decimal4::ZERO.to_string())),
            (&names.reserved, amount),
            (&self.names.stock.updated_at, Value::Moment(now)),
        ];
        let row = row.into_iter().map(|(name, value)| (name.as_str(), value));
        transaction.execute(&Sql::insert("orders.reserve.insert", &table.table, row)).await?;
        Ok(())
    }

    /// `, data_atualizacao = now`, where there is such a column.
    pub(super) fn touched(&self, sql: Sql, now: Timestamp) -> Sql {
        match self.names.stock.updated_at.as_str() {
            "" => sql,
            column => sql.push(", ").name(column).push(" = ").value(Value::Moment(now)),
        }
    }

    pub(super) fn of_balance(&self, sql: Sql, store: &RowId, deposit: &RowId, sku: &RowId) -> Sql {
        let names = &self.mapping.tables.stock.columns;
        sql.push(" WHERE ")
            .name(&names.store)
            .push(" = ")
            .value(id_value(store))
            .push(" AND ")
            .name(&names.deposit)
            .push(" = ")
            .value(id_value(deposit))
            .push(" AND ")
            .name(&names.sku)
            .push(" = ")
            .value(id_value(sku))
    }
}

fn unknown(reference: &CompactString) -> Refusal {
    Refusal::Obstacles(vec![Obstacle::UnknownSku(reference.clone())])
}

fn no_deposit(store: &CompactString) -> Refusal {
    let place = "main deposit of store";
    Refusal::Obstacles(vec![Obstacle::NotInLive { place, code: store.clone() }])
}
