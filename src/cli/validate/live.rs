//! What Live shows of an order: by reading, in transactions of their own that are rolled back.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::{CompactString, format_compact};

use crate::core::money::{Decimal4, Money};
use crate::core::order::Direction;
use crate::live::writer::{Rows, Sql, Value, Writer};
use crate::mapping::cell::{self, CellError, RowId};
use crate::mapping::config::MappingConfig;
use crate::mapping::orders::OrdersConfig;
use crate::mapping::orders::inbound::{PARTS_MAX, part_number};
use crate::mapping::orders::written::Written;
use crate::validate::{Document, Kind, Known, Lines, LiveSeen, Pedido};

/// Reads one Live.
pub(super) struct Reader {
    pub(super) writer: Writer,
    /// The server itself keeps us from writing.
    pub(super) is_postgres: bool,
    pub(super) mapping: Arc<MappingConfig>,
    pub(super) written: Arc<Written>,
    /// What the codes of this Live mean.
    pub(super) codes: OrdersConfig,
    /// Live reserves by itself.
    pub(super) reserves_itself: bool,
}

/// The column of each row that names its pedido.
type ById<T> = HashMap<RowId, T>;

impl Reader {
    /// The order's pedidos. `reserved_before`: see [`LiveSeen::reserved`].
    pub(super) async fn look(&self, order: &str, reserved_before: Option<i64>) -> Known<LiveSeen> {
        let (ids, mut pedidos) = self.heads(order).await?;
        if !ids.is_empty() {
            let (lines, short) = (self.lines(&ids).await, self.unreserved(&ids).await);
            let (worth, paid) = (self.worth(&ids).await, self.paid(&ids).await);
            let documents = self.documents(&ids).await;
            for (id, pedido) in ids.iter().zip(&mut pedidos) {
                pedido.lines = together(of(&lines, id), &short, id);
                pedido.paid = of(&paid, id).map(Option::unwrap_or_default);
                pedido.documents = of(&documents, id).map(Option::unwrap_or_default);
                match of(&worth, id) {
                    Ok(Some((total, customer, manual))) => {
                        (pedido.total, pedido.customer, pedido.manual_payment) =
                            (Ok(total), Ok(customer), Ok(manual));
                    }
                    Ok(None) => {}
                    Err(why) => {
                        pedido.total = Err(why.clone());
                        pedido.customer = Err(why.clone());
                        pedido.manual_payment = Err(why);
                    }
                }
            }
        }
        let reserved = match reserved_before {
            Some(before) => Some((before, self.reserved().await?)),
            None => None,
        };
        Ok(LiveSeen { pedidos, reserved })
    }

    /// All units that are reserved, of everything.
    pub(super) async fn reserved(&self) -> Known<i64> {
        let stock = &self.mapping.tables.stock;
        let sql =
            Sql::read("validate.reserved").push("SELECT sum(").name(&stock.columns.reserved).push(") FROM ");
        let rows = self.rows(&sql.table(&stock.table)).await?;
        let (cell, oid) = rows.cell(0, 0);
        Ok(unreadable(cell::decimal(cell, oid))?.unwrap_or_default().floor())
    }

    /// The highest number of a pedido.
    pub(super) async fn newest(&self) -> Known<i64> {
        let order = &self.mapping.tables.order;
        let sql =
            Sql::read("validate.newest").push("SELECT max(").name(&order.columns.number).push(") FROM ");
        let rows = self.rows(&sql.table(&order.table)).await?;
        Ok(integer(&rows, 0, 0)?.unwrap_or(0))
    }

