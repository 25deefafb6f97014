//! When a SKU becomes active, and what it lacks to be sold.

use serde::Serialize;

use super::{Product, Sku, Tables};

/// What a SKU lacks.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Unmet {
    /// It does not exist in the catalog, or only as an id with a RefId.
    Unknown,
    /// It is not active, although nothing else is in the way.
    Inactive,
    /// It has neither a RefId nor an EAN.
    Reference,
    /// It has no image.
    Image,
    /// A required specification of this name has no value.
    Specification(String),
    /// Its product is not active.
    Product,
    /// The brand is not active.
    Brand,
    /// The category or one above it is not active.
    Category,
    /// It is a kit, and has no component or one that is not active.
    KitComponent,
    /// It has no price in the trade policy.
    Price,
    /// No warehouse has a unit available.
    Stock,
    /// Its product does not belong to the trade policy.
    TradePolicy,
    /// The shop's search does not show it in the trade policy: the lag has not passed, or the product was not saved
    /// after it joined the trade policy.
    Index,
}

impl Tables {
    /// What stands between the SKU and its activation.
    pub(super) fn unmet_for_activation(&self, sku: &Sku) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        let mut lacks = |lacking: bool, what: Unmet| {
            if lacking {
                unmet.push(what);
            }
        };
        lacks(sku.fields.ref_id.is_empty() && sku.eans.is_empty(), Unmet::Reference);
        lacks(sku.images.is_empty(), Unmet::Image);
        lacks(sku.fields.is_kit && !self.components_are_active(sku.id), Unmet::KitComponent);
        let Ok(product) = self.product(sku.fields.product_id) else {
            unmet.push(Unmet::Unknown);
            return unmet;
        };
        lacks(!product.fields.is_active, Unmet::Product);
        lacks(!self.brands.get(&product.brand).is_some_and(|brand| brand.fields.active), Unmet::Brand);
        let active = |category: &super::Category| category.fields.is_active;
        lacks(!self.category_path(product.category).all(active), Unmet::Category);
        unmet.extend(self.unspecified(product, sku).map(Unmet::Specification));
        unmet
    }

    fn components_are_active(&self, kit: u32) -> bool {
        let mut components = self.components(Some(kit), None).peekable();
        components.peek().is_some()
            && components.all(|component| self.skus.get(&component.sku).is_some_and(|sku| sku.active))
    }

    /// Required fields without a value, by name.
    fn unspecified<'a>(&'a self, product: &'a Product, sku: &'a Sku) -> impl Iterator<Item = String> + 'a {
        let required = self.fields_for(product.category);
        let required = required.filter(|field| field.fields.is_required && field.fields.is_active);
        required.filter_map(|field| {
            let of_sku = field.fields.is_stock_keeping_unit;
            let has = if of_sku { &sku.specifications } else { &product.specifications };
            let missing = !has.iter().any(|given| given.field == field.id);
            missing.then(|| field.fields.name.clone())
        })
    }

    /// Activates the SKUs of a product that wait for it and lack nothing now; gives their ids.
    pub(super) fn activate_where_possible(&mut self, product: u32) -> Vec<u32> {
        let Some(product) = self.products.get(&product) else { return Vec::new() };
        let skus = product.skus.iter().filter_map(|id| self.skus.get(id));
        let asking = skus.filter(|sku| !sku.active && sku.fields.activate_if_possible);
        let lacking: Vec<(u32, bool)> =
            asking.map(|sku| (sku.id, !self.unmet_for_activation(sku).is_empty())).collect();
        let mut activated = Vec::new();
        for (id, lacks) in lacking {
            let Some(sku) = self.skus.get_mut(&id) else { continue };
            sku.active = sku.waits && !lacks;
            sku.waits = lacks;
            activated.extend(sku.active.then_some(id));
        }
        activated
    }
}
