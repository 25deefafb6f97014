//! The buyer in Live.
//!
//! Live is the master of its customers: one that is there is left as he is, but for an address that he does not have yet.

use super::places::Store;
use super::{Refusal, Tables, id_value, needed, new_id, optional_text, row_id, text};
use crate::core::order::pedido::{Customer, Entry, PersonKind, Place};
use crate::core::time::Timestamp;
use crate::live::writer::{Sql, Transaction, Value};
use crate::mapping::cell::{self, RowId};

/// `origem_cadastro`, and `canal` of consents.
const ORIGIN: &str = "ECOMMERCE";
/// `cliente_endereco.tipo`.
const MAIN_ADDRESS: i64 = 1;
const DELIVERY_ADDRESS: i64 = 4;
const COUNTRY: &str = "BRA";
/// `cliente_consentimento.situacao`.
const ACCEPTED: i64 = 1;

impl Tables {
    /// The customer of the order, found by document, then by e-mail; else a new one.
    pub(super) async fn customer(
        &self,
        transaction: &mut Transaction,
        entry: &Entry,
        store: &Store,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let known = self.find_customer(transaction, &entry.customer, store).await?;
        let (id, is_new) = match known {
            Some(id) => (id_value(&id), false),
            None => (self.new_customer(transaction, &entry.customer, store, now).await?, true),
        };
        let mut places: Vec<(&Place, i64)> = Vec::new();
        places.extend(entry.customer.address.as_ref().filter(|_| is_new).map(|place| (place, MAIN_ADDRESS)));
        let delivered = entry.pedidos.iter().filter_map(|pedido| pedido.destination.as_ref());
        places.extend(delivered.map(|place| (place, DELIVERY_ADDRESS)));
        for (place, kind) in places {
            self.address(transaction, &id, place, kind, now).await?;
        }
        if let Some(at) = entry.consent {
            self.consent(transaction, &id, store, at, now).await?;
        }
        Ok(id)
    }

    async fn find_customer(
        &self,
        transaction: &mut Transaction,
        customer: &Customer,
        store: &Store,
    ) -> Result<Option<RowId>, Refusal> {
        let table = &self.mapping.tables.customer;
        let names = &table.columns;
        let select = |tag, condition: &dyn Fn(Sql) -> Sql| {
            let sql = Sql::read(tag)
                .push("SELECT ")
                .names([names.id.as_str(), &names.document])
                .push(" FROM ")
                .table(&table.table)
                .push(" WHERE ");
            let sql = condition(sql);
            let sql = match &store.tenant {
                Some(tenant) if !names.tenant.is_empty() => {
                    sql.push(" AND ").name(&names.tenant).push(" = ").value(id_value(tenant))
                }
                _ => sql,
            };
            let sql = match names.erased.as_str() {
                "" => sql,
                erased => sql.push(" AND ").name(erased).push(" IS NULL"),
            };
            sql.push(" ORDER BY ").name(&names.id)
        };
        if let Some(document) = &customer.document {
            let is_it =
                |sql: Sql| sql.name(&names.document).push(" = ").value(Value::text(document.to_string()));
            let rows = transaction.fetch(&select("orders.customer.document", &is_it)).await?;
            if !rows.is_empty() {
                return row_id(&rows, 0, 0);
            }
        }
        let Some(email) = customer.email.as_ref().filter(|_| !names.email.is_empty()) else {
            return Ok(None);
        };
        let is_it = |sql: Sql| {
            sql.push("lower(").name(&names.email).push(") = ").value(Value::text(email.to_string()))
        };
        let rows = transaction.fetch(&select("orders.customer.email", &is_it)).await?;
        for row in 0..rows.len() {
            // A family shares an address: whoever has another document is somebody else.
            let other = text(&rows, row, 1)?.filter(|document| !document.is_empty());
            if other.is_none() || customer.document.is_none() {
                return row_id(&rows, row, 0);
            }
        }
        Ok(None)
    }

