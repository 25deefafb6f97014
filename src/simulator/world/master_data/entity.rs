//! One data entity: its documents, what makes them unique, and how a document is saved.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::condition::Condition;
use super::document::{Document, Fields, Horizon, Stamp, same, stamped};
use super::fields::{SYSTEM_FIELDS, Structure};
use super::index::Index;
use super::options::{Duplicates, MasterDataOptions};
use super::schema;

/// Most schemas of an entity of v2.
const SCHEMAS_MAX: usize = 60;

/// A data entity.
#[derive(Debug, Default)]
pub(crate) struct Entity {
    /// Of v1 only: an entity of v2 takes any field.
    pub(crate) structure: Option<Structure>,
    /// By id in lower case: ids are stored without regard to case.
    pub(super) documents: BTreeMap<String, Document>,
    /// Ids that a get does not show any more, and search may.
    pub(super) deleted: Vec<String>,
    pub(super) indices: Vec<Index>,
    pub(super) schemas: BTreeMap<String, Value>,
    /// The field that says whose personal data a document of v2 is; only then an erasure reaches it.
    pub(super) subject_field: Option<String>,
}

/// How a request saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// POST: never looks for a document that is there.
    Create,
    /// PATCH: leaves alone what is not sent.
    Merge,
    /// PUT: what is not sent is gone.
    Replace,
}

/// A document to be saved.
#[derive(Debug)]
pub(crate) struct Save<'a> {
    pub(crate) way: Way,
    /// The id in the path.
    pub(crate) id: Option<&'a str>,
    pub(crate) fields: Fields,
    /// `_where`
    pub(crate) condition: Option<&'a Condition>,
    /// `_schema`
    pub(crate) schema: Option<&'a str>,
}

/// What saving did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    Created,
    Changed,
    Unchanged,
}

/// Why a document was not saved.
#[derive(Debug, PartialEq)]
pub(crate) enum NotSaved {
    /// The message of the 400.
    Invalid(String),
    /// What the schema finds wrong.
    Schema(Vec<Value>),
    /// Another document has the values of this index.
    Duplicate(String),
    /// `_where` is not met.
    Condition,
    /// No such document.
    NotFound,
}

impl Entity {
    /// Saves as VTEX describes it: find the id, validate, compare, check the condition, store. Gives the id.
    pub(super) fn save(
        &mut self,
        save: Save<'_>,
        new_id: impl FnOnce() -> String,
        options: &MasterDataOptions,
        stamp: Stamp<'_>,
        horizon: Horizon,
    ) -> Result<(String, Saved), NotSaved> {
        let mut sent = save.fields;
        let body_id = sent.get("id").and_then(Value::as_str).map(str::to_owned);
        SYSTEM_FIELDS.iter().for_each(|name| drop(sent.remove(*name)));
        if let Some(structure) = &self.structure {
            structure.accept(&mut sent).map_err(NotSaved::Invalid)?;
        }
        let named = save.id.map(str::to_owned).or(body_id);
        let id = match named.map_or_else(|| self.alternate(save.way, &sent), |id| Ok(Some(id)))? {
            Some(id) => id,
            None => new_id(),
        };
        let before = self.current(&id).cloned();
        match save.way {
            Way::Create if before.is_some() => return Err(NotSaved::Duplicate("id".to_owned())),
            Way::Merge if before.is_none() && save.id.is_some() && !options.patch_creates => {
                return Err(NotSaved::NotFound);
            }
            _ => {}
        }
        let after = result(save.way, before.as_deref(), sent);
        if let Some(name) = save.schema.filter(|_| self.structure.is_none()) {
            self.validate(name, &after)?;
        }
        if before.as_deref().is_some_and(|before| same(&own(before), &own(&after))) {
            return Ok((id, Saved::Unchanged));
        }
        if let (Some(condition), Some(before)) = (save.condition, &before)
            && !meets(condition, &id, before)
        {
            return Err(NotSaved::Condition);
        }
        if save.way != Way::Create || options.duplicates != Duplicates::PostAccepted {
            self.check_unique(&id, &after)?;
        }
        let saved = if before.is_some() { Saved::Changed } else { Saved::Created };
        self.store(&id, Some(stamped(after, before.as_deref(), stamp)), stamp.at, horizon);
        Ok((id, saved))
    }

    /// False when there is no such document.
    pub(super) fn delete(&mut self, id: &str, at: Duration, horizon: Horizon) -> bool {
        let there = self.current(id).is_some();
        if there {
            self.store(id, None, at, horizon);
            self.deleted.push(id.to_lowercase());
        }
        there
    }

    /// What a get shows.
    pub(crate) fn current(&self, id: &str) -> Option<&Arc<Fields>> {
        self.documents.get(&id.to_lowercase())?.current()
    }

    /// The id as it was first spelt.
    pub(crate) fn spelling(&self, id: &str) -> Option<&str> {
        self.documents.get(&id.to_lowercase()).map(Document::id)
    }

