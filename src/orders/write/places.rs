//! Ids of what an order names by its code.

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::{Refusal, Tables, id_of_text, id_value, needed, row_id, text};
use crate::core::order::obstacle::Obstacle;
use crate::core::order::pedido::Entry;
use crate::live::writer::{Sql, Transaction, Value};
use crate::mapping::cell::{self, RowId};

/// A store with its deposits.
#[derive(Debug)]
pub(super) struct Store {
    code: CompactString,
    pub(super) id: RowId,
    pub(super) tenant: Option<RowId>,
    deposits: Vec<Deposit>,
}

#[derive(Debug)]
struct Deposit {
    id: RowId,
    code: CompactString,
    main: bool,
}

/// Everything that the parts of an order name.
#[derive(Debug, Default)]
pub(super) struct Places {
    stores: Vec<Store>,
    carriers: Vec<(CompactString, RowId)>,
    price_tables: Vec<(CompactString, RowId)>,
}

impl Places {
    pub(super) fn store(&self, code: &str) -> Result<&Store, Refusal> {
        let mut found = self.stores.iter().filter(|store| store.code == code);
        match (found.next(), found.next()) {
            (Some(store), None) => Ok(store),
            (Some(_), Some(_)) => Err(missing("store (several have this code: set mapping.tenant)", code)),
            (None, _) => Err(missing("store", code)),
        }
    }

    /// The deposit that goods leave: the named one, else the store's main one, else its only one.
    pub(super) fn deposit(
        &self,
        store: &Store,
        code: Option<&CompactString>,
    ) -> Result<Option<RowId>, Refusal> {
        let deposits = &store.deposits;
        if let Some(code) = code {
            let found = deposits.iter().find(|deposit| deposit.code == *code);
            return found.map(|deposit| Some(deposit.id.clone())).ok_or_else(|| missing("deposit", code));
        }
        let main = deposits.iter().find(|deposit| deposit.main);
        let only = || deposits.first().filter(|_| deposits.len() == 1);
        Ok(main.or_else(only).map(|deposit| deposit.id.clone()))
    }

    pub(super) fn carrier(&self, code: Option<&CompactString>) -> Result<Option<&RowId>, Refusal> {
        named(&self.carriers, "carrier", code)
    }

    pub(super) fn price_table(&self, code: Option<&CompactString>) -> Result<Option<&RowId>, Refusal> {
        named(&self.price_tables, "price table", code)
    }
}

fn named<'a>(
    list: &'a [(CompactString, RowId)],
    place: &'static str,
    code: Option<&CompactString>,
) -> Result<Option<&'a RowId>, Refusal> {
    let Some(code) = code else { return Ok(None) };
    let found = list.iter().find(|(known, _)| known == code);
    found.map(|(_, id)| Some(id)).ok_or_else(|| missing(place, code))
}

fn missing(place: &'static str, code: &str) -> Refusal {
    Refusal::Obstacles(vec![Obstacle::NotInLive { place, code: code.into() }])
}

impl Tables {
    pub(super) async fn places(
        &self,
        transaction: &mut Transaction,
        entry: &Entry,
    ) -> Result<Places, Refusal> {
        let codes = |of: &dyn Fn(&crate::core::order::pedido::Pedido) -> Vec<CompactString>| {
            entry.pedidos.iter().flat_map(of).collect::<BTreeSet<_>>()
        };
        let stores =
            codes(&|pedido| std::iter::once(&pedido.store).chain(&pedido.pickup_store).cloned().collect());
        let carriers = codes(&|pedido| pedido.carrier.iter().cloned().collect());
        let price_tables = codes(&|pedido| pedido.price_table.iter().cloned().collect());
        let tables = &self.mapping.tables;
        let carrier = &tables.carrier;
        let price = &tables.price_table;
        let (carrier_id, carrier_code) = (&carrier.columns.id, &carrier.columns.code);
        Ok(Places {
            stores: self.stores(transaction, stores).await?,
            carriers: self
                .by_code(transaction, &carrier.table, [carrier_id, carrier_code, ""], carriers)
                .await?,
            price_tables: self
                .by_code(
                    transaction,
                    &price.table,
                    [&price.columns.id, &price.columns.code, &price.columns.tenant],
                    price_tables,
                )
                .await?,
        })
    }

