//! Customers and consents: from what Live wants to the next request.
//!
//! Every write here is one that may be repeated: a document is changed by its id, or put under an id that Live gives
//! it. So doubt about a lost answer is ended by writing again, and nothing has to be read before. What we have to
//! look for first is the id of a customer that we do not know: the shop may have made the document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use compact_str::CompactString;

use super::{Held, Links, Next, Situation};
use crate::core::call::people::{JobState, PeopleAnswer, PeopleCall};
use crate::core::call::{Answer, Call};
use crate::core::entity::RemoteId;
use crate::core::value::Value;

pub mod body;
mod consent;
mod customer;
mod erasure;

use body::Fields;

/// What VTEX holds of one person, as far as this job knows. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PeopleHeld {
    /// What we told of the customer, without addresses.
    profile: Option<Fields>,
    /// Our addresses, by their id.
    addresses: BTreeMap<CompactString, Fields>,
    /// Addresses that were deleted in this job.
    deleted: BTreeSet<CompactString>,
    newsletter: Option<bool>,
    /// Documents that were signed off in this job, by their id.
    signed_off: BTreeSet<CompactString>,
    /// E-mail addresses that were looked for in this job.
    sought: BTreeSet<CompactString>,
    /// Our documents about consents, by their id.
    acts: BTreeMap<CompactString, Fields>,
    /// Search has found no customer with this e-mail address.
    absent: bool,
    /// The e-mail address of the document that we know by its id; some none: it has none.
    email: Option<Option<CompactString>>,
    erasure: Option<JobState>,
}

impl PeopleHeld {
    /// What `value` says, when it can be relied upon.
    pub(super) fn confirmed(value: &Value) -> Self {
        match value {
            Value::Customer(customer) => Self {
                profile: Some(body::profile(customer)),
                addresses: customer.addresses.iter().map(body::known_address).collect(),
                ..Self::default()
            },
            Value::Consent(consent) => Self {
                newsletter: consent.newsletter,
                acts: consent.acts.iter().map(|act| body::act(&consent.customer, act)).collect(),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    /// After VTEX accepted `call` with `answer`.
    pub(super) fn after(mut self, call: &PeopleCall, answer: &Answer) -> Self {
        match call {
            // Whatever was known was known of another document.
            PeopleCall::FindCustomer { email } => {
                let absent = matches!(answer, Answer::People(PeopleAnswer::Found(None)));
                let Self { acts, deleted, signed_off, mut sought, .. } = self;
                sought.insert(email.clone());
                return Self { absent, acts, deleted, signed_off, sought, ..Self::default() };
            }
            PeopleCall::ReadCustomer { .. } => {
                if let Answer::People(PeopleAnswer::Email(email)) = answer {
                    self.email = Some(email.clone());
                }
            }
            PeopleCall::SaveCustomer { id, body } => {
                if id.is_none() {
                    self.addresses.clear();
                }
                match body.get(body::NEWSLETTER).and_then(serde_json::Value::as_bool) {
                    Some(newsletter) => {
                        self.newsletter = Some(newsletter);
                        self.signed_off.extend(id.clone().filter(|_| !newsletter));
                    }
                    None => self.profile = Some(body::without_nulls(body)),
                }
            }
            PeopleCall::SaveAddress { id, body } => {
                self.addresses.insert(id.clone(), body::without_owner(body));
            }
            PeopleCall::DeleteAddress { id } => {
                self.addresses.remove(id);
                self.deleted.insert(id.clone());
            }
            PeopleCall::SaveAct { id, body } => {
                self.acts.insert(id.clone(), body.clone());
            }
            // Nothing that a key plans.
            PeopleCall::ReadShoppers(_) | PeopleCall::ReadShopper { .. } => {}
            PeopleCall::Forget { .. } => self.erasure = Some(JobState::InProgress),
            PeopleCall::ReadForget { .. } => {
                if let Answer::People(PeopleAnswer::JobState(state)) = answer {
                    self.erasure = Some(*state);
                }
            }
        }
        self
    }
}

impl fmt::Debug for PeopleHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeopleHeld(..)")
    }
}

pub(super) fn next(situation: &Situation<'_>) -> Next {
    let nothing = PeopleHeld::default();
    let held = match situation.held {
        Held::People(held) => held,
        _ => &nothing,
    };
    match situation.wanted {
        Value::Customer(wanted) => customer::next(situation, held, wanted),
        Value::Consent(wanted) => consent::next(situation, held, wanted),
        Value::Erased => erasure::next(situation, held),
        Value::Released(Some(taken_back)) => consent::next(situation, held, taken_back),
        _ => Next::Done,
    }
}

/// VTEX's id of the customer, if it is known.
fn document(links: &Links) -> Option<&CompactString> {
    match &links.own {
        Some(RemoteId::Document(id)) => Some(id),
        _ => None,
    }
}

const fn call(call: PeopleCall) -> Next {
    Next::Call(Call::People(call))
}

#[cfg(test)]
mod tests;
