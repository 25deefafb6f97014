//! What can be specified: groups of fields per category, fields, and the values of fields that have a list.

use serde::Deserialize;

use super::text::required;
use super::{Refusal, Tables};

const NAME_MAX: usize = 100;
/// Field types by VTEX's numbers.
const COMBO: u32 = 5;
const RADIO: u32 = 6;
const CHECKBOX: u32 = 7;
const FIELD_TYPES: [u32; 8] = [1, 2, 4, COMBO, RADIO, CHECKBOX, 8, 9];

/// A group as a request writes it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GroupFields {
    pub(crate) name: String,
    /// `None`: for all categories.
    pub(crate) category_id: Option<u32>,
    pub(crate) position: Option<u32>,
}

/// A field as a request writes it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct FieldFields {
    pub(crate) field_type_id: u32,
    pub(crate) category_id: Option<u32>,
    pub(crate) field_group_id: u32,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) position: u32,
    pub(crate) is_filter: bool,
    pub(crate) is_required: bool,
    pub(crate) is_on_product_details: bool,
    pub(crate) is_stock_keeping_unit: bool,
    pub(crate) is_active: bool,
    pub(crate) is_top_menu_link_active: bool,
    pub(crate) is_side_menu_link_active: bool,
    pub(crate) default_value: Option<String>,
}

/// A value as a request writes it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ValueFields {
    pub(crate) field_id: u32,
    pub(crate) name: String,
    pub(crate) text: Option<String>,
    pub(crate) is_active: bool,
    pub(crate) position: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct SpecificationGroup {
    pub(crate) id: u32,
    pub(crate) fields: GroupFields,
}

#[derive(Clone, Debug)]
pub(crate) struct SpecificationField {
    pub(crate) id: u32,
    pub(crate) fields: FieldFields,
}

#[derive(Clone, Debug)]
pub(crate) struct SpecificationValue {
    pub(crate) id: u32,
    pub(crate) fields: ValueFields,
}

impl SpecificationField {
    /// Its values come from a list.
    pub(crate) fn has_list(&self) -> bool {
        matches!(self.fields.field_type_id, COMBO | RADIO | CHECKBOX)
    }
}

impl Tables {
    pub(crate) fn create_group(&mut self, mut fields: GroupFields) -> Result<u32, Refusal> {
        required("Name", &fields.name, NAME_MAX)?;
        if let Some(category) = fields.category_id {
            self.category(category)?;
        }
        let beside = self.groups_of(fields.category_id).count();
        fields.position = fields.position.or_else(|| u32::try_from(beside + 1).ok());
        let id = Self::issue(&mut self.issued.group, &self.groups);
        self.groups.insert(id, SpecificationGroup { id, fields });
        Ok(id)
    }

    pub(crate) fn put_group(&mut self, id: u32, fields: GroupFields) -> Result<(), Refusal> {
        self.group(id)?;
        required("Name", &fields.name, NAME_MAX)?;
        if let Some(category) = fields.category_id {
            self.category(category)?;
        }
        self.groups.insert(id, SpecificationGroup { id, fields });
        Ok(())
    }

    pub(crate) fn group(&self, id: u32) -> Result<&SpecificationGroup, Refusal> {
        self.groups.get(&id).ok_or(Refusal::NotFound("Group"))
    }

    pub(crate) fn groups_of(&self, category: Option<u32>) -> impl Iterator<Item = &SpecificationGroup> {
        self.groups.values().filter(move |group| group.fields.category_id == category)
    }

    pub(crate) fn create_field(&mut self, mut fields: FieldFields) -> Result<u32, Refusal> {
        required("Name", &fields.name, NAME_MAX)?;
        let group = self.group(fields.field_group_id)?;
        fields.category_id = fields.category_id.or(group.fields.category_id);
        if !FIELD_TYPES.contains(&fields.field_type_id) {
            return Err(Refusal::invalid("FieldTypeId is none of 1, 2, 4, 5, 6, 7, 8, 9"));
        }
        if fields.is_stock_keeping_unit && !matches!(fields.field_type_id, COMBO | RADIO) {
            return Err(Refusal::invalid("Sku Field can be only of the Radio or Combo type"));
        }
        let id = Self::issue(&mut self.issued.field, &self.fields);
        self.fields.insert(id, SpecificationField { id, fields });
        Ok(id)
    }

