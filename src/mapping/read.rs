//! Reads the mapped columns of a row, wherever they stand in it.

use std::sync::Arc;

use compact_str::CompactString;

use crate::core::money::Decimal4;
use crate::core::row::{Cell, Relation};
use crate::core::time::Timestamp;

use super::RowError;
use super::cell::{self, CellError, RowId};
use super::config::{MappingConfig, Role};
use super::price::PriceRow;
use super::reference::{Deposit, Named, PriceTable, Product, Row, Sku, Store};

/// Where the mapped columns of one table stand in its rows.
#[derive(Debug, Clone)]
pub(super) struct Plan(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    role: Role,
    /// In the order of the configuration: name, and index and type if the table has it.
    columns: Vec<(String, Option<(usize, u32)>)>,
    missing: Vec<String>,
    active: i64,
}

impl Plan {
    /// `None` for a table that is not mapped.
    pub(super) fn compile(config: &MappingConfig, relation: &Relation) -> Option<Self> {
        let full = format!("{}.{}", relation.schema, relation.table);
        let role = Role::ALL.into_iter().find(|role| config.names(*role).0 == full)?;
        let (_, names, _) = config.names(role);
        let place = |name: &str| {
            let index = relation.columns.iter().position(|column| column.name == name)?;
            Some((index, relation.columns[index].type_oid))
        };
        let columns: Vec<_> = names.iter().map(|name| ((*name).to_owned(), place(name))).collect();
        let missing = columns
            .iter()
            .filter(|(name, place)| !name.is_empty() && place.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        Some(Self(Arc::new(Compiled { role, columns, missing, active: config.codes.active })))
    }

    pub(super) fn role(&self) -> Role {
        self.0.role
    }

    /// Mapped columns that the table does not have.
    pub(super) fn missing(&self) -> &[String] {
        &self.0.missing
    }

    /// Reads column `at` (of the configuration); `None` for null and for a column that the site does not
    /// have.
    pub(super) fn read<T>(
        &self,
        cells: &[Cell<'_>],
        at: usize,
        reader: impl FnOnce(Cell<'_>, u32) -> Result<Option<T>, CellError>,
    ) -> Result<Option<T>, RowError> {
        let Some((name, place)) = self.0.columns.get(at) else { return Ok(None) };
        let Some((index, type_oid)) = *place else { return Ok(None) };
        let cell = cells.get(index).copied().unwrap_or(Cell::Null);
        reader(cell, type_oid).map_err(|error| self.error(name, error))
    }

    pub(super) fn need<T>(
        &self,
        cells: &[Cell<'_>],
        at: usize,
        reader: impl FnOnce(Cell<'_>, u32) -> Result<Option<T>, CellError>,
    ) -> Result<T, RowError> {
        let name = self.0.columns.get(at).map_or("", |(name, _)| name.as_str());
        self.read(cells, at, reader)?.ok_or_else(|| self.error(name, CellError::Missing))
    }

    fn error(&self, column: &str, error: CellError) -> RowError {
        RowError { role: self.0.role.name(), column: column.to_owned(), error }
    }

    /// `situacao`: a site without the column has nothing out of use.
    pub(super) fn active(&self, cells: &[Cell<'_>], at: usize) -> Result<bool, RowError> {
        match self.0.columns.get(at) {
            Some((_, Some(_))) => Ok(self.read(cells, at, cell::integer)? == Some(self.0.active)),
            _ => Ok(true),
        }
    }

    /// A flag that a site without the column has set; null is not set.
    pub(super) fn flag(&self, cells: &[Cell<'_>], at: usize) -> Result<bool, RowError> {
        match self.0.columns.get(at) {
            Some((_, Some(_))) => Ok(self.read(cells, at, cell::boolean)?.unwrap_or(false)),
            _ => Ok(true),
        }
    }

    /// A code. One that is so large that an unchanged one is not sent (TOAST) is taken from the row as it
    /// was known before.
    fn code(&self, cells: &[Cell<'_>], at: usize, before: Option<&Row>) -> Result<CompactString, RowError> {
        match (self.need(cells, at, |cell, _| cell::text(cell)), before) {
            (Err(RowError { error: CellError::Unchanged, .. }), Some(before)) => Ok(before.code().clone()),
            (read, _) => read,
        }
    }

    /// The identity of a reference row.
    pub(super) fn id(&self, cells: &[Cell<'_>]) -> Result<RowId, RowError> {
        self.need(cells, 0, cell::row_id)
    }

    /// A reference row; `None` when it belongs to another tenant.
    pub(super) fn reference(
        &self,
        cells: &[Cell<'_>],
        config: &MappingConfig,
        before: Option<&Row>,
    ) -> Result<Option<Row>, RowError> {
        let ours = |at: usize| self.ours(cells, at, config);
        Ok(match self.0.role {
            Role::Store if ours(1)? => Some(Row::Store(Store {
                code: self.code(cells, 2, before)?,
                open: self.flag(cells, 3)? && self.active(cells, 4)?,
            })),
            Role::Deposit => Some(Row::Deposit(Deposit {
                store: self.need(cells, 1, cell::row_id)?,
                code: self.code(cells, 2, before)?,
                in_ecommerce: self.flag(cells, 3)?,
                active: self.active(cells, 4)?,
            })),
            Role::PriceTable if ours(1)? => Some(Row::PriceTable(PriceTable {
                code: self.code(cells, 2, before)?,
                from: self.read(cells, 3, cell::timestamp)?,
                to: self.read(cells, 4, cell::timestamp)?,
                active: self.active(cells, 5)?,
            })),
            Role::Product if ours(1)? => Some(Row::Product(Product {
                code: self.code(cells, 2, before)?,
                in_ecommerce: self.flag(cells, 3)?,
                minimum: self.read(cells, 4, cell::decimal)?.unwrap_or_default(),
                fractional: self.read(cells, 5, cell::boolean)?.unwrap_or(false),
                active: self.active(cells, 6)?,
            })),
            Role::Sku => Some(Row::Sku(Sku {
                product: self.need(cells, 1, cell::row_id)?,
                code: self.code(cells, 2, before)?,
                factor: self.read(cells, 3, cell::decimal)?.unwrap_or(Decimal4::ONE),
                in_ecommerce: self.flag(cells, 4)?,
                active: self.active(cells, 5)?,
            })),
            Role::Brand if ours(1)? => Some(Row::Named(Named {
                name: self.need(cells, 3, |cell, _| cell::text(cell))?,
                active: self.active(cells, 4)?,
                ..self.named(cells, 2, before)?
            })),
            Role::Classifier if ours(1)? => Some(Row::Named(Named {
                parent: self.read(cells, 3, cell::row_id)?,
                name: self.need(cells, 4, |cell, _| cell::text(cell))?,
                active: self.active(cells, 5)?,
                level: self.read(cells, 6, cell::integer)?,
                ..self.named(cells, 2, before)?
            })),
            Role::Colour | Role::Size if ours(1)? => Some(Row::Named(Named {
                name: self.need(cells, 3, |cell, _| cell::text(cell))?,
                ..self.named(cells, 2, before)?
            })),
            Role::Letter if ours(1)? => Some(Row::Named(Named {
                version: self
                    .read(cells, 3, cell::integer)?
                    .and_then(|version| i32::try_from(version).ok())
                    .unwrap_or_default(),
                name: self.read(cells, 4, |cell, _| cell::text(cell))?.unwrap_or_default(),
                ..self.named(cells, 2, before)?
            })),
            Role::Purpose => Some(Row::Named(self.named(cells, 1, before)?)),
            Role::Carrier => {
                let name = self.need(cells, 2, |cell, _| cell::text(cell))?;
                // A site without codes has them by name.
                let named = self.named(cells, 1, before).or_else(|_| self.named(cells, 2, before))?;
                Some(Row::Named(Named { name, ..named }))
            }
            _ => None,
        })
    }

    /// Whether a row belongs to the tenant that is mapped.
    pub(super) fn ours(
        &self,
        cells: &[Cell<'_>],
        at: usize,
        config: &MappingConfig,
    ) -> Result<bool, RowError> {
        let Some(tenant) = &config.tenant else { return Ok(true) };
        let found = self.read(cells, at, cell::row_id)?;
        Ok(found.is_none_or(|found| found.to_string().eq_ignore_ascii_case(tenant)))
    }

    fn named(&self, cells: &[Cell<'_>], code: usize, before: Option<&Row>) -> Result<Named, RowError> {
        let code = self.code(cells, code, before)?;
        let name = CompactString::default();
        Ok(Named { code, name, parent: None, level: None, version: 0, active: true })
    }

    /// What a detail row belongs to: the second column.
    pub(super) fn owner(&self, cells: &[Cell<'_>]) -> Result<Option<RowId>, RowError> {
        match self.read(cells, 1, cell::row_id) {
            Err(RowError { error: CellError::Unchanged, .. }) => Ok(None),
            read => read,
        }
    }

    /// Store, deposit and SKU of a balance.
    pub(super) fn stock_key(&self, cells: &[Cell<'_>]) -> Result<(RowId, RowId, RowId), RowError> {
        let id = |at| self.need(cells, at, cell::row_id);
        Ok((id(0)?, id(1)?, id(2)?))
    }

    /// What of a balance is free: quantity less what is reserved.
    pub(super) fn balance(&self, cells: &[Cell<'_>]) -> Result<Decimal4, RowError> {
        let quantity = self.need(cells, 3, cell::decimal)?;
        let reserved = self.read(cells, 4, cell::decimal)?.unwrap_or_default();
        Ok(Decimal4(quantity.0.saturating_sub(reserved.0)))
    }

    pub(super) fn price_id(&self, cells: &[Cell<'_>]) -> Result<RowId, RowError> {
        self.id(cells)
    }

    pub(super) fn price_product(&self, cells: &[Cell<'_>]) -> Result<RowId, RowError> {
        self.need(cells, 2, cell::row_id)
    }

    /// A price row with its product.
    pub(super) fn price(&self, cells: &[Cell<'_>]) -> Result<(RowId, PriceRow), RowError> {
        let row = PriceRow {
            id: self.id(cells)?,
            table: self.need(cells, 1, cell::row_id)?,
            sku: self.read(cells, 3, cell::row_id)?,
            value: self.need(cells, 4, cell::decimal)?,
            promotion: self.read(cells, 5, cell::decimal)?,
            min_quantity: self.read(cells, 6, cell::decimal)?.unwrap_or(Decimal4::ONE),
            from: self.read(cells, 7, cell::timestamp)?.unwrap_or(Timestamp(i64::MIN)),
            to: self.read(cells, 8, cell::timestamp)?.unwrap_or(Timestamp(i64::MAX)),
            active: self.active(cells, 9)?,
        };
        Ok((self.price_product(cells)?, row))
    }
}
