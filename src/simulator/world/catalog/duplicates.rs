//! How much there is, and what is there more than once although one would do.

use std::hash::Hash;

use hashbrown::HashMap;
use serde::Serialize;

use super::super::World;
use super::Tables;

/// How much the catalog holds.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
pub struct CatalogCounts {
    /// Brands.
    pub brands: usize,
    /// Categories of all levels.
    pub categories: usize,
    /// Products.
    pub products: usize,
    /// SKUs that have data; those that are only an id and a RefId are not among them.
    pub skus: usize,
    /// Of these, active ones.
    pub active_skus: usize,
    /// Images of all SKUs.
    pub images: usize,
    /// EANs of all SKUs.
    pub eans: usize,
}

/// How many are too many. All zero: nothing was created twice.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
pub struct CatalogDuplicates {
    /// Brands with the name of another one.
    pub brands: usize,
    /// Categories with the name of another one beside them.
    pub categories: usize,
    /// Products with the name of another one of the same brand.
    pub products: usize,
    /// SKUs with the name of another one of their product.
    pub skus: usize,
    /// Images that were downloaded from the same URL for the same SKU.
    pub images: usize,
    /// The same value of the same field of the same product or SKU.
    pub specifications: usize,
    /// Groups, fields and values with the name of another one in the same place.
    pub definitions: usize,
    /// The same SKU in the same kit.
    pub components: usize,
}

impl World {
    /// How much the catalog holds.
    #[must_use]
    pub fn catalog_counts(&self) -> CatalogCounts {
        self.catalog.read(Tables::counts)
    }

    /// What the catalog holds more than once.
    #[must_use]
    pub fn catalog_duplicates(&self) -> CatalogDuplicates {
        self.catalog.read(Tables::duplicates)
    }
}

impl Tables {
    fn counts(&self) -> CatalogCounts {
        CatalogCounts {
            brands: self.brands.len(),
            categories: self.categories.len(),
            products: self.products.len(),
            skus: self.skus.len(),
            active_skus: self.skus.values().filter(|sku| sku.active).count(),
            images: self.skus.values().map(|sku| sku.images.len()).sum(),
            eans: self.eans.len(),
        }
    }

    fn duplicates(&self) -> CatalogDuplicates {
        let skus = || self.skus.values();
        let given = skus().map(|sku| (true, sku.id, &sku.specifications));
        let given = given.chain(self.products.values().map(|one| (false, one.id, &one.specifications)));
        let given = given.flat_map(|(of_sku, id, all)| all.iter().map(move |one| (of_sku, id, one)));
        CatalogDuplicates {
            brands: too_many(self.brands.values().map(|brand| &brand.fields.name)),
            categories: too_many(
                self.categories
                    .values()
                    .map(|category| (category.fields.father_category_id, &category.fields.name)),
            ),
            products: too_many(self.products.values().map(|product| (product.brand, &product.fields.name))),
            skus: too_many(skus().map(|sku| (sku.fields.product_id, &sku.fields.name))),
            images: too_many(
                skus().flat_map(|sku| sku.images.iter().map(move |image| (sku.id, &image.fields.url))),
            ),
            specifications: too_many(
                given.map(|(of_sku, id, one)| (of_sku, id, one.field, one.value, one.text.as_str())),
            ),
            definitions: self.duplicate_definitions(),
            components: too_many(self.kits.values().map(|component| (component.kit, component.sku))),
        }
    }

    fn duplicate_definitions(&self) -> usize {
        let groups = self.groups.values().map(|group| (group.fields.category_id, &group.fields.name));
        let fields = self.fields.values().map(|field| {
            (field.fields.field_group_id, field.fields.is_stock_keeping_unit, &field.fields.name)
        });
        let values = self.values.values().map(|value| (value.fields.field_id, &value.fields.name));
        too_many(groups) + too_many(fields) + too_many(values)
    }
}

/// How many are there beyond one of each.
fn too_many<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> usize {
    let mut seen: HashMap<K, usize> = HashMap::new();
    for key in keys {
        *seen.entry(key).or_insert(0) += 1;
    }
    seen.values().map(|count| count - 1).sum()
}