    async fn new_customer(
        &self,
        transaction: &mut Transaction,
        customer: &Customer,
        store: &Store,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let table = &self.mapping.tables.customer;
        let (names, added) = (&table.columns, &self.names.customer);
        let id = new_id();
        let kind = match customer.kind {
            PersonKind::Person => 1,
            PersonKind::Company => 2,
        };
        let row = [
            (&names.id, id.clone()),
            (&names.tenant, Value::optional(store.tenant.as_ref(), id_value)),
            (&names.code, Value::text(customer.code.to_string())),
            (&names.kind, Value::Int(kind)),
            (&names.document, optional_text(customer.document.as_ref())),
            (&names.registration, optional_text(customer.registration.as_ref())),
            (&names.name, Value::text(customer.name.clone())),
            (&names.trade_name, optional_text(customer.trade_name.as_ref())),
            (&names.email, optional_text(customer.email.as_ref())),
            (&names.cell_phone, optional_text(customer.cell_phone.as_ref())),
            (&names.phone, optional_text(customer.phone.as_ref())),
            (&names.status, Value::Int(self.mapping.codes.active)),
            (&added.origin, Value::text(ORIGIN)),
            (&added.store, id_value(&store.id)),
            (&added.created_at, Value::Moment(now)),
            (&added.updated_at, Value::Moment(now)),
        ];
        let row = row.into_iter().map(|(name, value)| (name.as_str(), value));
        transaction.execute(&Sql::insert("orders.customer.insert", &table.table, row)).await?;
        Ok(id)
    }

    /// Adds an address unless the customer has it, by postal code, street and number.
    async fn address(
        &self,
        transaction: &mut Transaction,
        customer: &Value,
        place: &Place,
        kind: i64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let table = &self.mapping.tables.address;
        let names = &table.columns;
        let same = Sql::read("orders.address.find")
            .push("SELECT ")
            .name(&names.number)
            .push(" FROM ")
            .table(&table.table)
            .push(" WHERE ")
            .name(&names.customer)
            .push(" = ")
            .value(customer.clone())
            .push(" AND ")
            .name(&names.postal_code)
            .push(" = ")
            .value(Value::text(place.postal_code.to_string()))
            .push(" AND lower(")
            .name(&names.street)
            .push(") = ")
            .value(Value::text(place.street.to_lowercase()));
        let rows = transaction.fetch(&same).await?;
        for row in 0..rows.len() {
            let number = text(&rows, row, 0)?;
            if number.as_deref().unwrap_or_default() == place.number.as_deref().unwrap_or_default() {
                return Ok(());
            }
        }
        let row = [
            (&names.id, new_id()),
            (&names.customer, customer.clone()),
            (&names.kind, Value::Int(kind)),
            (&names.receiver, optional_text(place.receiver.as_ref())),
            (&names.street, Value::text(place.street.clone())),
            (&names.number, optional_text(place.number.as_ref())),
            (&names.complement, optional_text(place.complement.as_ref())),
            (&names.neighborhood, optional_text(place.neighborhood.as_ref())),
            (&names.city, Value::text(place.city.clone())),
            (&names.state, Value::text(place.state.to_string())),
            (&names.postal_code, Value::text(place.postal_code.to_string())),
            (&names.country, Value::text(COUNTRY)),
            (&names.reference, optional_text(place.reference.as_ref())),
            (&names.status, Value::Int(self.mapping.codes.active)),
            (&self.names.address.updated_at, Value::Moment(now)),
        ];
        let row = row.into_iter().map(|(name, value)| (name.as_str(), value));
        transaction.execute(&Sql::insert("orders.address.insert", &table.table, row)).await?;
        Ok(())
    }

