//! Master Data: the customers (`CL`) and addresses (`AD`) of v1, entities of one's own in v2, and the erasure of a
//! person's data. A get by id shows a write at once; search and scroll show it later.

mod condition;
mod document;
mod entity;
mod erasure;
mod fields;
mod index;
mod options;
mod query;
mod schema;
mod scroll;
mod shop;
mod views;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::bucket::{Limit, TokenBucket};
use super::clock::Clock;
use super::locked;

pub(crate) use condition::Condition;
pub(crate) use document::Fields;
use document::{Horizon, Stamp};
pub(crate) use entity::{Entity, NotSaved, Save, Saved, Way};
pub use erasure::ErasureState;
use erasure::Erasures;
pub(crate) use fields::Structure;
pub(crate) use index::Index;
pub use options::{
    CustomField, CustomFieldError, Duplicates, ErasureOutcome, FieldKind, MasterDataOptions, SavedAnswer,
    UnknownFields,
};
pub(crate) use query::{Hit, Query};
pub(crate) use scroll::Page;
use scroll::Scrolls;

/// `createdBy` and `updatedBy` of what comes through the API. VTEX puts the id of the key's user there.
const INTEGRATION: &str = "integration";
/// Documents show instants to the 100 nanoseconds.
const TICK: SignedDuration = SignedDuration::from_nanos(100);

pub(crate) struct MasterData {
    state: Mutex<State>,
    /// Searches by a part of a text, which VTEX blocks when there are too many.
    wildcards: Option<Mutex<TokenBucket>>,
    clock: Clock,
}

/// Documents are a person's and stay out.
impl fmt::Debug for MasterData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterData").finish_non_exhaustive()
    }
}

struct State {
    /// The moment at which the state was taken.
    now: Duration,
    options: MasterDataOptions,
    entities: BTreeMap<String, Entity>,
    scrolls: Scrolls,
    erasures: Erasures,
    /// Where search stays, if it does not follow.
    frozen: Option<Horizon>,
    /// The instant of the last write: no two writes have the same.
    written: Timestamp,
    random: fastrand::Rng,
}

impl MasterData {
    pub(super) fn new(options: &MasterDataOptions, wildcards: Option<Limit>, seed: u64) -> Self {
        let state = State {
            now: Duration::ZERO,
            entities: account_entities(options),
            options: options.clone(),
            scrolls: Scrolls::default(),
            erasures: Erasures::default(),
            frozen: None,
            written: Timestamp::UNIX_EPOCH,
            random: fastrand::Rng::with_seed(seed),
        };
        let bucket = |limit| Mutex::new(TokenBucket::full(limit, Duration::ZERO));
        Self { state: Mutex::new(state), wildcards: wildcards.map(bucket), clock: Clock::start() }
    }