    /// Replaces a field; type, category, group and whether it is of SKUs stay what they are.
    pub(crate) fn put_field(&mut self, id: u32, fields: FieldFields) -> Result<(), Refusal> {
        required("Name", &fields.name, NAME_MAX)?;
        let before = self.field(id)?.fields.clone();
        let fields = FieldFields {
            field_type_id: before.field_type_id,
            category_id: before.category_id,
            field_group_id: before.field_group_id,
            is_stock_keeping_unit: before.is_stock_keeping_unit,
            ..fields
        };
        self.fields.insert(id, SpecificationField { id, fields });
        // A field that is no longer required may be what SKUs waited for.
        let waiting: Vec<u32> = self.products_where(|_| true).collect();
        self.touched.extend(waiting.into_iter().map(|product| (product, false)));
        Ok(())
    }

    pub(crate) fn field(&self, id: u32) -> Result<&SpecificationField, Refusal> {
        self.fields.get(&id).ok_or(Refusal::NotFound("Field"))
    }

    /// Fields of exactly this category; `None`: those of all categories.
    pub(crate) fn fields_of(&self, category: Option<u32>) -> impl Iterator<Item = &SpecificationField> {
        self.fields.values().filter(move |field| field.fields.category_id == category)
    }

    /// Fields that a product of this category has: its own, those of the categories above, those of all.
    pub(crate) fn fields_for(&self, category: u32) -> impl Iterator<Item = &SpecificationField> {
        let path: Vec<u32> = self.category_path(category).map(|category| category.id).collect();
        self.fields
            .values()
            .filter(move |field| field.fields.category_id.is_none_or(|category| path.contains(&category)))
    }

    pub(crate) fn create_value(&mut self, fields: ValueFields) -> Result<u32, Refusal> {
        required("Name", &fields.name, usize::MAX)?;
        if !self.field(fields.field_id)?.has_list() {
            return Err(Refusal::invalid("the field has no list of values"));
        }
        let id = Self::issue(&mut self.issued.value, &self.values);
        self.values.insert(id, SpecificationValue { id, fields });
        Ok(id)
    }

    pub(crate) fn put_value(&mut self, id: u32, fields: ValueFields) -> Result<(), Refusal> {
        required("Name", &fields.name, usize::MAX)?;
        let field_id = self.value(id)?.fields.field_id;
        self.values.insert(id, SpecificationValue { id, fields: ValueFields { field_id, ..fields } });
        Ok(())
    }

    pub(crate) fn value(&self, id: u32) -> Result<&SpecificationValue, Refusal> {
        self.values.get(&id).ok_or(Refusal::NotFound("FieldValue"))
    }

    pub(crate) fn values_of(&self, field: u32) -> impl Iterator<Item = &SpecificationValue> {
        self.values.values().filter(move |value| value.fields.field_id == field)
    }

    /// The field of this name in the group of this name; both are made when they do not exist.
    pub(super) fn field_named(
        &mut self,
        category: Option<u32>,
        group: &str,
        field: &str,
        of_skus: bool,
    ) -> Result<u32, Refusal> {
        let known = self.groups_of(category).find(|known| known.fields.name == group);
        let group = match known.map(|known| known.id) {
            Some(known) => known,
            None => self.create_group(GroupFields {
                name: group.to_owned(),
                category_id: category,
                position: None,
            })?,
        };
        let known = self.fields.values().find(|known| {
            let fields = &known.fields;
            (fields.field_group_id, fields.is_stock_keeping_unit) == (group, of_skus) && fields.name == field
        });
        match known {
            Some(known) => Ok(known.id),
            None => self.create_field(FieldFields {
                field_type_id: if of_skus { COMBO } else { CHECKBOX },
                category_id: category,
                field_group_id: group,
                name: field.to_owned(),
                is_stock_keeping_unit: of_skus,
                is_active: true,
                ..FieldFields::default()
            }),
        }
    }

    /// The value of this name in the list of a field; it is made when there is none.
    pub(super) fn value_named(&mut self, field: u32, name: &str) -> Result<u32, Refusal> {
        if let Some(value) = self.values_of(field).find(|value| value.fields.name == name) {
            return Ok(value.id);
        }
        self.create_value(ValueFields {
            field_id: field,
            name: name.to_owned(),
            is_active: true,
            ..ValueFields::default()
        })
    }
}