    /// VTEX's id of the first order of this kind whose pedido came after the one with number `after`.
    pub(super) async fn next(&self, kind: Kind, after: i64) -> Known<Option<String>> {
        let order = &self.mapping.tables.order;
        let columns = &order.columns;
        let kinds = &self.codes.kinds;
        let code = match kind {
            Kind::Pickup => kinds.pickup,
            Kind::Delivery => kinds.delivery,
            Kind::Seller => kinds.seller,
        };
        let sql =
            Sql::read("validate.next").push("SELECT ").names([columns.external.as_str()]).push(" FROM ");
        let sql = self.of_vtex(sql.table(&order.table).push(" WHERE "));
        let sql = sql.name(&columns.kind).push(" = ").value(Value::Int(code)).push(" AND ");
        let sql = sql.name(&columns.number).push(" > ").value(Value::Int(after));
        let rows = self.rows(&sql.push(" ORDER BY ").name(&columns.number)).await?;
        let external = if rows.is_empty() { None } else { text(&rows, 0, 0)? };
        Ok(external.map(|external| external.split('#').next().unwrap_or_default().to_owned()))
    }

    async fn heads(&self, order: &str) -> Known<(Vec<RowId>, Vec<Pedido>)> {
        let table = &self.mapping.tables.order;
        let c = &table.columns;
        let mut columns = vec![&*c.id, &*c.number, &*c.external, &*c.kind, &*c.status];
        columns.extend(Some(&*c.tracking).filter(|name| !name.is_empty()));
        let sql = Sql::read("validate.pedidos").push("SELECT ").names(columns).push(" FROM ");
        let sql = self.of_vtex(sql.table(&table.table).push(" WHERE "));
        let external = (1..=PARTS_MAX).map(|part| Value::text(part_number(order, part).into_string()));
        let sql = sql.name(&c.external).push(" IN (").values(external).push(") ORDER BY ").name(&c.number);
        let rows = self.rows(&sql).await?;
        let (mut ids, mut pedidos) = (Vec::new(), Vec::new());
        for row in 0..rows.len() {
            let code = integer(&rows, row, 4)?.unwrap_or_default();
            let kind = integer(&rows, row, 3)?;
            let unread = || "not read".to_owned();
            ids.push(row_id(&rows, row, 0)?);
            pedidos.push(Pedido {
                number: format_compact!("{}", integer(&rows, row, 1)?.unwrap_or_default()),
                external: text(&rows, row, 2)?.unwrap_or_default(),
                kind: kind.and_then(|kind| self.codes.kind(kind)),
                code,
                step: self.codes.status.step(code),
                total: Err(unread()),
                lines: Err(unread()),
                paid: Err(unread()),
                customer: Err(unread()),
                manual_payment: Err(unread()),
                documents: Err(unread()),
                tracking: if c.tracking.is_empty() { None } else { text(&rows, row, 5)? },
            });
        }
        Ok((ids, pedidos))
    }

    /// Value, whether there is a customer, whether its payment is a person's. A column that the site does not have is
    /// nothing to complain of.
    async fn worth(&self, ids: &[RowId]) -> Known<ById<(Money, bool, bool)>> {
        let (table, added) = (&self.mapping.tables.order, &self.written.order);
        let id = &table.columns.id;
        let or_id = |name: &String| if name.is_empty() { id.clone() } else { name.clone() };
        let (customer, manual) = (or_id(&added.customer), or_id(&added.manual_payment));
        let sql = Sql::read("validate.worth")
            .push("SELECT ")
            .names([id, &added.total, &customer, &manual].map(String::as_str));
        let sql = among(sql.push(" FROM ").table(&table.table).push(" WHERE ").name(id), ids);
        let rows = self.rows(&sql).await?;
        by_id(&rows, |row| {
            let (cell, oid) = rows.cell(row, 3);
            let manual =
                added.manual_payment.is_empty() || unreadable(cell::boolean(cell, oid))?.unwrap_or(false);
            let (cell, oid) = rows.cell(row, 2);
            Ok((money(&rows, row, 1)?, unreadable(cell::row_id(cell, oid))?.is_some(), manual))
        })
    }

