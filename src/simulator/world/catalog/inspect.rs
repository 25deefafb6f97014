//! The catalog as a test sees it.

use jiff::Timestamp;
use serde::Serialize;

use super::super::{SkuId, World};
use super::{Assignment, Brand, Category, Product, Sku, Tables, Unmet};

/// A brand.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct BrandView {
    /// VTEX's id.
    pub id: u32,
    /// Name.
    pub name: String,
    /// Its products may be sold.
    pub active: bool,
    /// `LinkId`.
    pub link: String,
}

/// A category.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct CategoryView {
    /// VTEX's id.
    pub id: u32,
    /// The names from the department down to itself.
    pub path: Vec<String>,
    /// Its products may be sold.
    pub active: bool,
}

/// What a product or a SKU has of one field.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct SpecificationView {
    /// Name of the group.
    pub group: String,
    /// Name of the field.
    pub field: String,
    /// The values in the order in which they were given.
    pub values: Vec<String>,
}

/// A product.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct ProductView {
    /// VTEX's id.
    pub id: u32,
    /// Name.
    pub name: String,
    /// `RefId`; empty when it has none.
    pub reference: String,
    /// `LinkId`, its page in the shop.
    pub link: String,
    /// `Title` of the page.
    pub title: String,
    /// `Description`, HTML.
    pub description: String,
    /// `DescriptionShort`.
    pub short_description: String,
    /// `KeyWords`.
    pub key_words: String,
    /// `MetaTagDescription`.
    pub meta_description: String,
    /// `TaxCode`.
    pub tax_code: String,
    /// `ReleaseDate` as it was written.
    pub release_date: String,
    /// `Score`; higher comes first.
    pub score: Option<i64>,
    /// `IsActive`.
    pub active: bool,
    /// `IsVisible`.
    pub visible: bool,
    /// `ShowWithoutStock`.
    pub show_without_stock: bool,
    /// Its brand.
    pub brand: BrandView,
    /// Its category.
    pub category: CategoryView,
    /// Ids of the trade policies it was added to; empty: it belongs to all.
    pub trade_policies: Vec<u32>,
    /// Specifications by field.
    pub specifications: Vec<SpecificationView>,
    /// Its SKUs.
    pub skus: Vec<SkuId>,
}

/// An image.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct ImageView {
    /// VTEX's id of the file.
    pub id: u32,
    /// Name.
    pub name: String,
    /// From where VTEX downloaded it.
    pub url: String,
    /// The SKU's main image.
    pub main: bool,
    /// `Label`.
    pub label: Option<String>,
    /// Place in the shop, from 0.
    pub position: u32,
}

/// A component of a kit.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct KitView {
    /// The component.
    pub sku: SkuId,
    /// How many of it.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: f64,
}

/// A SKU with its data.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct SkuView {
    /// VTEX's id.
    pub id: SkuId,
    /// Its product.
    pub product: u32,
    /// Name.
    pub name: String,
    /// `RefId`; empty when it has none.
    pub reference: String,
    /// `IsActive`.
    pub active: bool,
    /// `ActivateIfPossible`.
    pub activate_if_possible: bool,
    /// EANs.
    pub eans: Vec<String>,
    /// Height, length, width of the package in centimetres.
    pub packaged: [f64; 3],
    /// Weight of the package in grams.
    pub packaged_grams: f64,
    /// `MeasurementUnit`.
    pub unit: String,
    /// `UnitMultiplier`.
    pub unit_multiplier: f64,
    /// `ManufacturerCode`.
    pub manufacturer_code: String,
    /// Specifications by field.
    pub specifications: Vec<SpecificationView>,
    /// Images in the order of the shop.
    pub images: Vec<ImageView>,
    /// `IsKit`.
    pub is_kit: bool,
    /// Components of a kit.
    pub components: Vec<KitView>,
    /// Complements: type and SKU.
    pub complements: Vec<(u32, SkuId)>,
}

impl World {
    /// All brands in the order of their ids.
    #[must_use]
    pub fn brands(&self) -> Vec<BrandView> {
        self.catalog.read(|tables| tables.brands().map(BrandView::of).collect())
    }