    /// What the shopper said in the checkout, unless something newer is known, or the same. Without a letter that holds,
    /// nothing can be agreed to, and nothing is written.
    async fn consent(
        &self,
        transaction: &mut Transaction,
        customer: &Value,
        store: &Store,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let tables = &self.mapping.tables;
        let purpose = {
            let (table, names) = (&tables.purpose.table, &tables.purpose.columns);
            Sql::read("orders.consent.purpose")
                .push("SELECT ")
                .name(&names.id)
                .push(" FROM ")
                .table(table)
                .push(" WHERE ")
                .name(&names.code)
                .push(" = ")
                .value(Value::text(self.mapping.consent.email_marketing_purpose.to_string()))
        };
        let letter = {
            let (table, names) = (&tables.letter.table, &tables.letter.columns);
            let sql = Sql::read("orders.consent.letter")
                .push("SELECT ")
                .name(&names.id)
                .push(" FROM ")
                .table(table)
                .push(" WHERE ")
                .name(&self.names.letter.active)
                .push(" = ")
                .value(Value::Flag(true));
            match &store.tenant {
                Some(tenant) if !names.tenant.is_empty() => {
                    sql.push(" AND ").name(&names.tenant).push(" = ").value(id_value(tenant))
                }
                _ => sql,
            }
        };
        let purposes = transaction.fetch(&purpose).await?;
        let letters = transaction.fetch(&letter).await?;
        if purposes.is_empty() || letters.is_empty() {
            tracing::warn!(
                "an order brought a consent that cannot be kept: Live has no letter that holds, or not the purpose"
            );
            return Ok(());
        }
        let purpose = needed(row_id(&purposes, 0, 0)?)?;
        let letter = needed(row_id(&letters, 0, 0)?)?;
        if self.said_since(transaction, customer, &purpose, at).await? {
            return Ok(());
        }
        let (names, added) = (&tables.consent.columns, &self.names.consent);
        let row = [
            (&names.id, new_id()),
            (&names.customer, customer.clone()),
            (&names.letter, id_value(&letter)),
            (&names.purpose, id_value(&purpose)),
            (&names.state, Value::Int(ACCEPTED)),
            (&names.channel, Value::text(ORIGIN)),
            (&names.accepted, Value::Moment(at)),
            (&added.store, id_value(&store.id)),
            (&added.updated_at, Value::Moment(now)),
        ];
        let row = row.into_iter().map(|(name, value)| (name.as_str(), value));
        transaction.execute(&Sql::insert("orders.consent.insert", &tables.consent.table, row)).await?;
        Ok(())
    }

    /// Whether the customer has agreed already, or has said something else later: a late order revives no consent.
    async fn said_since(
        &self,
        transaction: &mut Transaction,
        customer: &Value,
        purpose: &RowId,
        at: Timestamp,
    ) -> Result<bool, Refusal> {
        let table = &self.mapping.tables.consent;
        let names = &table.columns;
        let sql = Sql::read("orders.consent.acts")
            .push("SELECT ")
            .names([names.state.as_str(), &names.accepted, &names.revoked])
            .push(" FROM ")
            .table(&table.table)
            .push(" WHERE ")
            .name(&names.customer)
            .push(" = ")
            .value(customer.clone())
            .push(" AND ")
            .name(&names.purpose)
            .push(" = ")
            .value(id_value(purpose));
        let rows = transaction.fetch(&sql).await?;
        let mut newest: Option<(Timestamp, i64)> = None;
        for row in 0..rows.len() {
            let (state, state_oid) = rows.cell(row, 0);
            let state = cell::integer(state, state_oid)?.unwrap_or_default();
            let moment = |column| {
                let (cell, oid) = rows.cell(row, column);
                cell::timestamp(cell, oid)
            };
            // What has no time may be newer than anything.
            let said = moment(1)?.max(moment(2)?).unwrap_or(Timestamp(i64::MAX));
            newest = newest.max(Some((said, state)));
        }
        Ok(newest.is_some_and(|(said, state)| said >= at || state == ACCEPTED))
    }
}
