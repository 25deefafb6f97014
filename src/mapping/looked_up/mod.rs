//! Products and customers, put together from the rows of several tables.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::core::entity::Key;
use crate::core::money::Decimal4;
use crate::core::row::Cell;

use crate::mapping::catalog::rows::{
    CodeRow, ImageRow, PartRow, ProductInput, ProductRow, Size, SkuRow, SpecificationRow,
};
use crate::mapping::catalog::{self, Mapped};
use crate::mapping::cell::{self, RowId};
use crate::mapping::read::Plan;
use crate::mapping::{Effect, Mapper, Reason, Role, RowError, Rows};

mod links;
mod order;
mod person;
#[cfg(test)]
mod tests;

pub use links::KeptLink;
pub use order::OrderBatch;
pub use person::{KeptCustomer, PeopleBatch};

/// The rows of some products, as they come.
#[derive(Debug)]
pub struct CatalogBatch {
    /// None: its row has not come, or cannot be read.
    products: BTreeMap<RowId, Option<ProductInput>>,
    /// Which product a SKU belongs to.
    owners: BTreeMap<RowId, RowId>,
}

impl Mapper {
    /// Takes rows of these products, table by table in the order of [`Role::ALL`].
    pub fn catalog_batch(&self, products: &[RowId]) -> CatalogBatch {
        CatalogBatch {
            products: products.iter().map(|id| (id.clone(), None)).collect(),
            owners: BTreeMap::new(),
        }
    }

