//! One document with the versions that search may still show.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

/// The fields of a document, without those that are the same in all documents of an entity.
pub(crate) type Fields = Map<String, Value>;

/// Search shows what was written until then; `None`: nothing.
pub(super) type Horizon = Option<Duration>;

/// When and by whom something is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp<'a> {
    /// The moment on the simulator's clock.
    pub(crate) at: Duration,
    /// The same moment as documents show it.
    pub(crate) text: &'a str,
    pub(crate) by: &'a str,
}

#[derive(Debug)]
pub(super) struct Document {
    /// Every spelling of the id that was written with; the first is the one a get shows.
    spellings: Vec<String>,
    /// Oldest first; the last is what a get shows.
    versions: VecDeque<Version>,
}

#[derive(Debug)]
struct Version {
    at: Duration,
    /// `None`: deleted.
    fields: Option<Arc<Fields>>,
}

impl Document {
    pub(super) fn new(id: &str) -> Self {
        Self { spellings: vec![id.to_owned()], versions: VecDeque::with_capacity(1) }
    }

    pub(super) fn id(&self) -> &str {
        &self.spellings[0]
    }

    /// Stored once whatever the case of its id, but indexed once per spelling: VTEX's known issue 1203412.
    pub(super) fn spellings(&self) -> &[String] {
        &self.spellings
    }

    pub(super) fn spelt(&mut self, id: &str) {
        if !self.spellings.iter().any(|known| known == id) {
            self.spellings.push(id.to_owned());
        }
    }

    /// `None`: deleted.
    pub(super) fn current(&self) -> Option<&Arc<Fields>> {
        self.versions.back()?.fields.as_ref()
    }

    /// What search shows.
    pub(super) fn indexed(&self, horizon: Horizon) -> Option<&Arc<Fields>> {
        self.versions.iter().rfind(|version| Some(version.at) <= horizon)?.fields.as_ref()
    }

    /// Everything that a get or a search may still show.
    pub(super) fn versions(&self) -> impl Iterator<Item = &Arc<Fields>> {
        self.versions.iter().filter_map(|version| version.fields.as_ref())
    }

    /// Search shows what a get shows.
    pub(super) fn settled(&self, horizon: Horizon) -> bool {
        self.versions.back().is_none_or(|version| Some(version.at) <= horizon)
    }

    pub(super) fn write(&mut self, fields: Option<Fields>, at: Duration, horizon: Horizon) {
        self.versions.push_back(Version { at, fields: fields.map(Arc::new) });
        // Of the versions that search has passed, it needs the newest only.
        while self.versions.get(1).is_some_and(|version| Some(version.at) <= horizon) {
            self.versions.pop_front();
        }
    }
}

/// True when the two hold the same; a field that is null is one that is not there.
pub(super) fn same(before: &Fields, after: &Fields) -> bool {
    let covers = |all: &Fields, other: &Fields| {
        other.iter().all(|(name, value)| all.get(name).unwrap_or(&Value::Null) == value)
    };
    covers(before, after) && covers(after, before)
}

/// Who and when, as Master Data keeps it beside the fields. The update is empty until there is one.
pub(super) fn stamped(mut fields: Fields, before: Option<&Fields>, stamp: Stamp<'_>) -> Fields {
    let kept =
        |name: &str| before.and_then(|before| before.get(name)).cloned().unwrap_or_else(|| stamp.by.into());
    let created_by = kept("createdBy");
    let created_in = before.and_then(|before| before.get("createdIn")).cloned();
    let updated = |text: &str| if before.is_some() { Value::from(text) } else { Value::Null };
    fields.insert("createdBy".to_owned(), created_by);
    fields.insert("createdIn".to_owned(), created_in.unwrap_or_else(|| stamp.text.into()));
    fields.insert("updatedBy".to_owned(), updated(stamp.by));
    fields.insert("updatedIn".to_owned(), updated(stamp.text));
    fields.insert("lastInteractionBy".to_owned(), stamp.by.into());
    fields.insert("lastInteractionIn".to_owned(), stamp.text.into());
    fields
}
