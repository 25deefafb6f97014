//! The failure table: what each outcome of a request means, and what the operator can do about it.
//!
//! Sources: VTEX's guide on handling errors and rate limits, its API files, and its list of known issues
//! (a 5xx may have been applied: 388176, 1425160). A status that no document describes is retried: losing
//! data is worse than asking again.

use super::call::bulk::BulkCall;
use super::call::orders::OrderAct;
use super::call::people::PeopleCall;
use super::call::{Call, Failure};
use super::record::ParkReason;

/// What to do about a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Try this key again, with backoff. After many such failures it is parked as unexpected.
    Retry,
    /// Try this key again soon: something else holds it for a moment.
    RetrySoon,
    /// VTEX has had enough: the route pauses, the key keeps its place.
    Throttle,
    /// Counts towards the lane's breaker; the key is tried again with backoff and is never parked for it.
    BreakLane,
    /// The lane stops until there are new credentials or permissions; nothing is parked.
    WaitForCredentials,
    /// Set this key aside; everything else goes on.
    Park(ParkReason),
    /// VTEX does not know the thing by this id (any more): look it up again.
    ForgetId,
    /// The account does not have this way: another one is taken.
    NotOffered,
    /// VTEX does not know what the thing is to hang on (any more): that is looked up, or made, again.
    ForgetParents,
}

/// The meaning of one failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub action: Action,
    /// The request may have been applied: read before believing anything.
    pub doubtful: bool,
    /// Stable code for logs, `explain` and the README.
    pub code: &'static str,
    /// What is wrong, and what to do.
    pub hint: &'static str,
}

/// Looks a failure up.
pub fn judge(call: &Call, failure: &Failure) -> Verdict {
    let verdict = |action, doubtful, code, hint| Verdict { action, doubtful, code, hint };
    let open = call.writes();
    match failure {
        Failure::Timeout => verdict(
            Action::BreakLane,
            open,
            "E310",
            "VTEX did not answer in time; it is asked again by itself. Lasting: check the network and status.vtex.com",
        ),
        Failure::Connect(_) => verdict(
            Action::BreakLane,
            false,
            "E311",
            "no connection to VTEX (DNS, firewall, proxy, TLS); it is tried again by itself. Lasting: check the way out",
        ),
        Failure::Reset(_) => verdict(
            Action::BreakLane,
            open,
            "E312",
            "the connection broke before the answer; what VTEX did is verified before the next write",
        ),
        Failure::Malformed(_) => verdict(
            Action::Retry,
            open,
            "E313",
            "VTEX's answer is not what its documentation says (a proxy in between?); tried again by itself",
        ),
        Failure::Status { code, .. } => judge_status(*code, call, open),
    }
}

