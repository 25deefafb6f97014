//! Orders in the tables of Live: each of these is one transaction, marked as ours.
//!
//! | file | holds |
//! |---|---|
//! | `places` | ids of stores, deposits, carriers and price tables |
//! | `customer` | the buyer: found or inserted, with address and consent |
//! | `pedido` | the order itself, its reservation, its first status |
//! | `ending` | cancelling, and the flag that asks staff to decide |
//! | `staging` | all of that for sites that forbid writing into their tables |
//!
//! Whatever was written is written once: an order that is there is left alone, and a status changes only from the one
//! that was read.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::{CompactString, format_compact};

use crate::core::money::Money;
use crate::core::order::Step;
use crate::core::order::inbound::{Part, Stage, Why};
use crate::core::order::obstacle::Obstacle;
use crate::core::order::pedido::Entry;
use crate::core::time::Timestamp;
use crate::failpoint;
use crate::live::writer::{Rows, Sql, Transaction, Value, Violation, WriteError, Writer};
use crate::mapping::cell::{self, RowId};
use crate::mapping::config::MappingConfig;
use crate::mapping::orders::inbound::{PARTS_MAX, part_number};
use crate::mapping::orders::inbound_config::{InboundConfig, WriteMode};
use crate::mapping::orders::written::Written;

mod customer;
mod ending;
mod pedido;
mod places;
mod staging;

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The same again can succeed by itself.
    Later(WriteError),
    /// This order cannot be written as it is.
    Obstacles(Vec<Obstacle>),
}

impl From<WriteError> for Refusal {
    fn from(error: WriteError) -> Self {
        // Its text quotes no value.
        let text = error.to_string();
        match error {
            error if error.is_transient() => Self::Later(error),
            WriteError::Constraint { violation: Violation::Unique, .. } => {
                Self::Obstacles(vec![Obstacle::Duplicate(text)])
            }
            _ => Self::Obstacles(vec![Obstacle::Refused(text)]),
        }
    }
}

impl From<cell::CellError> for Refusal {
    fn from(error: cell::CellError) -> Self {
        Self::Obstacles(vec![Obstacle::Refused(format!("a column is not as mapped: {error}"))])
    }
}

/// What came of writing an order.
#[derive(Debug)]
pub(super) enum Outcome {
    Inserted(Vec<Part>),
    /// It was there already.
    Present(Vec<Part>),
}

/// Writes orders into one Live.
#[derive(Clone)]
pub struct Tables {
    pub writer: Writer,
    pub mapping: Arc<MappingConfig>,
    pub config: Arc<InboundConfig>,
    pub names: Arc<Written>,
}

impl Tables {
    /// What Live has of an order.
    pub(super) async fn parts(&self, order: &str) -> Result<Vec<Part>, Refusal> {
        let mut transaction = self.writer.begin().await?;
        let parts = match self.config.write {
            WriteMode::Tables => self.find(&mut transaction, order).await,
            WriteMode::Staging => self.find_staged(&mut transaction, order).await,
        };
        transaction.rollback().await;
        parts
    }