    /// All categories in the order of their ids.
    #[must_use]
    pub fn categories(&self) -> Vec<CategoryView> {
        self.catalog
            .read(|tables| tables.categories.values().map(|one| CategoryView::of(tables, one)).collect())
    }

    /// All products in the order of their ids.
    #[must_use]
    pub fn products(&self) -> Vec<ProductView> {
        self.catalog.read(|tables| tables.products().map(|one| ProductView::of(tables, one)).collect())
    }

    /// The product of an id.
    #[must_use]
    pub fn product(&self, id: u32) -> Option<ProductView> {
        self.catalog.read(|tables| tables.product(id).ok().map(|one| ProductView::of(tables, one)))
    }

    /// The product of a RefId, whatever look-ups show.
    #[must_use]
    pub fn product_by_reference(&self, reference: &str) -> Option<ProductView> {
        self.catalog.read(|tables| tables.product_by_ref(reference).map(|one| ProductView::of(tables, one)))
    }

    /// The data of a SKU; `None` for one that is only an id and a RefId.
    #[must_use]
    pub fn catalog_sku(&self, id: SkuId) -> Option<SkuView> {
        self.catalog.read(|tables| tables.sku(id).ok().map(|one| SkuView::of(tables, one)))
    }

    /// True when a shopper of the trade policy can buy the SKU.
    #[must_use]
    pub fn sellable(&self, sku: SkuId, trade_policy: &str) -> bool {
        self.unmet(sku, trade_policy).is_empty()
    }

    /// What the SKU lacks to be sold in the trade policy. All warehouses serve all trade policies here.
    #[must_use]
    pub fn unmet(&self, sku: SkuId, trade_policy: &str) -> Vec<Unmet> {
        let now = self.now();
        let mut unmet = Vec::new();
        let components = self.catalog.read(|tables| {
            let known = tables.sku(sku).ok()?;
            unmet = tables.unmet_in_catalog(known, trade_policy, now);
            let components = tables.components(Some(sku), None);
            Some(components.map(|component| (component.sku, component.quantity)).collect::<Vec<_>>())
        });
        let Some(components) = components else { return vec![Unmet::Unknown] };
        if !self.has_price(sku, trade_policy) && components.is_empty() {
            unmet.push(Unmet::Price);
        }
        let needed = if components.is_empty() { vec![(sku, 1)] } else { components };
        if !needed.iter().all(|(sku, quantity)| self.available(*sku) >= i64::from(*quantity)) {
            unmet.push(Unmet::Stock);
        }
        unmet
    }

    fn has_price(&self, sku: SkuId, trade_policy: &str) -> bool {
        let now = Timestamp::now();
        self.prices.with(sku, |price| {
            price.is_some_and(|price| {
                price.base.is_some()
                    || price.fixed.iter().any(|fixed| {
                        let valid =
                            fixed.range.as_ref().is_none_or(|range| range.from <= now && now <= range.to);
                        valid && fixed.table == trade_policy && fixed.min_quantity <= 1
                    })
            })
        })
    }

    /// The most that one warehouse has.
    fn available(&self, sku: SkuId) -> i64 {
        let warehouses = (0..).zip(self.warehouses.all());
        let stock = warehouses.filter_map(|(index, _)| self.stock.get(sku, index));
        stock.map(|stock| stock.available).max().unwrap_or(0)
    }
}

impl Tables {
    fn unmet_in_catalog(&self, sku: &Sku, trade_policy: &str, now: std::time::Duration) -> Vec<Unmet> {
        let mut unmet = self.unmet_for_activation(sku);
        if unmet.is_empty() && !sku.active {
            unmet.push(Unmet::Inactive);
        }
        let belongs = |policies: &std::collections::BTreeSet<u32>| {
            policies.is_empty() || trade_policy.parse().is_ok_and(|policy| policies.contains(&policy))
        };
        let product = sku.fields.product_id;
        if !self.product(product).is_ok_and(|product| belongs(&product.policies)) {
            unmet.push(Unmet::TradePolicy);
        }
        let shown = self.indexed(product, now);
        if !shown.is_some_and(|shown| shown.skus.contains_key(&sku.id) && belongs(&shown.policies)) {
            unmet.push(Unmet::Index);
        }
        unmet
    }