fn judge_status(code: u16, call: &Call, open: bool) -> Verdict {
    let verdict = |action, doubtful, code, hint| Verdict { action, doubtful, code, hint };
    if let Some(verdict) = judge_bulk_status(code, call) {
        return verdict;
    }
    match code {
        400 | 422 if matches!(act(call), Some(OrderAct::Cancel { .. })) => verdict(
            Action::Park(ParkReason::Rejected),
            false,
            "E332",
            "VTEX does not cancel this order, mostly because a part of it is invoiced: make a return there, or undo the cancellation in Live",
        ),
        400 | 422 => verdict(
            Action::Park(ParkReason::Rejected),
            false,
            "E320",
            "VTEX refuses this value: read its answer, correct the data or the mapping, then `mare parked retry`",
        ),
        401 => verdict(
            Action::WaitForCredentials,
            false,
            "E301",
            "VTEX does not accept the app key or token: renew them and send SIGHUP; nothing is lost meanwhile",
        ),
        403 => verdict(
            Action::WaitForCredentials,
            false,
            "E303",
            "the app key lacks a License Manager resource: `mare check` names it; nothing is lost meanwhile",
        ),
        404 if erases(call) => verdict(
            Action::Park(ParkReason::NotFound),
            false,
            "E326",
            "VTEX offers this account no erasure (User Rights API): have VTEX switch it on, then `mare parked retry`, or erase the customer in the Admin, then `mare parked drop`",
        ),
        404 if names_parents(call) => verdict(
            Action::ForgetParents,
            false,
            "E328",
            "VTEX does not know the product, brand or category that this is to hang on (any more): it is found or made again first",
        ),
        404 if act(call).is_some() => verdict(
            Action::Park(ParkReason::NotFound),
            false,
            "E329",
            "VTEX has no such order, or none in this state any more (it keeps two years; another account?): check its number in Live, then `mare parked retry`",
        ),
        404 if has_id(call) => verdict(
            Action::ForgetId,
            false,
            "E321",
            "VTEX does not know this SKU, product, customer or warehouse (any more): it is looked up again; check it in VTEX",
        ),
        404 => verdict(
            Action::Retry,
            false,
            "E322",
            "VTEX does not know this address: check vtex.account and the base URLs with `mare check`",
        ),
        409 if matches!(call, Call::Catalog(_)) => verdict(
            Action::Retry,
            false,
            "E327",
            "another product or SKU of VTEX has this EAN, name or address: tried again, as it may be moving; then set aside",
        ),
        409 if matches!(act(call), Some(OrderAct::StartHandling)) => verdict(
            Action::RetrySoon,
            false,
            "E331",
            "VTEX has this order in another state (OMS003), mostly because it was told before: it is read again",
        ),
        409 | 423 => verdict(
            Action::RetrySoon,
            false,
            "E323",
            "VTEX is busy with this one; it was not applied and is sent again shortly",
        ),
        410 => verdict(
            Action::Park(ParkReason::NotFound),
            false,
            "E324",
            "VTEX has withdrawn this address: a newer version of maré is needed",
        ),
        413 => verdict(
            Action::Park(ParkReason::TooLarge),
            false,
            "E325",
            "the request is too large for VTEX: reduce what is mapped for this key, then `mare parked retry`",
        ),
        429 => verdict(
            Action::Throttle,
            false,
            "E302",
            "VTEX limits the rate; maré slows down by itself. Often: lower the rate of this route in [tuning]",
        ),
        408 | 308 | 500..=599 => verdict(
            Action::BreakLane,
            open,
            "E330",
            "VTEX has an internal problem; tried again by itself, and verified, since it may have been applied",
        ),
        _ => verdict(
            Action::Retry,
            open,
            "E340",
            "VTEX answered with a status that its documentation does not have; tried again, then set aside",
        ),
    }
}

/// Where a status means something else in jobs of many keys.
fn judge_bulk_status(code: u16, call: &Call) -> Option<Verdict> {
    let Call::Bulk(call) = call else { return None };
    let verdict = |action, code, hint| Some(Verdict { action, doubtful: false, code, hint });
    match (call, code) {
        (BulkCall::Open { .. }, 403 | 404) => verdict(
            Action::NotOffered,
            "E350",
            "the account has no such bulk jobs, or the app key no right to them: its keys are sent one by one",
        ),
        (call, 408 | 429) if call.is_elsewhere() => None,
        (call, 400..=499) if call.is_elsewhere() => verdict(
            Action::Retry,
            "E351",
            "the storage that VTEX named for the file of a bulk job refuses it; the address may have expired",
        ),
        (BulkCall::Status { .. } | BulkCall::Report { .. }, 400 | 404) => verdict(
            Action::Retry,
            "E354",
            "VTEX does not know this bulk job (yet): it is asked again, and its rows are read in the end",
        ),
        (BulkCall::Confirm { .. }, 400 | 404 | 423) => verdict(
            Action::RetrySoon,
            "E355",
            "VTEX does not take the confirmation of a bulk job now: its status is looked at",
        ),
        _ => None,
    }
}

/// Whether it asks for an address that VTEX has for selected accounts only.
const fn erases(call: &Call) -> bool {
    matches!(call, Call::People(PeopleCall::Forget { .. }))
}

fn names_parents(call: &Call) -> bool {
    matches!(call, Call::Catalog(call) if call.names_parents())
}

