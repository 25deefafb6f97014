//! Specifications that products and SKUs have.

use super::text::required;
use super::{Refusal, SpecificationField, Tables};

const FIELD_NAME_MAX: usize = 100;

/// One value of one field, given to a product or a SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) id: u32,
    pub(crate) field: u32,
    /// `None` for a field without a list of values.
    pub(crate) value: Option<u32>,
    pub(crate) text: String,
}

/// Who has a specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Product(u32),
    Sku(u32),
}

impl Tables {
    /// Gives a value to an owner. VTEX compares with nothing that is there: twice the same is a duplicate.
    pub(crate) fn assign(
        &mut self,
        owner: Owner,
        field: u32,
        value: Option<u32>,
        text: &str,
    ) -> Result<u32, Refusal> {
        self.assignments(owner)?;
        let known = self.field(field)?;
        check_side(owner, known)?;
        let text = match (known.has_list(), value) {
            (true, Some(value)) => self.text_of(field, value)?,
            (true, None) => return Err(Refusal::invalid("FieldValueId is required for this FieldTypeId")),
            (false, Some(_)) => {
                return Err(Refusal::invalid("FieldValueId must not be used for this FieldTypeId"));
            }
            (false, None) => text.to_owned(),
        };
        self.issued.assignment += 1;
        let id = self.issued.assignment;
        self.assignments_mut(owner)?.push(Assignment { id, field, value, text });
        self.owner_saved(owner);
        Ok(id)
    }

    /// Gives another value of the same field to what a SKU already has.
    pub(crate) fn reassign(&mut self, owner: Owner, id: u32, field: u32, value: u32) -> Result<(), Refusal> {
        let text = self.text_of(field, value)?;
        let known =
            self.assignments_mut(owner)?.iter_mut().find(|known| (known.id, known.field) == (id, field));
        let known = known.ok_or(Refusal::NotFound("Specification"))?;
        (known.value, known.text) = (Some(value), text);
        self.owner_saved(owner);
        Ok(())
    }

    /// Gives values by names; group, field and values that do not exist are made. Replaces what the owner has of
    /// the field, and gives the assignments that now are there.
    pub(crate) fn assign_named(
        &mut self,
        owner: Owner,
        root: bool,
        group: &str,
        field: &str,
        values: &[String],
    ) -> Result<Vec<Assignment>, Refusal> {
        required("FieldName", field, FIELD_NAME_MAX)?;
        required("GroupName", group, FIELD_NAME_MAX)?;
        let of_sku = matches!(owner, Owner::Sku(_));
        if values.is_empty() || values.iter().any(String::is_empty) || (of_sku && values.len() > 1) {
            return Err(Refusal::invalid("FieldValues must hold a value, and for a SKU only one"));
        }
        let category = self.product(self.product_of(owner)?)?.category;
        let category = (!root).then_some(category);
        let field = self.field_named(category, group, field, of_sku)?;
        self.assignments_mut(owner)?.retain(|known| known.field != field);
        for name in values {
            let value = match self.field(field)?.has_list() {
                true => Some(self.value_named(field, name)?),
                false => None,
            };
            self.assign(owner, field, value, name)?;
        }
        Ok(self.assignments(owner)?.iter().filter(|known| known.field == field).cloned().collect())
    }

    /// Removes all, or what fits: the id of an assignment, or (for lists) the id of a field.
    pub(crate) fn unassign(&mut self, owner: Owner, only: Option<u32>) -> Result<(), Refusal> {
        let has_list = only.is_some_and(|id| self.fields.get(&id).is_some_and(SpecificationField::has_list));
        let known = self.assignments_mut(owner)?;
        let before = known.len();
        known.retain(|known| match only {
            Some(id) if has_list => known.field != id,
            Some(id) => known.id != id || known.value.is_some(),
            None => false,
        });
        if only.is_some() && known.len() == before {
            return Err(Refusal::NotFound("Specification"));
        }
        self.owner_saved(owner);
        Ok(())
    }

    pub(crate) fn assignments(&self, owner: Owner) -> Result<&[Assignment], Refusal> {
        Ok(match owner {
            Owner::Product(id) => &self.product(id)?.specifications,
            Owner::Sku(id) => &self.sku(id)?.specifications,
        })
    }

    fn assignments_mut(&mut self, owner: Owner) -> Result<&mut Vec<Assignment>, Refusal> {
        Ok(match owner {
            Owner::Product(id) => &mut self.product_mut(id)?.specifications,
            Owner::Sku(id) => &mut self.sku_mut(id)?.specifications,
        })
    }

    fn product_of(&self, owner: Owner) -> Result<u32, Refusal> {
        match owner {
            Owner::Product(id) => Ok(id),
            Owner::Sku(id) => Ok(self.sku(id)?.fields.product_id),
        }
    }

    fn owner_saved(&mut self, owner: Owner) {
        if let Ok(product) = self.product_of(owner) {
            self.saved(product);
        }
    }

    fn text_of(&self, field: u32, value: u32) -> Result<String, Refusal> {
        let value = self.value(value)?;
        if value.fields.field_id != field {
            return Err(Refusal::invalid("FieldValueId belongs to another field"));
        }
        Ok(value.fields.name.clone())
    }
}

fn check_side(owner: Owner, field: &SpecificationField) -> Result<(), Refusal> {
    if field.fields.is_stock_keeping_unit == matches!(owner, Owner::Sku(_)) {
        return Ok(());
    }
    Err(Refusal::invalid("the field is of products and not of SKUs, or the other way round"))
}
