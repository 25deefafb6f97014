//! Indices of an entity: alternate keys, and the way from a value to its documents.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use serde_json::Value;

use super::condition::instant;
use super::document::Fields;

/// One index of an entity.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) fields: Vec<String>,
    /// False: its fields together are unique.
    pub(crate) multiple: bool,
    /// Ids of the documents that hold a key now.
    owners: HashMap<String, BTreeSet<String>>,
    /// Ids of the documents that ever held a value, for search, which may lag behind. One field only.
    seen: HashMap<String, BTreeSet<String>>,
    /// It never held anything but text.
    texts_only: bool,
}

impl Index {
    pub(super) fn new(name: &str, fields: &[&str], multiple: bool) -> Self {
        Self {
            name: name.to_owned(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            multiple,
            owners: HashMap::new(),
            seen: HashMap::new(),
            texts_only: true,
        }
    }

    /// The key of a document; `None` when one of the fields is empty.
    pub(super) fn key(&self, fields: &Fields) -> Option<String> {
        let values: Option<Vec<&Value>> = self
            .fields
            .iter()
            .map(|name| fields.get(name).filter(|value| !value.is_null() && *value != ""))
            .collect();
        serde_json::to_string(&values?).ok()
    }

    /// The documents that hold a key, in the order of their ids.
    pub(super) fn owners(&self, key: &str) -> impl Iterator<Item = &String> {
        self.owners.get(key).into_iter().flatten()
    }

    pub(super) fn moved(&mut self, id: &str, before: Option<&Fields>, after: Option<&Fields>) {
        if let Some(key) = before.and_then(|before| self.key(before)) {
            let left = self.owners.get_mut(&key).is_some_and(|owners| owners.remove(id) && owners.is_empty());
            if left {
                self.owners.remove(&key);
            }
        }
        let Some(after) = after else { return };
        if let Some(key) = self.key(after) {
            self.owners.entry(key).or_default().insert(id.to_owned());
        }
        self.saw(id, after);
    }

    /// Notes what search may find the document by.
    pub(super) fn saw(&mut self, id: &str, fields: &Fields) {
        let [field] = self.fields.as_slice() else { return };
        match fields.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => {
                self.seen.entry(text.to_lowercase()).or_default().insert(id.to_owned());
            }
            Some(_) => self.texts_only = false,
        }
    }

    /// Every document that search might find under `field` = `value`; `None` when the index cannot tell: numbers and
    /// instants are equal in more than one spelling.
    pub(super) fn candidates(&self, field: &str, value: &str) -> Option<BTreeSet<String>> {
        let tells = self.texts_only && self.fields.len() == 1 && self.fields[0] == field;
        (tells && instant(value).is_none())
            .then(|| self.seen.get(&value.to_lowercase()).cloned().unwrap_or_default())
    }

    pub(super) fn clear(&mut self) {
        self.owners.clear();
        self.seen.clear();
    }

    /// The document is gone for search too.
    pub(super) fn forget(&mut self, id: &str) {
        self.seen.retain(|_, ids| {
            ids.remove(id);
            !ids.is_empty()
        });
    }
}