const fn act(call: &Call) -> Option<&OrderAct> {
    match call {
        Call::Order(call) => Some(&call.act),
        _ => None,
    }
}

const fn has_id(call: &Call) -> bool {
    match call {
        Call::FindSkus { .. } => false,
        // What finds or makes something names nothing that could be gone.
        Call::Catalog(call) => !call.is_first(),
        Call::People(call) => !call.is_first(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::core::call::catalog::CatalogCall;
    use crate::core::call::orders::{OrderCall, Reason};
    use crate::core::entity::SkuId;
    use crate::core::time::Timestamp;
    use crate::core::value::Price;

    fn write() -> Call {
        Call::SetStock { sku: SkuId(1), warehouse: "w".into(), quantity: 1, balance_at: Timestamp(0) }
    }

    fn every_call() -> [Call; 8] {
        let sku = SkuId(1);
        [
            write(),
            Call::ReadStock { sku, warehouse: "w".into() },
            Call::PutPrice { sku, price: Price::default() },
            Call::PatchFixed { sku, fixed: Vec::new() },
            Call::DeleteFixed { sku, trade_policy: "1".into() },
            Call::DeletePrice { sku },
            Call::ReadPrice { sku },
            Call::FindSkus { refs: Vec::new() },
        ]
    }

    fn status(code: u16) -> Failure {
        Failure::Status { code, body: String::new() }
    }

    #[test]
    fn every_outcome_has_its_action() {
        use Action::{BreakLane, ForgetId, Park, Retry, RetrySoon, Throttle, WaitForCredentials};
        let table = [
            (status(308), BreakLane, true),
            (status(400), Park(ParkReason::Rejected), false),
            (status(401), WaitForCredentials, false),
            (status(403), WaitForCredentials, false),
            (status(404), ForgetId, false),
            (status(408), BreakLane, true),
            (status(409), RetrySoon, false),
            (status(410), Park(ParkReason::NotFound), false),
            (status(413), Park(ParkReason::TooLarge), false),
            (status(418), Retry, true),
            (status(422), Park(ParkReason::Rejected), false),
            (status(423), RetrySoon, false),
            (status(429), Throttle, false),
            (status(500), BreakLane, true),
            (status(502), BreakLane, true),
            (status(503), BreakLane, true),
            (status(504), BreakLane, true),
            (Failure::Timeout, BreakLane, true),
            (Failure::Connect("refused".into()), BreakLane, false),
            (Failure::Reset("reset".into()), BreakLane, true),
            (Failure::Malformed("<html>".into()), Retry, true),
        ];
        for (failure, action, doubtful) in table {
            let verdict = judge(&write(), &failure);
            assert_eq!((verdict.action, verdict.doubtful), (action, doubtful), "{failure:?}");
            assert!(!verdict.hint.is_empty() && verdict.code.starts_with('E'), "{failure:?}");
            for call in every_call() {
                let doubtful = doubtful && call.writes();
                let action = match (&call, action) {
                    (Call::FindSkus { .. }, ForgetId) => Retry,
                    (_, action) => action,
                };
                let verdict = judge(&call, &failure);
                assert_eq!((verdict.action, verdict.doubtful), (action, doubtful), "{call:?} {failure:?}");
                assert!(!verdict.hint.is_empty(), "{call:?} {failure:?}");
            }
        }
    }

    #[test]
    fn every_status_there_is_has_a_verdict_and_few_park() {
        let mut hints = BTreeMap::new();
        for code in 0..=1000 {
            for call in every_call() {
                let verdict = judge(&call, &status(code));
                assert!(!verdict.hint.is_empty());
                assert!(call.writes() || !verdict.doubtful, "a read leaves nothing open: {code} {call:?}");
                let parks = matches!(verdict.action, Action::Park(_));
                assert_eq!(parks, matches!(code, 400 | 410 | 413 | 422), "{code} {call:?}");
                let hint = hints.entry(verdict.code).or_insert(verdict.hint);
                assert_eq!(*hint, verdict.hint, "{} says one thing", verdict.code);
            }
        }
    }

    #[test]
    fn an_account_without_erasure_is_for_the_operator_but_a_lost_job_is_begun_anew() {
        let forget = Call::People(PeopleCall::Forget { email: "a@b.c".into() });
        assert_eq!(judge(&forget, &status(404)).action, Action::Park(ParkReason::NotFound));
        let read = Call::People(PeopleCall::ReadForget { job: "1".into() });
        assert_eq!(judge(&read, &status(404)).action, Action::ForgetId);
    }

    #[test]
    fn what_another_one_of_vtex_has_is_not_asked_for_for_ever() {
        let call = Call::Catalog(CatalogCall::AddEan { sku: 1, ean: "7891000100103".into() });
        assert_eq!(judge(&call, &status(409)).action, Action::Retry);
        assert_eq!(judge(&call, &status(423)).action, Action::RetrySoon);
    }

    #[test]
    fn a_404_is_about_what_the_request_names() {
        use CatalogCall::{
            CreateBrand, CreateCategory, CreateProduct, CreateSku, FindBrand, FindSku, PutBrand, PutCategory,
            PutProduct, PutSku, ReadProduct, ReadSku,
        };
        let (id, reference) = (1, "A-1".into());
        let below = || [("FatherCategoryId".to_owned(), serde_json::json!(7))].into_iter().collect();
        let department = || [("FatherCategoryId".to_owned(), serde_json::Value::Null)].into_iter().collect();
        let none = Default::default;
        let table = [
            (CreateProduct { body: none() }, Action::ForgetParents),
            (PutProduct { id, body: none() }, Action::ForgetParents),
            (CreateSku { body: none() }, Action::ForgetParents),
            (PutSku { id, body: none() }, Action::ForgetParents),
            (CreateCategory { body: below() }, Action::ForgetParents),
            (PutCategory { id, body: below() }, Action::ForgetParents),
            (CreateCategory { body: department() }, Action::Retry),
            (PutCategory { id, body: department() }, Action::ForgetId),
            (CreateBrand { body: none() }, Action::Retry),
            (PutBrand { id, body: none() }, Action::ForgetId),
            (ReadProduct { id }, Action::ForgetId),
            (ReadSku { id }, Action::ForgetId),
            (FindBrand { name: String::new() }, Action::Retry),
            (FindSku { reference }, Action::Retry),
        ];
        for (call, action) in table {
            let call = Call::Catalog(call);
            assert_eq!(judge(&call, &status(404)).action, action, "{call:?}");
        }
    }

    #[test]
    fn an_order_in_another_state_is_read_again_and_a_refused_cancellation_is_somebodys() {
        let act = |act| Call::Order(OrderCall { order: "v-1".into(), act });
        let handling = act(OrderAct::StartHandling);
        assert_eq!(judge(&handling, &status(409)).action, Action::RetrySoon);
        assert_eq!(judge(&handling, &status(409)).code, "E331");
        let cancel = act(OrderAct::Cancel { reason: Reason("x".to_owned()) });
        let verdict = judge(&cancel, &status(400));
        assert_eq!((verdict.action, verdict.code), (Action::Park(ParkReason::Rejected), "E332"));
        let delivered = act(OrderAct::Delivered { invoice: "1".into(), at: None });
        for call in [&handling, &cancel, &delivered, &act(OrderAct::Read)] {
            assert_eq!(judge(call, &status(404)).action, Action::Park(ParkReason::NotFound));
            assert_eq!(judge(call, &status(429)).action, Action::Throttle);
            // It may have been applied: the next job reads before it does anything.
            assert_eq!(judge(call, &status(500)).doubtful, call.writes());
            assert_eq!(judge(call, &Failure::Timeout).doubtful, call.writes());
        }
    }

    #[test]
    fn a_lost_look_up_address_parks_nothing() {
        let call = Call::FindSkus { refs: Vec::new() };
        assert_eq!(judge(&call, &status(404)).action, Action::Retry);
    }
}
