//! What tests and an oracle ask of Master Data.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use serde_json::Value;

use super::super::World;
use super::{Entity, ErasureOutcome, ErasureState, Fields};

impl World {
    /// A document as a get by id shows it, with its id and all fields that are not null.
    #[must_use]
    pub fn document(&self, entity: &str, id: &str) -> Option<Value> {
        self.master_data.entity(entity, |entity| {
            let fields = entity.current(id)?;
            Some(plain(entity.spelling(id)?, fields))
        })?
    }

    /// All documents of an entity, in the order of their ids.
    #[must_use]
    pub fn documents(&self, entity: &str) -> Vec<Value> {
        self.documents_where(entity, |_| true)
    }

    /// How many documents an entity has.
    #[must_use]
    pub fn document_count(&self, entity: &str) -> usize {
        self.master_data.entity(entity, |entity| entity.all().count()).unwrap_or(0)
    }

    /// The customers with this e-mail, whatever its case; more than one are duplicates.
    #[must_use]
    pub fn customers_by_email(&self, email: &str) -> Vec<Value> {
        let has = |fields: &Fields| text(fields, "email").is_some_and(|own| own.eq_ignore_ascii_case(email));
        self.documents_where("CL", has)
    }

    /// The addresses of a customer.
    #[must_use]
    pub fn addresses_of(&self, customer_id: &str) -> Vec<Value> {
        self.documents_where("AD", |fields| text(fields, "userId") == Some(customer_id))
    }

    /// How many documents of an entity are too many: those that share a value of this field with another one. Case does
    /// not count, empty values are not compared.
    #[must_use]
    pub fn duplicates(&self, entity: &str, field: &str) -> usize {
        let count = |entity: &mut Entity| {
            let mut seen: HashMap<String, usize> = HashMap::new();
            for value in entity.all().filter_map(|(_, fields)| text(fields, field)) {
                *seen.entry(value.to_lowercase()).or_insert(0) += 1;
            }
            seen.values().map(|count| count - 1).sum()
        };
        self.master_data.entity(entity, count).unwrap_or(0)
    }

    /// Addresses whose customer does not exist.
    #[must_use]
    pub fn orphan_addresses(&self) -> usize {
        let ids = |entity: &mut Entity| entity.all().map(|(id, _)| id.to_lowercase()).collect();
        let customers: HashSet<String> = self.master_data.entity("CL", ids).unwrap_or_default();
        let orphan = |fields: &Fields| {
            !text(fields, "userId").is_some_and(|user| customers.contains(&user.to_lowercase()))
        };
        self.documents_where("AD", orphan).len()
    }

    /// Every place of Master Data that still holds this text, whatever its case: `CL/id/email` for documents, with
    /// `(search)` behind it where only search still shows it, and `erasure/id` for jobs that are not done.
    #[must_use]
    pub fn mentions(&self, wanted: &str) -> Vec<String> {
        let wanted = wanted.to_lowercase();
        let state = self.master_data.state();
        let horizon = state.horizon();
        let mut places = Vec::new();
        for (name, entity) in &state.entities {
            for document in entity.documents.values() {
                let (current, indexed) = (document.current(), document.indexed(horizon));
                note(&mut places, &wanted, &format!("{name}/{}", document.id()), "", current);
                if indexed.map(Arc::as_ptr) != current.map(Arc::as_ptr) {
                    note(&mut places, &wanted, &format!("{name}/{}", document.id()), " (search)", indexed);
                }
            }
        }
        places.extend(state.erasures.mentions(&wanted).map(|job| format!("erasure/{job}")));
        places
    }

    /// Documents, as `entity/id`, that were written after an erasure with the e-mail, document or customer id of the
    /// erased person. A person who registers again in the shop is among them.
    #[must_use]
    pub fn brought_back_after_erasure(&self) -> Vec<String> {
        self.master_data.state().erasures.brought_back.clone()
    }

    /// The data erasure jobs with their state, in the order of their ids.
    #[must_use]
    pub fn erasures(&self) -> Vec<(String, ErasureState)> {
        let state = self.master_data.state();
        state.erasures.all().map(|(id, state)| (id.to_owned(), state)).collect()
    }

    /// Changes how far search and scroll are behind. Zero shows everything at once. They follow again if they were
    /// frozen.
    pub fn set_search_lag(&self, lag: Duration) {
        let mut state = self.master_data.state();
        state.options.search_lag = lag;
        state.frozen = None;
    }

    /// Search and scroll go on showing what they show now, whatever is written, until [`World::set_search_lag`].
    pub fn freeze_search(&self) {
        let mut state = self.master_data.state();
        state.frozen = Some(state.horizon());
    }

    /// Changes how long the next data erasure jobs take and how they end.
    pub fn set_erasure(&self, takes: Duration, outcome: ErasureOutcome) {
        let mut state = self.master_data.state();
        state.options.erasure_takes = takes;
        state.options.erasure_outcome = outcome;
    }

    /// Declares an entity of v2 as personal data of the person in `subject_field`: an erasure of this e-mail deletes
    /// its documents too. Without it, entities of v2 are left alone.
    pub fn declare_personal_data(&self, entity: &str, subject_field: &str) {
        let subject = Some(subject_field.to_owned());
        self.master_data.make_entity(entity, |entity| entity.subject_field = subject);
    }

    fn documents_where(&self, entity: &str, wanted: impl Fn(&Fields) -> bool) -> Vec<Value> {
        let pick = |entity: &mut Entity| {
            let fitting = entity.all().filter(|(_, fields)| wanted(fields));
            fitting.map(|(id, fields)| plain(id, fields)).collect()
        };
        self.master_data.entity(entity, pick).unwrap_or_default()
    }
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn plain(id: &str, fields: &Fields) -> Value {
    let kept = fields.iter().filter(|(_, value)| !value.is_null());
    let mut plain: Fields = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    plain.insert("id".to_owned(), id.into());
    plain.into()
}

fn note(places: &mut Vec<String>, wanted: &str, document: &str, behind: &str, fields: Option<&Arc<Fields>>) {
    for (name, value) in fields.into_iter().flat_map(|fields| fields.iter()) {
        if value.to_string().to_lowercase().contains(wanted) {
            places.push(format!("{document}/{name}{behind}"));
        }
    }
}