    /// Writes an order that Live does not have. `skus`: the rows that its references name.
    pub(super) async fn insert(
        &self,
        entry: &Entry,
        skus: &HashMap<CompactString, RowId>,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let inserted = self.insert_once(entry, skus, now).await;
        // Somebody was faster: a till that registered the same customer, or a process of ours whose last commit was still
        // under way when it was killed. Now it shows.
        let raced = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Duplicate(_));
        match inserted {
            Err(Refusal::Obstacles(obstacles)) if obstacles.iter().any(raced) => {
                self.insert_once(entry, skus, now).await
            }
            other => other,
        }
    }

    async fn insert_once(
        &self,
        entry: &Entry,
        skus: &HashMap<CompactString, RowId>,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let mut transaction = self.writer.begin().await?;
        let there = match self.config.write {
            WriteMode::Tables => self.find(&mut transaction, &entry.order).await?,
            WriteMode::Staging => self.find_staged(&mut transaction, &entry.order).await?,
        };
        if !there.is_empty() {
            transaction.rollback().await;
            return Ok(Outcome::Present(there));
        }
        let parts = match self.config.write {
            WriteMode::Tables => {
                self.enter(&mut transaction, entry, skus, now).await?;
                // Live has numbered them.
                self.find(&mut transaction, &entry.order).await?
            }
            WriteMode::Staging => {
                self.stage(&mut transaction, entry, now).await?;
                self.find_staged(&mut transaction, &entry.order).await?
            }
        };
        commit(transaction, "entering", "entered").await?;
        Ok(Outcome::Inserted(parts))
    }

    /// Cancels parts. False: one of them has moved on since it was read, and nothing was done.
    pub(super) async fn cancel(
        &self,
        parts: &[&Part],
        why: Why,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let mut transaction = self.writer.begin().await?;
        for part in parts {
            let done = match self.config.write {
                WriteMode::Tables => self.cancel_part(&mut transaction, part, why, reason, now).await?,
                WriteMode::Staging => {
                    self.stage_state(&mut transaction, part, staging::CANCELLED, now).await?
                }
            };
            if !done {
                transaction.rollback().await;
                return Ok(false);
            }
        }
        commit(transaction, "ending", "ended").await?;
        Ok(true)
    }

    /// Tells staff that the shopper wants to cancel.
    pub(super) async fn flag(&self, parts: &[&Part], now: Timestamp) -> Result<(), Refusal> {
        let mut transaction = self.writer.begin().await?;
        for part in parts {
            match self.config.write {
                WriteMode::Tables => self.flag_part(&mut transaction, part, now).await?,
                WriteMode::Staging => {
                    self.stage_state(&mut transaction, part, staging::ASKED, now).await?;
                }
            }
        }
        commit(transaction, "flagging", "flagged").await?;
        Ok(())
    }

    async fn find(&self, transaction: &mut Transaction, order: &str) -> Result<Vec<Part>, Refusal> {
        let table = &self.mapping.tables.order;
        let names = &table.columns;
        let asked = &self.names.order.cancellation_asked;
        let columns = [&names.id, &names.number, &names.external, &names.status, asked];
        let sql = Sql::read("orders.find")
            .push("SELECT ")
            .names(columns.into_iter().map(String::as_str).filter(|name| !name.is_empty()))
            .push(" FROM ")
            .table(&table.table)
            .push(" WHERE ")
            .name(&names.origin)
            .push(" = ")
            .value(self.origin())
            .push(" AND ")
            .name(&names.external)
            .push(" IN (")
            .values(external_numbers(order).map(|number| Value::text(number.into_string())))
            .push(")");
        let rows = transaction.fetch(&sql).await?;
        let part = |row| self.part(&rows, row, !asked.is_empty());
        let mut parts: Vec<Part> = (0..rows.len()).map(part).collect::<Result<_, Refusal>>()?;
        parts.sort_by(|a, b| (a.external.len(), &a.external).cmp(&(b.external.len(), &b.external)));
        Ok(parts)
    }

    fn part(&self, rows: &Rows, row: usize, has_flag: bool) -> Result<Part, Refusal> {
        let status = integer(rows, row, 3)?;
        let asked = if has_flag {
            let (cell, oid) = rows.cell(row, 4);
            cell::boolean(cell, oid)?.unwrap_or(false)
        } else {
            false
        };
        Ok(Part {
            external: text(rows, row, 2)?.unwrap_or_default(),
            id: needed(row_id(rows, row, 0)?)?.to_string().into(),
            number: format_compact!("{}", integer(rows, row, 1)?),
            status,
            stage: Stage::from(self.mapping.orders.status.step(status)),
            cancellation_asked: asked,
        })
    }

    /// `origem` of orders that come from VTEX.
    fn origin(&self) -> Value {
        Value::text(self.mapping.orders.origin.to_string())
    }

    /// The status code of a step.
    fn status(&self, step: Step) -> Result<i64, Refusal> {
        self.mapping.orders.status.code(step).ok_or_else(|| {
            let text = format!("[mapping.orders.status] has no code for {step}");
            Refusal::Obstacles(vec![Obstacle::Refused(text)])
        })
    }
}

async fn commit(
    transaction: Transaction,
    before: &'static str,
    after: &'static str,
) -> Result<(), WriteError> {
    failpoint::reached("order", before);
    transaction.commit().await?;
    failpoint::reached("order", after);
    Ok(())
}

/// The numbers that the parts of an order can have.
fn external_numbers(order: &str) -> impl Iterator<Item = CompactString> {
    (1..=PARTS_MAX).map(move |part| part_number(order, part))
}

fn row_id(rows: &Rows, row: usize, column: usize) -> Result<Option<RowId>, Refusal> {
    let (cell, oid) = rows.cell(row, column);
    Ok(cell::row_id(cell, oid)?)
}

fn text(rows: &Rows, row: usize, column: usize) -> Result<Option<CompactString>, Refusal> {
    Ok(cell::text(rows.cell(row, column).0)?)
}

fn integer(rows: &Rows, row: usize, column: usize) -> Result<i64, Refusal> {
    let (cell, oid) = rows.cell(row, column);
    needed(cell::integer(cell, oid)?)
}

fn needed<T>(value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::from(cell::CellError::Missing))
}

/// An id of a row as a parameter.
fn id_value(id: &RowId) -> Value {
    match id {
        RowId::Uuid(id) => Value::Uuid(*id),
        RowId::Int(id) => Value::Int(*id),
        RowId::Text(id) => Value::text(id.to_string()),
    }
}

/// An id that was kept as text.
fn id_of_text(text: &str) -> Value {
    id_value(&RowId::from_text(text))
}

/// A new row's id: random, as Live's own programs make them.
fn new_id() -> Value {
    let bytes = fastrand::u128(..).to_be_bytes();
    Value::Uuid(uuid::Builder::from_random_bytes(bytes).into_uuid().as_u128())
}

fn money(amount: Money) -> Value {
    Value::Decimal(amount.to_string())
}

fn optional_text<T: ToString>(text: Option<&T>) -> Value {
    Value::optional(text, |text| Value::text(text.to_string()))
}
