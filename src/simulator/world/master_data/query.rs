//! Search and scroll over one entity: what the index shows, filtered and in order.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::condition::Condition;
use super::document::{Document, Fields, Horizon};
use super::entity::{Entity, meets};

/// A search as a request asks for it.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) condition: Condition,
    /// Field, and whether the greatest come first.
    pub(crate) sort: Option<(String, bool)>,
    /// `_schema`
    pub(crate) schema: Option<String>,
}

/// A document as search shows it.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) id: String,
    pub(crate) fields: Arc<Fields>,
}

impl Entity {
    /// Refuses fields that are not filterable; the message is the one of the 400.
    pub(crate) fn check(&self, query: &Query) -> Result<(), String> {
        let sorted = query.sort.as_ref().map(|(field, _)| field.as_str());
        let mut fields = query.condition.fields().into_iter().chain(sorted);
        fields.try_for_each(|field| self.check_filter(field, query.schema.as_deref()))
    }

    /// All matches. Without a sort their order means nothing, as at VTEX.
    pub(super) fn find(&mut self, query: &Query, horizon: Horizon) -> Vec<Hit> {
        self.bury(horizon);
        let mut hits = Vec::new();
        let mut look = |document: &Document| {
            let Some(fields) = document.indexed(horizon) else { return };
            for id in document.spellings() {
                if meets(&query.condition, id, fields) {
                    hits.push(Hit { id: id.clone(), fields: Arc::clone(fields) });
                }
            }
        };
        match self.candidates(&query.condition) {
            Some(ids) => ids.iter().filter_map(|id| self.documents.get(id)).for_each(&mut look),
            None => self.documents.values().for_each(&mut look),
        }
        if let Some((field, descending)) = &query.sort {
            hits.sort_by(|one, other| in_order(one.value(field), other.value(field), *descending));
        }
        hits
    }

    /// The ids that one indexed value leaves over, so that a look-up by e-mail does not read every customer.
    fn candidates(&self, condition: &Condition) -> Option<BTreeSet<String>> {
        condition
            .required()
            .into_iter()
            .find_map(|(field, value)| self.indices.iter().find_map(|index| index.candidates(field, value)))
    }
}

impl Hit {
    fn value(&self, field: &str) -> Value {
        if field == "id" {
            return self.id.clone().into();
        }
        self.fields.get(field).cloned().unwrap_or_default()
    }
}

/// Empty values come last in both directions.
fn in_order(one: Value, other: Value, descending: bool) -> Ordering {
    match (one.is_null(), other.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            let ordering = super::condition::compare(&one, &text).unwrap_or(Ordering::Equal);
            if descending { ordering.reverse() } else { ordering }
        }
    }
}
