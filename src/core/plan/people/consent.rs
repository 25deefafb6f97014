//! What a customer has agreed to: the flag for e-mail marketing, and one document for each purpose.

use compact_str::CompactString;

use super::super::{Next, Situation};
use super::{PeopleHeld, body, call, document};
use crate::core::call::people::PeopleCall;
use crate::core::value::Value;
use crate::core::value::person::Consent;

/// What takes something back goes first.
pub(super) fn next(situation: &Situation<'_>, held: &PeopleHeld, wanted: &Consent) -> Next {
    sign_off(situation, held, wanted)
        .or_else(|| act(held, wanted, true))
        .or_else(|| sign_up(situation, held, wanted))
        .or_else(|| act(held, wanted, false))
        .unwrap_or(Next::Done)
}

fn sign_up(situation: &Situation<'_>, held: &PeopleHeld, wanted: &Consent) -> Option<Next> {
    if wanted.newsletter != Some(true) || held.newsletter == Some(true) {
        return None;
    }
    if let Some(id) = document(situation.links) {
        return Some(by_id(id, true));
    }
    let email = wanted.email.clone();
    Some(if held.absent { by_email(&email, true) } else { call(PeopleCall::FindCustomer { email }) })
}

/// Tells every document that may be the customer's: the one that we know, and when the e-mail address is another one
/// than VTEX was told, the one that has the new address, too.
fn sign_off(situation: &Situation<'_>, held: &PeopleHeld, wanted: &Consent) -> Option<Next> {
    if wanted.newsletter != Some(false) {
        return None;
    }
    let before = confirmed(situation);
    let told_to = before.map(|consent| &consent.email);
    let moved = told_to.is_some_and(|email| *email != wanted.email);
    if held.newsletter == Some(false) && !moved {
        return None;
    }
    let id = document(situation.links);
    if let Some(id) = id.filter(|id| held.newsletter != Some(false) && !held.signed_off.contains(*id)) {
        return Some(by_id(id, false));
    }
    // The one that is there today comes last: its document is the one to be known from now on.
    let addresses = [told_to.filter(|_| id.is_none()), Some(&wanted.email).filter(|_| moved || id.is_none())];
    let unsought = addresses.into_iter().flatten().find(|email| !held.sought.contains(*email));
    if let Some(email) = unsought {
        return Some(call(PeopleCall::FindCustomer { email: email.clone() }));
    }
    // Nobody is made known to VTEX only to say that they do not want it. Search may be late, so one whom we may
    // have made known ourselves is told in any case.
    let was_told = before.is_some_and(|consent| consent.newsletter.is_some());
    let email = told_to.filter(|_| was_told).or(Some(&wanted.email).filter(|_| situation.read_first))?;
    (id.is_none() && held.newsletter.is_none()).then(|| by_email(email, false))
}

fn by_id(id: &CompactString, agreed: bool) -> Next {
    let mut fields = body::Fields::new();
    fields.insert(body::NEWSLETTER.to_owned(), agreed.into());
    call(PeopleCall::SaveCustomer { id: Some(id.clone()), body: fields })
}

fn by_email(email: &str, agreed: bool) -> Next {
    let mut fields = body::Fields::new();
    fields.insert(body::NEWSLETTER.to_owned(), agreed.into());
    fields.insert("email".to_owned(), email.into());
    call(PeopleCall::SaveCustomer { id: None, body: fields })
}

fn confirmed<'a>(situation: &Situation<'a>) -> Option<&'a Consent> {
    match situation.confirmed {
        Some(Value::Consent(consent)) => Some(consent),
        _ => None,
    }
}

/// The next act that VTEX was not told, of those that take something back or of the others.
fn act(held: &PeopleHeld, wanted: &Consent, takes_back: bool) -> Option<Next> {
    let acts = wanted.acts.iter().filter(|act| act.takes_back() == takes_back);
    let (id, body) = acts
        .map(|act| body::act(&wanted.customer, act))
        .find(|(id, fields)| held.acts.get(id) != Some(fields))?;
    Some(call(PeopleCall::SaveAct { id, body }))
}