    fn specification_views(&self, given: &[Assignment]) -> Vec<SpecificationView> {
        let mut views: Vec<(u32, SpecificationView)> = Vec::new();
        for one in given {
            if let Some((_, view)) = views.iter_mut().find(|(field, _)| *field == one.field) {
                view.values.push(one.text.clone());
                continue;
            }
            let Ok(field) = self.field(one.field) else { continue };
            let group = self.group(field.fields.field_group_id);
            let view = SpecificationView {
                group: group.map(|group| group.fields.name.clone()).unwrap_or_default(),
                field: field.fields.name.clone(),
                values: vec![one.text.clone()],
            };
            views.push((one.field, view));
        }
        views.into_iter().map(|(_, view)| view).collect()
    }
}

impl BrandView {
    fn of(brand: &Brand) -> Self {
        Self {
            id: brand.id,
            name: brand.fields.name.clone(),
            active: brand.fields.active,
            link: brand.fields.link_id.clone(),
        }
    }
}

impl CategoryView {
    fn of(tables: &Tables, category: &Category) -> Self {
        let mut path: Vec<String> =
            tables.category_path(category.id).map(|above| above.fields.name.clone()).collect();
        path.reverse();
        Self { id: category.id, path, active: category.fields.is_active }
    }
}

impl ProductView {
    fn of(tables: &Tables, product: &Product) -> Self {
        let fields = product.fields.clone();
        let brand = tables.brand(product.brand).map(BrandView::of);
        let category = tables.category(product.category).map(|category| CategoryView::of(tables, category));
        Self {
            id: product.id,
            name: fields.name,
            reference: fields.ref_id,
            link: fields.link_id,
            title: fields.title,
            description: fields.description,
            short_description: fields.description_short,
            key_words: fields.key_words,
            meta_description: fields.meta_tag_description,
            tax_code: fields.tax_code,
            release_date: fields.release_date,
            score: fields.score,
            active: fields.is_active,
            visible: fields.is_visible,
            show_without_stock: fields.show_without_stock,
            brand: brand.expect("a brand is never removed"),
            category: category.expect("a category is never removed"),
            trade_policies: product.policies.iter().copied().collect(),
            specifications: tables.specification_views(&product.specifications),
            skus: product.skus.iter().copied().collect(),
        }
    }
}

impl SkuView {
    fn of(tables: &Tables, sku: &Sku) -> Self {
        let fields = sku.fields.clone();
        let size = |size: Option<f64>| size.unwrap_or_default();
        let images = sku.images.iter().map(|image| ImageView {
            id: image.id,
            name: image.fields.name.clone(),
            url: image.fields.url.clone(),
            main: image.fields.is_main,
            label: image.fields.label.clone(),
            position: image.position,
        });
        let components = tables.components(Some(sku.id), None).map(|component| KitView {
            sku: component.sku,
            quantity: component.quantity,
            unit_price: component.unit_price,
        });
        Self {
            id: sku.id,
            product: fields.product_id,
            name: fields.name,
            reference: fields.ref_id,
            active: sku.active,
            activate_if_possible: fields.activate_if_possible,
            eans: sku.eans.iter().cloned().collect(),
            packaged: [fields.packaged_height, fields.packaged_length, fields.packaged_width].map(size),
            packaged_grams: size(fields.packaged_weight_kg),
            unit: fields.measurement_unit,
            unit_multiplier: size(fields.unit_multiplier),
            manufacturer_code: fields.manufacturer_code,
            specifications: tables.specification_views(&sku.specifications),
            images: images.collect(),
            is_kit: fields.is_kit,
            components: components.collect(),
            complements: tables.complements(sku.id, None).map(|one| (one.kind, one.sku)).collect(),
        }
    }
}
