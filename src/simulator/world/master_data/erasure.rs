//! Jobs that delete a person's data ("right to be forgotten"), and the watch that nobody sends it again.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use hashbrown::HashSet;
use serde_json::Value;

use super::document::{Fields, Horizon};
use super::entity::Entity;
use super::options::ErasureOutcome;

/// State of a data erasure job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureState {
    /// Still being processed.
    InProgress,
    /// The data is deleted, or there was none.
    Success,
    /// Nothing was deleted.
    Failed,
}

#[derive(Debug, Default)]
pub(super) struct Erasures {
    jobs: BTreeMap<String, Job>,
    /// Hashes of what told who the erased persons were: here nothing may be kept of them either.
    erased: HashSet<u64>,
    /// Documents that brought an erased person back, as `entity/id`.
    pub(super) brought_back: Vec<String>,
}

#[derive(Debug)]
struct Job {
    /// Forgotten when the job ends.
    email: String,
    due: Duration,
    outcome: ErasureOutcome,
    state: ErasureState,
}

impl Erasures {
    pub(super) fn start(&mut self, id: String, email: &str, due: Duration, outcome: ErasureOutcome) {
        let job = Job { email: email.to_lowercase(), due, outcome, state: ErasureState::InProgress };
        self.jobs.insert(id, job);
    }

    pub(super) fn state(&self, id: &str) -> Option<ErasureState> {
        self.jobs.get(id).map(|job| job.state)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, ErasureState)> {
        self.jobs.iter().map(|(id, job)| (id.as_str(), job.state))
    }

    /// Whether a job that is not done names this text.
    pub(super) fn mentions(&self, text: &str) -> impl Iterator<Item = &str> {
        self.jobs.iter().filter(move |(_, job)| job.email.contains(text)).map(|(id, _)| id.as_str())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Runs the jobs whose time has come.
    pub(super) fn run(&mut self, entities: &mut BTreeMap<String, Entity>, now: Duration, horizon: Horizon) {
        for job in self.jobs.values_mut() {
            if job.state != ErasureState::InProgress || now < job.due {
                continue;
            }
            let email = std::mem::take(&mut job.email);
            let erased = job.outcome == ErasureOutcome::Success;
            let erased = erased && erase(&email, entities, &mut self.erased, now, horizon);
            job.state = if erased { ErasureState::Success } else { ErasureState::Failed };
        }
    }

    /// Notes a document that holds something of an erased person.
    pub(super) fn watch(&mut self, entity: &str, id: &str, fields: &Fields) {
        let texts = fields.values().filter_map(Value::as_str);
        if !self.erased.is_empty() && texts.map(hash).any(|text| self.erased.contains(&text)) {
            self.brought_back.push(format!("{entity}/{id}"));
        }
    }
}

/// False for a corporate customer, whom the API does not erase.
fn erase(
    email: &str,
    entities: &mut BTreeMap<String, Entity>,
    erased: &mut HashSet<u64>,
    now: Duration,
    horizon: Horizon,
) -> bool {
    let is = |fields: &Fields, name: &str, text: &str| {
        fields.get(name).and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(text))
    };
    let mut persons: Vec<String> = Vec::new();
    if let Some(customers) = entities.get("CL") {
        for (id, fields) in customers.all().filter(|(_, fields)| is(fields, "email", email)) {
            if fields.get("isCorporate") == Some(&Value::Bool(true)) {
                return false;
            }
            persons.push(id.to_owned());
            let known = ["document", "userId"].iter().filter_map(|name| fields.get(*name)?.as_str());
            erased.extend(known.filter(|text| !text.is_empty()).map(hash));
        }
    }
    erased.insert(hash(email));
    erased.extend(persons.iter().map(|id| hash(id)));
    for (name, entity) in entities {
        let belongs = |(id, fields): (&str, &std::sync::Arc<Fields>)| {
            let theirs = match (name.as_str(), &entity.subject_field) {
                ("CL", _) => persons.iter().any(|person| person == id),
                ("AD", _) => persons.iter().any(|person| is(fields, "userId", person)),
                (_, Some(subject)) => is(fields, subject, email),
                (_, None) => false,
            };
            theirs.then(|| id.to_owned())
        };
        let ids: Vec<String> = entity.all().filter_map(belongs).collect();
        for id in ids {
            entity.delete(&id, now, horizon);
        }
        entity.bury(horizon);
    }
    true
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.to_lowercase().hash(&mut hasher);
    hasher.finish()
}