    async fn stores(
        &self,
        transaction: &mut Transaction,
        codes: BTreeSet<CompactString>,
    ) -> Result<Vec<Store>, Refusal> {
        let table = &self.mapping.tables.store;
        let names = &table.columns;
        let has_tenant = !names.tenant.is_empty();
        let columns = [&names.id, &names.code, &names.tenant].map(String::as_str);
        let sql = Sql::read("orders.stores")
            .push("SELECT ")
            .names(columns.into_iter().filter(|name| !name.is_empty()))
            .push(" FROM ")
            .table(&table.table)
            .push(" WHERE ")
            .name(&names.code)
            .push(" IN (")
            .values(codes.into_iter().map(|code| Value::text(code.into_string())))
            .push(")");
        let rows = transaction.fetch(&self.of_tenant(sql, &names.tenant)).await?;
        let mut stores = Vec::new();
        for row in 0..rows.len() {
            let id = needed(row_id(&rows, row, 0)?)?;
            stores.push(Store {
                code: needed(text(&rows, row, 1)?)?,
                tenant: if has_tenant { row_id(&rows, row, 2)? } else { None },
                deposits: self.deposits(transaction, &id).await?,
                id,
            });
        }
        Ok(stores)
    }

    async fn deposits(&self, transaction: &mut Transaction, store: &RowId) -> Result<Vec<Deposit>, Refusal> {
        let table = &self.mapping.tables.deposit;
        let names = &table.columns;
        let main = &self.names.deposit.main;
        let columns = [&names.id, &names.code, main].map(String::as_str);
        let sql = Sql::read("orders.deposits")
            .push("SELECT ")
            .names(columns.into_iter().filter(|name| !name.is_empty()))
            .push(" FROM ")
            .table(&table.table)
            .push(" WHERE ")
            .name(&names.store)
            .push(" = ")
            .value(id_value(store));
        let rows = transaction.fetch(&sql).await?;
        let deposit = |row| {
            let (cell, oid) = rows.cell(row, 2);
            let main = if main.is_empty() { None } else { cell::boolean(cell, oid)? };
            Ok(Deposit {
                id: needed(row_id(&rows, row, 0)?)?,
                code: needed(text(&rows, row, 1)?)?,
                main: main.unwrap_or(false),
            })
        };
        (0..rows.len()).map(deposit).collect()
    }

    /// `names`: id, code, and the tenant where the table has one.
    async fn by_code(
        &self,
        transaction: &mut Transaction,
        table: &str,
        names: [&str; 3],
        codes: BTreeSet<CompactString>,
    ) -> Result<Vec<(CompactString, RowId)>, Refusal> {
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        let sql = Sql::read("orders.codes")
            .push("SELECT ")
            .names([names[1], names[0]])
            .push(" FROM ")
            .table(table)
            .push(" WHERE ")
            .name(names[1])
            .push(" IN (")
            .values(codes.into_iter().map(|code| Value::text(code.into_string())))
            .push(")");
        let rows = transaction.fetch(&self.of_tenant(sql, names[2])).await?;
        let pair = |row| Ok((needed(text(&rows, row, 0)?)?, needed(row_id(&rows, row, 1)?)?));
        (0..rows.len()).map(pair).collect()
    }

    /// Only rows of the mapping's tenant, if it names one.
    fn of_tenant(&self, sql: Sql, column: &str) -> Sql {
        match &self.mapping.tenant {
            Some(tenant) if !column.is_empty() => {
                sql.push(" AND ").name(column).push(" = ").value(id_of_text(tenant))
            }
            _ => sql,
        }
    }
}
