//! Links of images that were imported from a file: kept by product, beside what Live's own table says.

use serde::{Deserialize, Serialize};

use crate::mapping::catalog::links::{Link, Target};
use crate::mapping::catalog::rows::ImageRow;
use crate::mapping::cell::RowId;
use crate::mapping::{Mapper, Rows};

/// An imported link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLink {
    /// None: of all SKUs of the product.
    pub sku: Option<RowId>,
    order: i64,
    url: String,
    label: Option<String>,
    main: bool,
}

impl KeptLink {
    fn of(link: Link, sku: Option<RowId>) -> Self {
        let order = link.order.map_or(link.line as i64, i64::from);
        Self { sku, order, url: link.url, label: link.label, main: link.main }
    }
}

impl Mapper {
    /// The stored key of the links that were imported for a product.
    pub fn link_row(product: &RowId) -> Vec<u8> {
        [&b"l"[..], &product.bytes()].concat()
    }

    /// The product that a link belongs to, with what is kept of it; none: Live has no such SKU or product.
    pub fn link(&self, link: Link) -> Option<(RowId, KeptLink)> {
        let sku = |code: &str| {
            let id = self.reference.by_reference(code)?;
            Some((self.reference.skus.get(id)?.product.clone(), Some(id.clone())))
        };
        let product = |code: &str| {
            let found = self.reference.products.iter().find(|(_, product)| product.code == code);
            found.map(|(id, _)| (id.clone(), None))
        };
        let (product, sku) = match &link.target {
            Target::Sku(code) => sku(code),
            Target::Product(code) => product(code),
            Target::Either(code) => sku(code).or_else(|| product(code)),
        }?;
        Some((product, KeptLink::of(link, sku)))
    }

    /// The links that were imported for a product.
    pub(super) fn imported(product: &RowId, rows: &dyn Rows) -> Vec<ImageRow> {
        let kept: Vec<KeptLink> = rows
            .row(&Self::link_row(product))
            .and_then(|bytes| postcard::from_bytes(&bytes).ok())
            .unwrap_or_default();
        let image = |link: KeptLink| ImageRow {
            colour: None,
            sku: link.sku,
            order: link.order,
            url: link.url,
            label: link.label,
            main: link.main,
        };
        kept.into_iter().map(image).collect()
    }
}
