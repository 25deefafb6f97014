//! A customer and the addresses.

use std::time::Duration;

use compact_str::CompactString;

use super::super::{Next, Situation};
use super::{PeopleHeld, body, call, document};
use crate::core::call::people::PeopleCall;
use crate::core::value::Value;
use crate::core::value::person::Customer;

/// How long search is given to show what VTEX already has (it is eventually consistent).
const SEARCH_LAG: Duration = Duration::from_secs(30);

const NEVER_FOUND: &str = "VTEX has this customer and does not tell the id, since its search finds no e-mail address \
                           with '+' (VTEX known issue 828170): the addresses are sent with the customer's next change";

pub(super) fn next(situation: &Situation<'_>, held: &PeopleHeld, wanted: &Customer) -> Next {
    let fields = body::profile(wanted);
    let told = held.profile.as_ref() == Some(&fields);
    let body = || body::replacing(fields.clone(), confirmed(situation));
    let Some(id) = document(situation.links) else {
        return match (held.absent, told) {
            (false, _) => call(PeopleCall::FindCustomer { email: wanted.email.clone() }),
            (true, false) => call(PeopleCall::SaveCustomer { id: None, body: body() }),
            // "Not modified" tells no id. Without addresses none is needed.
            (true, true) if wanted.addresses.is_empty() => {
                gone(situation, held, wanted).unwrap_or(Next::Done)
            }
            (true, true) if wanted.email.contains('+') => Next::GiveUp(NEVER_FOUND),
            (true, true) => Next::Later(SEARCH_LAG),
        };
    };
    if !told {
        return call(PeopleCall::SaveCustomer { id: Some(id.clone()), body: body() });
    }
    gone(situation, held, wanted).or_else(|| address(held, wanted, id)).unwrap_or(Next::Done)
}

/// An address that is ours and that Live does not have any more.
fn gone(situation: &Situation<'_>, held: &PeopleHeld, wanted: &Customer) -> Option<Next> {
    let ours = confirmed(situation).into_iter().flat_map(|customer| &customer.addresses);
    let mut ours = ours.map(|address| &address.id).chain(held.addresses.keys());
    let is_gone = |id: &&CompactString| {
        !held.deleted.contains(*id) && wanted.addresses.iter().all(|address| address.id != **id)
    };
    ours.find(is_gone).map(|id| call(PeopleCall::DeleteAddress { id: id.clone() }))
}

/// An address that VTEX does not have as Live has it.
fn address(held: &PeopleHeld, wanted: &Customer, owner: &str) -> Option<Next> {
    let differs = wanted.addresses.iter().find(|address| {
        let (id, fields) = body::known_address(address);
        held.addresses.get(&id) != Some(&fields)
    })?;
    Some(call(PeopleCall::SaveAddress { id: differs.id.clone(), body: body::address(differs, owner) }))
}

fn confirmed<'a>(situation: &Situation<'a>) -> Option<&'a Customer> {
    match situation.confirmed {
        Some(Value::Customer(customer)) => Some(customer),
        _ => None,
    }
}
