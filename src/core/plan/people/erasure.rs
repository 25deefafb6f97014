//! Somebody who is to be forgotten (VTEX User Rights API).
//!
//! The job that erases takes its time; its id is kept as the name that VTEX has for the customer, so that neither a
//! pause nor a restart begins another one.

use std::time::Duration;

use compact_str::CompactString;

use super::super::{Next, Situation};
use super::{PeopleHeld, call, document};
use crate::core::call::people::{JobState, PeopleCall};
use crate::core::entity::RemoteId;
use crate::core::value::Value;

/// "With a frequency no higher than every 30 seconds" (Get data erasure job status).
const LOOK_AGAIN: Duration = Duration::from_secs(30);

const FAILED: &str = "VTEX could not erase this customer (it erases no companies): erase the customer in the Admin, \
                      then `mare parked drop`, or begin again with `mare parked retry`";

pub(super) fn next(situation: &Situation<'_>, held: &PeopleHeld) -> Next {
    if let Some(RemoteId::Erasure(job)) = &situation.links.own {
        return match held.erasure {
            None => call(PeopleCall::ReadForget { job: job.clone() }),
            Some(JobState::InProgress) => Next::Later(LOOK_AGAIN),
            Some(JobState::Success) => Next::Done,
            Some(JobState::Failed) => Next::GiveUp(FAILED),
        };
    }
    // The shopper may have changed the address in the shop: the one of the document is the one that VTEX knows.
    if let (Some(id), None) = (document(situation.links), &held.email) {
        return call(PeopleCall::ReadCustomer { id: id.clone() });
    }
    match email(situation, held) {
        Some(email) => call(PeopleCall::Forget { email: email.clone() }),
        None => Next::Done,
    }
}

/// Live does not know it any more.
fn email<'a>(situation: &Situation<'a>, held: &'a PeopleHeld) -> Option<&'a CompactString> {
    let found = held.email.as_ref().and_then(Option::as_ref);
    found.or(match situation.confirmed {
        Some(Value::Customer(customer)) => Some(&customer.email),
        // It may have made the customer known where the customer's own key did not.
        Some(Value::Consent(consent)) if consent.newsletter.is_some() => Some(&consent.email),
        _ => None,
    })
}