    /// All documents that a get shows, with their ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Arc<Fields>)> {
        self.documents.values().filter_map(|document| Some((document.id(), document.current()?)))
    }

    /// The document that a unique index finds for these fields.
    pub(super) fn alternate(&self, way: Way, fields: &Fields) -> Result<Option<String>, NotSaved> {
        if way == Way::Create {
            return Ok(None);
        }
        let mut found: Option<&String> = None;
        for index in self.indices.iter().filter(|index| !index.multiple) {
            let owner = index.key(fields).and_then(|key| index.owners(&key).next());
            match (owner, found) {
                (Some(owner), Some(other)) if owner != other => {
                    return Err(NotSaved::Duplicate(index.name.clone()));
                }
                _ => found = found.or(owner),
            }
        }
        Ok(found.and_then(|id| self.spelling(id)).map(str::to_owned))
    }

    fn check_unique(&self, id: &str, fields: &Fields) -> Result<(), NotSaved> {
        let id = id.to_lowercase();
        for index in self.indices.iter().filter(|index| !index.multiple) {
            if index.key(fields).is_some_and(|key| index.owners(&key).any(|owner| *owner != id)) {
                // Servers like to say which value it was, whoever reads it.
                let value = fields.get(&index.name).and_then(Value::as_str).unwrap_or_default();
                return Err(NotSaved::Duplicate(format!("{} {value}", index.name).trim_end().to_owned()));
            }
        }
        Ok(())
    }

    fn store(&mut self, id: &str, fields: Option<Fields>, at: Duration, horizon: Horizon) {
        let key = id.to_lowercase();
        let document = self.documents.entry(key.clone()).or_insert_with(|| Document::new(id));
        document.spelt(id);
        for index in &mut self.indices {
            index.moved(&key, document.current().map(Arc::as_ref), fields.as_ref());
        }
        document.write(fields, at, horizon);
    }

    /// Forgets deleted documents that search does not show any more either.
    pub(super) fn bury(&mut self, horizon: Horizon) {
        let Self { documents, deleted, indices, .. } = self;
        deleted.retain(|id| {
            let Some(document) = documents.get(id) else { return false };
            if document.current().is_some() {
                return false;
            }
            let gone = document.settled(horizon);
            if gone {
                documents.remove(id);
                indices.iter_mut().for_each(|index| index.forget(id));
            }
            !gone
        });
    }

    pub(super) fn clear(&mut self) {
        self.documents.clear();
        self.deleted.clear();
        self.indices.iter_mut().for_each(Index::clear);
    }

    /// An index of v2. The message is the one of the 400.
    pub(crate) fn put_index(&mut self, name: &str, fields: &[&str], multiple: bool) -> Result<(), String> {
        let mut index = Index::new(name, fields, multiple);
        for (id, document) in &self.documents {
            document.versions().for_each(|fields| index.saw(id, fields));
            let Some(fields) = document.current() else { continue };
            let taken = index.key(fields).is_some_and(|key| index.owners(&key).next().is_some());
            if taken && !multiple {
                return Err("There are documents with the same values".to_owned());
            }
            index.moved(id, None, Some(fields.as_ref()));
        }
        self.indices.retain(|index| index.name != name);
        self.indices.push(index);
        Ok(())
    }

    pub(crate) fn indices(&self) -> &[Index] {
        &self.indices
    }

    /// False when there is no such index.
    pub(crate) fn delete_index(&mut self, name: &str) -> bool {
        let before = self.indices.len();
        self.indices.retain(|index| index.name != name);
        self.indices.len() < before
    }

    /// The message is the one of the 400.
    pub(crate) fn put_schema(&mut self, name: &str, body: Value) -> Result<(), String> {
        schema::check_schema(&body)?;
        if self.schemas.len() >= SCHEMAS_MAX && !self.schemas.contains_key(name) {
            return Err(format!("An entity has at most {SCHEMAS_MAX} schemas"));
        }
        self.schemas.insert(name.to_owned(), body);
        Ok(())
    }

    pub(crate) fn schemas(&mut self) -> &mut BTreeMap<String, Value> {
        &mut self.schemas
    }

    fn validate(&self, name: &str, fields: &Fields) -> Result<(), NotSaved> {
        let schema = self.schemas.get(name);
        let schema = schema.ok_or_else(|| NotSaved::Invalid(format!("Schema '{name}' not found")))?;
        let errors = schema::errors(schema, &own(fields));
        if errors.is_empty() { Ok(()) } else { Err(NotSaved::Schema(errors)) }
    }

    /// Why a field cannot be filtered or sorted by; the message is the one of the 400.
    pub(super) fn check_filter(&self, field: &str, schema: Option<&str>) -> Result<(), String> {
        let outer = field.split('.').next().unwrap_or(field);
        let indexed = |index: &Index| index.fields.iter().any(|own| own == outer);
        if SYSTEM_FIELDS.contains(&outer) || self.indices.iter().any(indexed) {
            return Ok(());
        }
        let known = match &self.structure {
            Some(structure) => structure.kind(outer).is_some(),
            None => schema
                .and_then(|name| self.schemas.get(name))
                .is_some_and(|schema| schema::indexed(schema).any(|name| name == outer)),
        };
        if known { Ok(()) } else { Err(format!("Field '{field}' not found in schema")) }
    }
}

/// The fields that a request can write.
fn own(fields: &Fields) -> Fields {
    let own = fields.iter().filter(|(name, _)| !SYSTEM_FIELDS.contains(&name.as_str()));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn result(way: Way, before: Option<&Fields>, sent: Fields) -> Fields {
    match before.filter(|_| way == Way::Merge) {
        Some(before) => {
            let mut merged = before.clone();
            merged.extend(sent);
            merged
        }
        None => sent,
    }
}

/// Whether the stored document meets a condition.
pub(super) fn meets(condition: &Condition, id: &str, fields: &Fields) -> bool {
    let id = Value::from(id);
    let value = |name: &str| match name.split_once('.') {
        _ if name == "id" => Some(&id),
        Some((outer, inner)) => fields.get(outer)?.get(inner),
        None => fields.get(name),
    };
    condition.holds(&value, &|| fields.values().filter_map(Value::as_str).collect())
}