    /// Takes one row in. One that cannot be read is counted; without its own row a product is left as it is.
    pub fn catalog_row(
        &mut self,
        batch: &mut CatalogBatch,
        relation: u32,
        cells: &[Cell<'_>],
        out: &mut Vec<Effect>,
    ) {
        let Some(plan) = self.plans.get(&relation).cloned() else { return };
        if self.take_row(batch, &plan, cells, out).is_err() {
            self.counts.count(Reason::BadValue);
        }
    }

    fn take_row(
        &mut self,
        batch: &mut CatalogBatch,
        plan: &Plan,
        cells: &[Cell<'_>],
        out: &mut Vec<Effect>,
    ) -> Result<(), RowError> {
        let id = plan.id(cells)?;
        let role = plan.role();
        if role == Role::Product {
            // One of another tenant is not known.
            if let (Some(place), true) =
                (batch.products.get_mut(&id), self.reference.products.contains_key(&id))
            {
                *place = Some(ProductInput::of(plan.product(cells)?));
            }
            return Ok(());
        }
        let Some(owner) = plan.owner(cells)? else { return Ok(()) };
        if matches!(role, Role::Barcode | Role::Image | Role::Specification | Role::KitPart) {
            out.push(Effect::PutRow { key: Self::detail_index(role, &id), value: Self::owner_row(&owner) });
        }
        let of_sku = matches!(role, Role::Barcode | Role::KitPart);
        let product = if of_sku { batch.owners.get(&owner) } else { Some(&owner) };
        let Some(input) = product.and_then(|product| batch.products.get_mut(product)?.as_mut()) else {
            return Ok(());
        };
        match role {
            Role::Sku => {
                let Some((_, _, reference)) = self.reference.sku(&self.config, &id) else {
                    self.counts.count(Reason::DuplicateReference);
                    return Ok(());
                };
                input.skus.push(plan.sku(cells, reference)?);
                batch.owners.insert(id, owner);
            }
            Role::Barcode => input.codes.push(plan.barcode(cells, owner)?),
            Role::Image => input.images.push(plan.image(cells)?),
            Role::Specification => input.specifications.push(plan.specification(cells)?),
            Role::KitPart => {
                let part = plan.part(cells)?;
                let known = self.reference.sku(&self.config, &part);
                let reference = known.map(|(_, _, reference)| reference);
                input.parts.push(plan.kit_part(cells, owner, reference)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// What VTEX's catalog shall hold of these products.
    pub fn catalog_wanted(&mut self, batch: CatalogBatch, rows: &dyn Rows, out: &mut Vec<Effect>) {
        for (id, input) in batch.products {
            let Some(mut input) = input else { continue };
            input.images.extend(Self::imported(&id, rows));
            let mapped = catalog::map(&self.config.catalog, &self.reference.lookups, &input);
            let mut refused = Vec::new();
            match mapped {
                Ok(Mapped::Wanted(wanted)) => {
                    out.extend(wanted.wants.into_iter().map(|(key, value)| Effect::Want { key, value }));
                    for note in &wanted.notes {
                        self.counts.count(note.reason);
                    }
                    refused = wanted.refused.into_iter().map(|(key, why)| (Some(key), why)).collect();
                }
                Ok(Mapped::Withdrawn(keys)) => {
                    self.counts.count(Reason::NotIntegrated);
                    out.extend(keys.into_iter().map(|key| Effect::Withdraw { key }));
                }
                Err(refusal) => refused.push((None, refusal)),
            }
            for (_, refusal) in &refused {
                self.counts.count(refusal.reason());
            }
            let line = |(key, why): &(Option<Key>, catalog::Refusal)| match key {
                Some(key) => format!("{key}: {why}"),
                None => why.to_string(),
            };
            let key = Self::refused_row(&id);
            out.push(if refused.is_empty() {
                Effect::DeleteRow { key }
            } else {
                let text: Vec<String> = refused.iter().map(line).collect();
                Effect::PutRow { key, value: text.join("\n").into_bytes() }
            });
        }
    }

    /// Where it is kept why a product, or some of its SKUs, cannot be sent.
    pub(super) fn refused_row(product: &RowId) -> Vec<u8> {
        [&b"q"[..], &product.bytes()].concat()
    }
}

type Read<T> = Result<T, RowError>;

impl Plan {
    pub(super) fn line(&self, cells: &[Cell<'_>], at: usize) -> Read<Option<String>> {
        Ok(self.read(cells, at, |cell, _| cell::text(cell))?.map(String::from))
    }

    fn size(&self, cells: &[Cell<'_>], weight: usize) -> Read<Size> {
        Ok(Size {
            weight: self.read(cells, weight, cell::decimal)?,
            height: self.read(cells, weight + 1, cell::decimal)?,
            width: self.read(cells, weight + 2, cell::decimal)?,
            length: self.read(cells, weight + 3, cell::decimal)?,
        })
    }

    pub(super) fn kind(&self, cells: &[Cell<'_>], at: usize) -> Read<i64> {
        // A site without the column has only what comes first everywhere: goods, and GTINs.
        Ok(self.read(cells, at, cell::integer)?.unwrap_or(1))
    }

    fn product(&self, cells: &[Cell<'_>]) -> Read<ProductRow> {
        Ok(ProductRow {
            id: self.id(cells)?,
            code: self.need(cells, 2, |cell, _| cell::text(cell))?,
            in_ecommerce: self.flag(cells, 3)?,
            fractional: self.read(cells, 5, cell::boolean)?.unwrap_or(false),
            active: self.active(cells, 6)?,
            description: self.line(cells, 7)?,
            short_description: self.line(cells, 8)?,
            long_description: self.line(cells, 9)?,
            title: self.line(cells, 10)?,
            keywords: self.line(cells, 11)?,
            meta_description: self.line(cells, 12)?,
            brand: self.read(cells, 13, cell::row_id)?,
            classifier: self.read(cells, 14, cell::row_id)?,
            ncm: self.line(cells, 15)?,
            unit: self.line(cells, 16)?,
            kind: self.kind(cells, 17)?,
            shown: self.flag(cells, 18)?,
            order: self.read(cells, 19, cell::integer)?,
            size: self.size(cells, 20)?,
            release: self.read(cells, 24, cell::timestamp)?,
            reference: self.line(cells, 25)?,
        })
    }

    fn sku(&self, cells: &[Cell<'_>], reference: CompactString) -> Read<SkuRow> {
        Ok(SkuRow {
            id: self.id(cells)?,
            code: self.need(cells, 2, |cell, _| cell::text(cell))?,
            reference,
            factor: self.read(cells, 3, cell::decimal)?.unwrap_or(Decimal4::ONE),
            in_ecommerce: self.flag(cells, 4)?,
            active: self.active(cells, 5)?,
            colour: self.read(cells, 6, cell::row_id)?,
            size: self.read(cells, 7, cell::row_id)?,
            complement: self.line(cells, 8)?,
            package: self.size(cells, 9)?,
        })
    }

    fn barcode(&self, cells: &[Cell<'_>], sku: RowId) -> Read<CodeRow> {
        Ok(CodeRow {
            sku,
            code: self.need(cells, 2, |cell, _| cell::text(cell))?,
            kind: self.kind(cells, 3)?,
            main: self.read(cells, 4, cell::boolean)?.unwrap_or(false),
            active: self.active(cells, 5)?,
        })
    }

    fn image(&self, cells: &[Cell<'_>]) -> Read<ImageRow> {
        Ok(ImageRow {
            colour: self.read(cells, 2, cell::row_id)?,
            sku: None,
            order: self.read(cells, 3, cell::integer)?.unwrap_or_default(),
            url: self.need(cells, 4, |cell, _| cell::text(cell))?.into(),
            label: self.line(cells, 5)?,
            main: self.read(cells, 6, cell::boolean)?.unwrap_or(false),
        })
    }

    /// The SKU that a row of a kit is about.
    fn part(&self, cells: &[Cell<'_>]) -> Read<RowId> {
        self.need(cells, 2, cell::row_id)
    }

    fn kit_part(&self, cells: &[Cell<'_>], kit: RowId, part: Option<CompactString>) -> Read<PartRow> {
        Ok(PartRow {
            kit,
            part,
            quantity: self.need(cells, 3, cell::decimal)?,
            unit_price: self.read(cells, 4, cell::decimal)?,
        })
    }

    fn specification(&self, cells: &[Cell<'_>]) -> Read<SpecificationRow> {
        Ok(SpecificationRow {
            name: self.need(cells, 2, |cell, _| cell::text(cell))?.into(),
            value: self.need(cells, 3, |cell, _| cell::text(cell))?.into(),
        })
    }
}

impl ProductInput {
    fn of(product: ProductRow) -> Self {
        Self {
            product,
            skus: Vec::new(),
            codes: Vec::new(),
            images: Vec::new(),
            specifications: Vec::new(),
            parts: Vec::new(),
        }
    }
}