    async fn paid(&self, ids: &[RowId]) -> Known<ById<Money>> {
        let table = &self.written.payment;
        let c = &table.columns;
        let sql = Sql::read("validate.payments").push("SELECT ").name(&c.order).push(", sum(").name(&c.value);
        let sql = among(sql.push(") FROM ").table(&table.table).push(" WHERE ").name(&c.order), ids);
        let rows = self.rows(&sql.push(" GROUP BY ").name(&c.order)).await?;
        by_id(&rows, |row| money(&rows, row, 1))
    }

    async fn lines(&self, ids: &[RowId]) -> Known<ById<(i64, i64)>> {
        let table = &self.mapping.tables.order_item;
        let c = &table.columns;
        let sql = Sql::read("validate.items").push("SELECT ").name(&c.order).push(", count(*), sum(");
        let sql = sql.name(&c.quantity).push(") FROM ").table(&table.table).push(" WHERE ").name(&c.order);
        let rows = self.rows(&among(sql, ids).push(" GROUP BY ").name(&c.order)).await?;
        by_id(&rows, |row| {
            let (cell, oid) = rows.cell(row, 2);
            let units = unreadable(cell::decimal(cell, oid))?.unwrap_or_default().floor();
            Ok((integer(&rows, row, 1)?.unwrap_or_default(), units))
        })
    }

    /// Lines whose balance has less reserved than they need. None: Live does it by itself.
    async fn unreserved(&self, ids: &[RowId]) -> Known<Option<ById<i64>>> {
        let tables = &self.mapping.tables;
        let (order, item, stock) = (&tables.order, &tables.order_item, &tables.stock);
        if self.reserves_itself || item.columns.deposit.is_empty() || stock.columns.reserved.is_empty() {
            return Ok(None);
        }
        let (i, e) = (&item.columns, &stock.columns);
        let sql =
            Sql::read("validate.reserved.lines").push("SELECT i.").name(&i.order).push(", count(*) FROM ");
        let sql = sql.table(&item.table).push(" i JOIN ").table(&order.table).push(" p ON p.");
        let sql =
            sql.name(&order.columns.id).push(" = i.").name(&i.order).push(" LEFT JOIN ").table(&stock.table);
        let sql = sql.push(" e ON e.").name(&e.store).push(" = p.").name(&self.written.order.store);
        let sql = sql.push(" AND e.").name(&e.deposit).push(" = i.").name(&i.deposit);
        let sql = sql.push(" AND e.").name(&e.sku).push(" = i.").name(&i.sku);
        let sql = among(sql.push(" WHERE i.").name(&i.order), ids);
        let sql = sql.push(" AND (e.").name(&e.reserved).push(" IS NULL OR e.").name(&e.reserved);
        let sql = sql.push(" < i.").name(&i.quantity).push(") GROUP BY i.").name(&i.order);
        let rows = self.rows(&sql).await?;
        by_id(&rows, |row| Ok(integer(&rows, row, 1)?.unwrap_or_default())).map(Some)
    }

    async fn documents(&self, ids: &[RowId]) -> Known<ById<Vec<Document>>> {
        let table = &self.mapping.tables.invoice;
        let c = &table.columns;
        let key = if c.key.is_empty() { &c.number } else { &c.key };
        let columns = [&c.order, &c.number, &c.series, key, &c.state, &c.value, &c.direction];
        let sql = Sql::read("validate.documents").push("SELECT ").names(columns.map(String::as_str));
        let sql = among(sql.push(" FROM ").table(&table.table).push(" WHERE ").name(&c.order), ids);
        let rows = self.rows(&sql).await?;
        let mut all: ById<Vec<Document>> = HashMap::new();
        for row in 0..rows.len() {
            let name = |column| row_id(&rows, row, column).map(|name| format_compact!("{name}"));
            let direction = integer(&rows, row, 6)?.and_then(|code| self.codes.direction(code));
            let document = Document {
                number: name(1)?,
                series: name(2)?,
                key: if c.key.is_empty() { None } else { text(&rows, row, 3)? },
                state: text(&rows, row, 4)?.and_then(|code| self.codes.invoice_state(&code)),
                sale: direction == Some(Direction::Output),
                value: money(&rows, row, 5)?,
            };
            all.entry(row_id(&rows, row, 0)?).or_default().push(document);
        }
        Ok(all)
    }

