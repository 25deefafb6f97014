//! Products, and to which trade policies they belong.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use super::text::{at_most, required, slug};
use super::{Assignment, Refusal, Tables, category};

const NAME_MAX: usize = 150;
const REFERENCE_MAX: usize = 100;
const LINK_MAX: usize = 255;
const KEY_WORDS_MAX: usize = 8_000;
const TAX_CODE_MAX: usize = 150;
/// Links that are pages of the shop itself.
const RESERVED_LINKS: [&str; 4] = ["a", "meta", "api", "admin"];

/// A product as a request writes it. What is left out is wiped, and a boolean becomes false.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ProductFields {
    pub(crate) name: String,
    pub(crate) category_id: Option<u32>,
    pub(crate) brand_id: Option<u32>,
    pub(crate) link_id: String,
    pub(crate) ref_id: String,
    pub(crate) is_visible: bool,
    pub(crate) description: String,
    pub(crate) description_short: String,
    pub(crate) release_date: String,
    pub(crate) key_words: String,
    pub(crate) title: String,
    pub(crate) is_active: bool,
    pub(crate) tax_code: String,
    pub(crate) meta_tag_description: String,
    pub(crate) supplier_id: Option<i64>,
    pub(crate) show_without_stock: bool,
    pub(crate) score: Option<i64>,
}

/// A product to be made: category and brand by id, or by names that are made when they do not exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewProduct {
    pub(crate) id: Option<u32>,
    pub(crate) category_path: Option<String>,
    pub(crate) brand_name: Option<String>,
    pub(crate) fields: ProductFields,
}

/// A product.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) id: u32,
    pub(crate) category: u32,
    pub(crate) brand: u32,
    pub(crate) fields: ProductFields,
    pub(crate) skus: BTreeSet<u32>,
    /// Empty: it belongs to all.
    pub(crate) policies: BTreeSet<u32>,
    pub(crate) specifications: Vec<Assignment>,
    /// Since when it has its RefId.
    pub(super) ref_since: Duration,
}

impl Tables {
    pub(crate) fn create_product(&mut self, new: NewProduct) -> Result<u32, Refusal> {
        let NewProduct { id, category_path, brand_name, fields } = new;
        if id.is_some_and(|id| self.products.contains_key(&id)) {
            return Err(Refusal::IdTaken("Product"));
        }
        let fields = self.checked_product(None, fields)?;
        // Both are looked at before anything is made.
        match (&category_path, fields.category_id) {
            (Some(path), _) => category::check_path(path)?,
            (None, Some(id)) => drop(self.category(id)?),
            (None, None) => return Err(Refusal::invalid("CategoryId or CategoryPath is required")),
        }
        match (&brand_name, fields.brand_id) {
            (Some(name), _) => required("BrandName", name, NAME_MAX)?,
            (None, Some(id)) => drop(self.brand(id)?),
            (None, None) => return Err(Refusal::invalid("BrandId or BrandName is required")),
        }
        let category = match category_path {
            Some(path) => self.category_at(&path)?,
            None => fields.category_id.unwrap_or_default(),
        };
        let brand = match brand_name {
            Some(name) => self.brand_named(&name)?,
            None => fields.brand_id.unwrap_or_default(),
        };
        let id = id.unwrap_or_else(|| Self::issue(&mut self.issued.product, &self.products));
        let product = Product {
            id,
            category,
            brand,
            fields: ProductFields::default(),
            skus: BTreeSet::new(),
            policies: BTreeSet::new(),
            specifications: Vec::new(),
            ref_since: self.now,
        };
        self.store_product(product, fields);
        Ok(id)
    }

    /// Replaces a product: what the request leaves out is gone. True when it changed.
    pub(crate) fn put_product(&mut self, id: u32, fields: ProductFields) -> Result<bool, Refusal> {
        let before = self.product(id)?.clone();
        let fields = self.checked_product(Some(id), fields)?;
        let (Some(category), Some(brand)) = (fields.category_id, fields.brand_id) else {
            return Err(Refusal::invalid("CategoryId and BrandId are required"));
        };
        let (category, brand) = (self.category(category)?.id, self.brand(brand)?.id);
        let moved = (category, brand) != (before.category, before.brand);
        let changed = moved || !before.fields.same(&fields);
        self.product_refs.remove(&before.fields.ref_id);
        self.links.remove(&before.fields.link_id);
        self.store_product(Product { category, brand, ..before }, fields);
        Ok(changed)
    }