    /// The state at this moment, erasures that are due included.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = locked(&self.state);
        state.now = self.clock.now();
        let horizon = state.horizon();
        let State { now, entities, scrolls, erasures, .. } = &mut *state;
        erasures.run(entities, *now, horizon);
        scrolls.expire(*now);
        state
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Forgets documents, scrolls and erasures; keeps fields, schemas and indices.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        for entity in state.entities.values_mut() {
            entity.clear();
        }
        state.scrolls.clear();
        state.erasures.clear();
    }

    /// Looks at an entity; `None` when there is none of this name.
    pub(crate) fn entity<T>(&self, name: &str, look: impl FnOnce(&mut Entity) -> T) -> Option<T> {
        self.state().entities.get_mut(name).map(look)
    }

    /// An entity of v2 exists as soon as something is put there.
    pub(crate) fn make_entity<T>(&self, name: &str, change: impl FnOnce(&mut Entity) -> T) -> T {
        change(self.state().entities.entry(name.to_owned()).or_default())
    }

    /// Calls `each` for every entity of v1.
    pub(crate) fn each_structure(&self, mut each: impl FnMut(&str, &Structure)) {
        for (name, entity) in &self.state().entities {
            if let Some(structure) = &entity.structure {
                each(name, structure);
            }
        }
    }

    /// Saves what came through the API. Gives the document's id.
    pub(crate) fn save(&self, entity: &str, save: Save<'_>) -> Result<(String, Saved), NotSaved> {
        self.state().save(entity, save, INTEGRATION)
    }

    /// False when there is no such document.
    pub(crate) fn delete(&self, entity: &str, id: &str) -> bool {
        let mut state = self.state();
        let (now, horizon) = (state.now, state.horizon());
        state.entities.get_mut(entity).is_some_and(|entity| entity.delete(id, now, horizon))
    }

    /// All matches, as far as the index has them. The error is the message of a 400.
    pub(crate) fn search(&self, entity: &str, query: &Query) -> Result<Vec<Hit>, String> {
        self.state().search(entity, query)
    }

    /// Opens a scroll of `size` documents a page. The error is the message of a 400.
    pub(crate) fn scroll(
        &self,
        entity: &str,
        query: &Query,
        size: usize,
        fields: Option<String>,
    ) -> Result<Page, String> {
        let mut state = self.state();
        let hits = state.search(entity, query)?;
        let token = uuid(&mut state.random).simple().to_string();
        let now = state.now;
        let page = state.scrolls.open(token, entity, hits, size, fields, now);
        page.ok_or_else(|| format!("Maximum simultaneous scrolls rate exceeded ({})", scroll::OPEN_MAX))
    }

    /// The next page; `None` for a token that is not known (any more).
    pub(crate) fn next_page(&self, entity: &str, token: &str) -> Option<Page> {
        let mut state = self.state();
        let now = state.now;
        state.scrolls.next(token, entity, now)
    }

    /// False when VTEX would block searches with wildcards.
    pub(crate) fn admits_wildcard(&self) -> bool {
        let grant = self.wildcards.as_ref().map(|bucket| locked(bucket).take(self.clock.now()));
        grant.is_none_or(|grant| grant.granted)
    }

    /// Starts the erasure of a person's data. `None`: the account does not have this API.
    pub(crate) fn forget(&self, email: &str) -> Option<String> {
        let mut state = self.state();
        let outcome = state.options.erasure_outcome;
        if outcome == ErasureOutcome::NotOffered {
            return None;
        }
        let id = uuid(&mut state.random).to_string();
        let due = state.now.saturating_add(state.options.erasure_takes);
        state.erasures.start(id.clone(), email, due, outcome);
        Some(id)
    }

    pub(crate) fn erasure(&self, job: &str) -> Option<ErasureState> {
        let state = self.state();
        let offered = state.options.erasure_outcome != ErasureOutcome::NotOffered;
        state.erasures.state(job).filter(|_| offered)
    }

    /// What tells the document that a write is about, before it is saved: its id, or else its unique fields.
    pub(crate) fn identity(&self, entity: &str, id: Option<&str>, fields: &Fields) -> Option<String> {
        let named = id.or_else(|| fields.get("id")?.as_str());
        if let Some(id) = named {
            return Some(id.to_lowercase());
        }
        self.entity(entity, |entity| {
            let unique = entity.indices().iter().filter(|index| !index.multiple);
            let known = entity.alternate(Way::Merge, fields).ok().flatten().map(|id| id.to_lowercase());
            known.or_else(|| unique.filter_map(|index| index.key(fields)).next())
        })?
    }
}

impl State {
    fn horizon(&self) -> Horizon {
        self.frozen.unwrap_or_else(|| self.now.checked_sub(self.options.search_lag))
    }

    fn save(&mut self, name: &str, save: Save<'_>, by: &str) -> Result<(String, Saved), NotSaved> {
        self.written = Timestamp::now().max(self.written + TICK);
        let text = format!("{:.7}", self.written);
        let horizon = self.horizon();
        let entity = self.entities.entry(name.to_owned()).or_default();
        let random = &mut self.random;
        let stamp = Stamp { at: self.now, text: &text, by };
        let saved = entity.save(save, || uuid(random).to_string(), &self.options, stamp, horizon)?;
        if let (id, Saved::Created | Saved::Changed) = (&saved.0, saved.1)
            && let Some(fields) = entity.current(id)
        {
            self.erasures.watch(name, id, fields);
        }
        Ok(saved)
    }

    fn search(&mut self, name: &str, query: &Query) -> Result<Vec<Hit>, String> {
        let horizon = self.horizon();
        let Some(entity) = self.entities.get_mut(name) else { return Ok(Vec::new()) };
        entity.check(query)?;
        Ok(entity.find(query, horizon))
    }
}

/// What every account has.
fn account_entities(options: &MasterDataOptions) -> BTreeMap<String, Entity> {
    let customers = Entity {
        structure: Some(Structure::customers(&options.custom_fields, options.unknown_fields)),
        indices: vec![
            Index::new("email", &["email"], false),
            Index::new("document", &["document"], true),
            Index::new("userId", &["userId"], true),
        ],
        ..Entity::default()
    };
    let addresses = Entity {
        structure: Some(Structure::addresses(&options.custom_fields, options.unknown_fields)),
        indices: vec![Index::new("userId", &["userId"], true)],
        ..Entity::default()
    };
    BTreeMap::from([("CL".to_owned(), customers), ("AD".to_owned(), addresses)])
}

/// A random id of version 4, the same for equal seeds.
fn uuid(random: &mut fastrand::Rng) -> uuid::Uuid {
    uuid::Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid()
}