    /// `origem = 'VTEX' AND `, where there is such a column.
    fn of_vtex(&self, sql: Sql) -> Sql {
        match self.mapping.tables.order.columns.origin.as_str() {
            "" => sql,
            origin => sql
                .name(origin)
                .push(" = ")
                .value(Value::text(self.mapping.orders.origin.to_string()))
                .push(" AND "),
        }
    }

    pub(super) async fn rows(&self, sql: &Sql) -> Known<Rows> {
        let refused = |error: crate::live::writer::WriteError| {
            format!("Live does not tell ({error}); a login that may read it is given by --user")
        };
        let mut transaction = self.writer.begin().await.map_err(refused)?;
        if self.is_postgres {
            let read_only = Sql::write("validate.read_only").push("SET TRANSACTION READ ONLY");
            transaction.execute(&read_only).await.map_err(refused)?;
        }
        let rows = transaction.fetch(sql).await.map_err(refused)?;
        transaction.rollback().await;
        Ok(rows)
    }
}

fn of<T: Clone>(read: &Known<ById<T>>, id: &RowId) -> Known<Option<T>> {
    read.as_ref().map(|read| read.get(id).cloned()).map_err(Clone::clone)
}

fn together(lines: Known<Option<(i64, i64)>>, short: &Known<Option<ById<i64>>>, id: &RowId) -> Known<Lines> {
    let (count, units) = lines?.unwrap_or_default();
    let short = short.as_ref().map_err(Clone::clone)?;
    let unreserved = short.as_ref().map(|short| short.get(id).copied().unwrap_or(0));
    Ok(Lines { count, units, unreserved })
}

/// ` IN (…)`
pub(super) fn among(sql: Sql, ids: &[RowId]) -> Sql {
    sql.push(" IN (").values(ids.iter().map(id_value)).push(")")
}

pub(super) fn id_value(id: &RowId) -> Value {
    match id {
        RowId::Uuid(id) => Value::Uuid(*id),
        RowId::Int(id) => Value::Int(*id),
        RowId::Text(id) => Value::text(id.to_string()),
    }
}

fn by_id<T>(rows: &Rows, read: impl Fn(usize) -> Known<T>) -> Known<ById<T>> {
    (0..rows.len()).map(|row| Ok((row_id(rows, row, 0)?, read(row)?))).collect()
}

pub(super) fn row_id(rows: &Rows, row: usize, column: usize) -> Known<RowId> {
    let (cell, oid) = rows.cell(row, column);
    unreadable(cell::row_id(cell, oid).and_then(|id| id.ok_or(CellError::Missing)))
}

pub(super) fn integer(rows: &Rows, row: usize, column: usize) -> Known<Option<i64>> {
    let (cell, oid) = rows.cell(row, column);
    unreadable(cell::integer(cell, oid))
}

pub(super) fn decimal(rows: &Rows, row: usize, column: usize) -> Known<Decimal4> {
    let (cell, oid) = rows.cell(row, column);
    Ok(unreadable(cell::decimal(cell, oid))?.unwrap_or_default())
}

fn money(rows: &Rows, row: usize, column: usize) -> Known<Money> {
    Ok(decimal(rows, row, column)?.to_money().0)
}

fn text(rows: &Rows, row: usize, column: usize) -> Known<Option<CompactString>> {
    unreadable(cell::text(rows.cell(row, column).0))
}

fn unreadable<T>(read: Result<T, CellError>) -> Known<T> {
    read.map_err(|error| format!("a column of Live is not as mapped: {error}"))
}