    fn store_product(&mut self, mut product: Product, fields: ProductFields) {
        let id = product.id;
        if !fields.ref_id.is_empty() {
            self.product_refs.insert(fields.ref_id.clone(), id);
        }
        self.links.insert(fields.link_id.clone(), id);
        if product.fields.ref_id != fields.ref_id {
            product.ref_since = self.now;
        }
        product.fields = fields;
        self.products.insert(id, product);
        self.saved(id);
    }

    pub(crate) fn product(&self, id: u32) -> Result<&Product, Refusal> {
        self.products.get(&id).ok_or(Refusal::NotFound("Product"))
    }

    pub(super) fn product_mut(&mut self, id: u32) -> Result<&mut Product, Refusal> {
        self.products.get_mut(&id).ok_or(Refusal::NotFound("Product"))
    }

    pub(crate) fn product_by_ref(&self, reference: &str) -> Option<&Product> {
        self.products.get(self.product_refs.get(reference)?)
    }

    /// False while a look-up by RefId does not find the product yet.
    pub(crate) fn product_ref_shows(&self, product: &Product, now: Duration, lag: Duration) -> bool {
        now.saturating_sub(product.ref_since) >= lag
    }

    /// In the order of their ids.
    pub(crate) fn products(&self) -> impl Iterator<Item = &Product> {
        self.products.values()
    }

    pub(super) fn products_where(&self, wanted: impl Fn(&Product) -> bool) -> impl Iterator<Item = u32> {
        self.products.values().filter(move |product| wanted(product)).map(|product| product.id)
    }

    /// Adds the product to a trade policy. It is not indexed by that (VTEX known issue 276511): it shows there only
    /// after its next save.
    pub(crate) fn add_policy(&mut self, product: u32, policy: u32) -> Result<bool, Refusal> {
        Ok(self.product_mut(product)?.policies.insert(policy))
    }

    pub(crate) fn remove_policy(&mut self, product: u32, policy: u32) -> Result<bool, Refusal> {
        Ok(self.product_mut(product)?.policies.remove(&policy))
    }

    /// Checks limits and uniqueness and fills in what VTEX makes itself.
    fn checked_product(&self, own: Option<u32>, mut fields: ProductFields) -> Result<ProductFields, Refusal> {
        required("Name", &fields.name, NAME_MAX)?;
        at_most("Title", &fields.title, NAME_MAX)?;
        at_most("RefId", &fields.ref_id, REFERENCE_MAX)?;
        at_most("LinkId", &fields.link_id, LINK_MAX)?;
        at_most("KeyWords", &fields.key_words, KEY_WORDS_MAX)?;
        at_most("TaxCode", &fields.tax_code, TAX_CODE_MAX)?;
        if fields.link_id.is_empty() {
            fields.link_id = slug(&fields.name).to_ascii_lowercase();
        }
        if RESERVED_LINKS.contains(&fields.link_id.as_str()) {
            return Err(Refusal::Invalid(format!("LinkId {} is reserved", fields.link_id)));
        }
        if fields.release_date.is_empty() {
            fields.release_date = format!("{}T00:00:00", jiff::Timestamp::now().strftime("%F"));
        }
        let other = |table: &hashbrown::HashMap<String, u32>, text: &str| {
            table.get(text).copied().filter(|id| Some(*id) != own)
        };
        if let Some(id) = other(&self.product_refs, &fields.ref_id) {
            return Err(Refusal::ProductRefTaken(id));
        }
        if let Some(id) = other(&self.links, &fields.link_id) {
            return Err(Refusal::LinkTaken(id));
        }
        Ok(fields)
    }
}

impl ProductFields {
    /// Equal for a shopper; where category and brand are named is compared elsewhere.
    fn same(&self, other: &Self) -> bool {
        let own = Self { category_id: other.category_id, brand_id: other.brand_id, ..self.clone() };
        own == *other
    }
}
