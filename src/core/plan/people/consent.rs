//! What a customer has agreed to: the flag for e-mail marketing, and one document for each purpose.

use super::super::{Next, Situation};
use super::{PeopleHeld, body, call, document};
use crate::core::call::people::PeopleCall;
use crate::core::value::Value;
use crate::core::value::person::Consent;

/// What takes something back goes first.
pub(super) fn next(situation: &Situation<'_>, held: &PeopleHeld, wanted: &Consent) -> Next {
    newsletter(situation, held, wanted, false)
        .or_else(|| act(held, wanted, true))
        .or_else(|| newsletter(situation, held, wanted, true))
        .or_else(|| act(held, wanted, false))
        .unwrap_or(Next::Done)
}

/// Tells the flag if it is wanted to be `agreed` and VTEX was not told so.
fn newsletter(situation: &Situation<'_>, held: &PeopleHeld, wanted: &Consent, agreed: bool) -> Option<Next> {
    if wanted.newsletter != Some(agreed) || held.newsletter == Some(agreed) {
        return None;
    }
    let mut fields = body::Fields::new();
    fields.insert(body::NEWSLETTER.to_owned(), agreed.into());
    if let Some(id) = document(situation.links) {
        return Some(call(PeopleCall::SaveCustomer { id: Some(id.clone()), body: fields }));
    }
    let email = wanted.email.clone();
    if !held.absent {
        return Some(call(PeopleCall::FindCustomer { email }));
    }
    // Nobody is made known to VTEX only to say that they do not want it. Search may be late, so one whom we may
    // have made known ourselves is told in any case.
    if !agreed && !situation.read_first && !was_told(situation) {
        return None;
    }
    fields.insert("email".to_owned(), email.as_str().into());
    Some(call(PeopleCall::SaveCustomer { id: None, body: fields }))
}

fn was_told(situation: &Situation<'_>) -> bool {
    matches!(situation.confirmed, Some(Value::Consent(consent)) if consent.newsletter.is_some())
}

/// The next act that VTEX was not told, of those that take something back or of the others.
fn act(held: &PeopleHeld, wanted: &Consent, takes_back: bool) -> Option<Next> {
    let acts = wanted.acts.iter().filter(|act| act.takes_back() == takes_back);
    let (id, body) = acts
        .map(|act| body::act(&wanted.customer, act))
        .find(|(id, fields)| held.acts.get(id) != Some(fields))?;
    Some(call(PeopleCall::SaveAct { id, body }))
}
