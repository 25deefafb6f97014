//! Brands.

use serde::Deserialize;

use super::text::{required, slug};
use super::{Refusal, Tables};

const NAME_MAX: usize = 150;

/// A brand as a request writes it; what is left out is wiped.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct BrandFields {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) keywords: String,
    pub(crate) site_title: String,
    pub(crate) score: Option<i64>,
    pub(crate) menu_home: bool,
    pub(crate) active: bool,
    pub(crate) link_id: String,
}

/// A brand.
#[derive(Clone, Debug)]
pub(crate) struct Brand {
    pub(crate) id: u32,
    pub(crate) fields: BrandFields,
}

impl Tables {
    /// Makes a brand; without an id VTEX numbers it.
    pub(crate) fn create_brand(&mut self, id: Option<u32>, mut fields: BrandFields) -> Result<u32, Refusal> {
        self.check_brand(id, &fields)?;
        if id.is_some_and(|id| self.brands.contains_key(&id)) {
            return Err(Refusal::IdTaken("Brand"));
        }
        if fields.link_id.is_empty() {
            fields.link_id = slug(&fields.name).to_ascii_lowercase();
        }
        let id = id.unwrap_or_else(|| Self::issue(&mut self.issued.brand, &self.brands));
        self.brands.insert(id, Brand { id, fields });
        Ok(id)
    }

    /// Replaces a brand; its link stays what it is (VTEX known issue 1222015). True when it changed.
    pub(crate) fn put_brand(&mut self, id: u32, fields: BrandFields) -> Result<bool, Refusal> {
        let link_id = self.brand(id)?.fields.link_id.clone();
        self.check_brand(Some(id), &fields)?;
        let fields = BrandFields { link_id, ..fields };
        let before = self.brands.insert(id, Brand { id, fields: fields.clone() });
        let of_brand: Vec<u32> = self.products_where(|product| product.brand == id).collect();
        of_brand.into_iter().for_each(|product| self.saved(product));
        Ok(before.is_none_or(|before| before.fields != fields))
    }

    pub(crate) fn brand(&self, id: u32) -> Result<&Brand, Refusal> {
        self.brands.get(&id).ok_or(Refusal::NotFound("Brand"))
    }

    /// In the order of their ids.
    pub(crate) fn brands(&self) -> impl Iterator<Item = &Brand> {
        self.brands.values()
    }

    /// The brand of this name; it is made when there is none.
    pub(super) fn brand_named(&mut self, name: &str) -> Result<u32, Refusal> {
        if let Some(brand) = self.brands.values().find(|brand| brand.fields.name == name) {
            return Ok(brand.id);
        }
        self.create_brand(None, BrandFields { name: name.to_owned(), active: true, ..BrandFields::default() })
    }

    fn check_brand(&self, own: Option<u32>, fields: &BrandFields) -> Result<(), Refusal> {
        required("Name", &fields.name, NAME_MAX)?;
        let same = |brand: &&Brand| Some(brand.id) != own && brand.fields.name == fields.name;
        match self.brands.values().find(same) {
            Some(other) if self.rules.unique_brand_names => Err(Refusal::BrandNameTaken(other.id)),
            _ => Ok(()),
        }
    }
}
