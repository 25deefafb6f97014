//! The category tree.

use serde::Deserialize;

use super::text::{required, slug};
use super::{Refusal, Tables};

const NAME_MAX: usize = 150;
const BY_SPECIFICATION: &str = "SPECIFICATION";
const BY_LIST: &str = "LIST";

/// A category as a request writes it; what is left out is wiped.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CategoryFields {
    pub(crate) name: String,
    /// `None`: a department, the top of the tree.
    pub(crate) father_category_id: Option<u32>,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) keywords: String,
    pub(crate) is_active: bool,
    pub(crate) show_in_store_front: bool,
    pub(crate) show_brand_filter: bool,
    pub(crate) active_store_front_link: bool,
    pub(crate) global_category_id: u32,
    pub(crate) stock_keeping_unit_selection_mode: String,
    pub(crate) score: Option<i64>,
}

/// A category; its link is made of its first name and stays.
#[derive(Clone, Debug)]
pub(crate) struct Category {
    pub(crate) id: u32,
    pub(crate) link: String,
    pub(crate) fields: CategoryFields,
}

impl Tables {
    /// Makes a category; without an id VTEX numbers it.
    pub(crate) fn create_category(
        &mut self,
        id: Option<u32>,
        fields: CategoryFields,
    ) -> Result<u32, Refusal> {
        if id.is_some_and(|id| self.categories.contains_key(&id)) {
            return Err(Refusal::IdTaken("Category"));
        }
        let fields = self.checked_category(None, fields)?;
        let id = id.unwrap_or_else(|| Self::issue(&mut self.issued.category, &self.categories));
        self.categories.insert(id, Category { id, link: slug(&fields.name), fields });
        Ok(id)
    }

    /// Replaces a category. True when it changed.
    pub(crate) fn put_category(&mut self, id: u32, fields: CategoryFields) -> Result<bool, Refusal> {
        let link = self.category(id)?.link.clone();
        let fields = self.checked_category(Some(id), fields)?;
        let before = self.categories.insert(id, Category { id, link, fields: fields.clone() });
        let below: Vec<u32> = self
            .products_where(|product| self.category_path(product.category).any(|above| above.id == id))
            .collect();
        below.into_iter().for_each(|product| self.saved(product));
        Ok(before.is_none_or(|before| before.fields != fields))
    }

    pub(crate) fn category(&self, id: u32) -> Result<&Category, Refusal> {
        self.categories.get(&id).ok_or(Refusal::NotFound("Category"))
    }

    /// In the order of their ids; `None`: the departments.
    pub(crate) fn children(&self, father: Option<u32>) -> impl Iterator<Item = &Category> {
        self.categories.values().filter(move |category| category.fields.father_category_id == father)
    }

    /// The category and all above it, from below.
    pub(crate) fn category_path(&self, id: u32) -> impl Iterator<Item = &Category> {
        let above = |category: &&Category| self.categories.get(&category.fields.father_category_id?);
        std::iter::successors(self.categories.get(&id), above)
    }

    /// The names from the department down to the category; categories that do not exist are made.
    ///
    /// A subcategory of the third level or below is taken from wherever one of its name already is (VTEX known
    /// issue 1087069).
    pub(super) fn category_at(&mut self, path: &str) -> Result<u32, Refusal> {
        let mut father = None;
        for (level, name) in names(path).enumerate() {
            let elsewhere = |category: &Category| level >= 2 && self.category_path(category.id).count() > 2;
            let found = self.categories.values().find(|category| {
                category.fields.name == name
                    && (category.fields.father_category_id == father || elsewhere(category))
            });
            father = Some(match found {
                Some(found) => found.id,
                None => self.create_category(None, CategoryFields::named(name, father))?,
            });
        }
        father.ok_or_else(|| Refusal::invalid("CategoryPath is empty"))
    }

    fn checked_category(
        &self,
        own: Option<u32>,
        mut fields: CategoryFields,
    ) -> Result<CategoryFields, Refusal> {
        required("Name", &fields.name, NAME_MAX)?;
        if let Some(father) = fields.father_category_id {
            self.category(father)?;
            if self.category_path(father).any(|above| Some(above.id) == own) {
                return Err(Refusal::invalid("a category cannot be below itself"));
            }
        }
        match fields.stock_keeping_unit_selection_mode.as_str() {
            BY_SPECIFICATION | BY_LIST => {}
            "" => BY_SPECIFICATION.clone_into(&mut fields.stock_keeping_unit_selection_mode),
            _ => {
                return Err(Refusal::invalid("StockKeepingUnitSelectionMode must be SPECIFICATION or LIST"));
            }
        }
        Ok(fields)
    }
}

/// The names of a path, from the department down.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// Refuses a path of which no category could be made.
pub(super) fn check_path(path: &str) -> Result<(), Refusal> {
    let last = names(path).last().unwrap_or_default();
    std::iter::once(last).chain(names(path)).try_for_each(|name| required("CategoryPath", name, NAME_MAX))
}

impl CategoryFields {
    /// What VTEX makes of a name in a path.
    fn named(name: &str, father: Option<u32>) -> Self {
        Self {
            name: name.to_owned(),
            father_category_id: father,
            title: name.to_owned(),
            is_active: true,
            show_in_store_front: true,
            active_store_front_link: true,
            show_brand_filter: true,
            ..Self::default()
        }
    }
}
