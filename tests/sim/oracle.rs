//! What must be true when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use mare::core::call::Route;
use mare::core::order::{Phase, RemoteOrder, Step};
use mare::core::record::ParkReason;
use mare::core::time::Tick;

use crate::disk::Disk;
use crate::live::{Live, Pedido};
use crate::vtex::Vtex;
use crate::world::{SKUS, tuning};

pub(crate) struct Parts<'a> {
    pub(crate) live: &'a Live,
    pub(crate) vtex: &'a Vtex,
    pub(crate) disk: &'a Disk,
    pub(crate) sent: &'a BTreeMap<Route, Vec<Tick>>,
}

/// What is wrong; nothing is the rule.
pub(crate) fn judge(parts: &Parts<'_>) -> Option<String> {
    stock(parts).or_else(|| orders(parts)).or_else(|| ledger(parts)).or_else(|| rates(parts.sent))
}

fn stock(parts: &Parts<'_>) -> Option<String> {
    (0..SKUS).find_map(|sku| {
        let name = format!("S{sku}");
        let live = parts.live.stock.get(&sku).copied();
        let vtex = parts.vtex.skus.get(&name).and_then(|id| parts.vtex.stock.get(id)).copied();
        // What VTEX was never told it shows as nothing, too.
        let same = vtex.unwrap_or(0) == live.unwrap_or(0) && (live.is_none() || vtex.is_some());
        (!same).then(|| format!("{name}: Live {live:?}, VTEX {vtex:?}"))
    })
}

fn orders(parts: &Parts<'_>) -> Option<String> {
    let mut once = BTreeSet::new();
    if let Some(twice) = parts.vtex.effects.iter().find(|effect| !once.insert(*effect)) {
        return Some(format!("twice: {twice}"));
    }
    parts.vtex.orders.iter().find_map(|(id, order)| {
        let pedidos: Vec<&Pedido> = parts.live.orders.iter().filter(|pedido| pedido.order == *id).collect();
        let wrong = match pedidos.as_slice() {
            [] => (order.status.phase() != Phase::Canceled).then_some("Live does not have it"),
            [pedido] => differs(order, pedido),
            _ => Some("Live has it twice"),
        };
        wrong.map(|wrong| format!("order {id}: {wrong}: {:?}, {order:?}", pedidos.first()))
    })
}

fn differs(order: &RemoteOrder, pedido: &Pedido) -> Option<&'static str> {
    let phase = order.status.phase();
    let documents: Vec<String> = order.packages.iter().map(|package| package.number.to_string()).collect();
    let is_sent = matches!(pedido.step, Step::Dispatched | Step::Delivered);
    let invoiced = pedido.step == Step::Invoiced || is_sent;
    match (phase, invoiced) {
        // Cancelled there and invoiced here: a person's, and nothing of ours went out.
        (Phase::Canceled, true) => (!documents.is_empty()).then_some("invoiced after it was cancelled"),
        (Phase::Canceled, false) => (pedido.step != Step::Cancelled).then_some("cancelled in VTEX alone"),
        (Phase::Invoiced, true) => {
            let told = pedido.invoice.map(|number| number.to_string());
            let [package] = order.packages.as_slice() else { return Some("not one document") };
            if Some(package.number.as_str()) != told.as_deref() {
                return Some("another document");
            }
            if is_sent != package.tracking.number.is_some() {
                return Some("its tracking differs");
            }
            (package.delivered != (pedido.step == Step::Delivered)).then_some("delivered on one side")
        }
        (Phase::Handling, false) => (pedido.step == Step::Cancelled).then_some("cancelled in Live alone"),
        _ => Some("the status differs"),
    }
}

/// Nothing waits but what is a person's.
fn ledger(parts: &Parts<'_>) -> Option<String> {
    let by_hand = |reason: Option<ParkReason>| reason == Some(ParkReason::ByHand);
    let left = parts
        .disk
        .now
        .dirty
        .iter()
        .find(|(_, dirty)| !by_hand(dirty.parked.as_ref().map(|parked| parked.reason)));
    left.map(|(key, dirty)| format!("{key} is still dirty: {dirty:?}"))
}

/// No window holds more requests than burst and rate allow, also across crashes.
fn rates(sent: &BTreeMap<Route, Vec<Tick>>) -> Option<String> {
    sent.iter().find_map(|(route, sent)| {
        let limit = *tuning().routes.of(*route);
        let burst = limit.burst as usize;
        // A window that is too full has more than the burst in it; it is enough to look at those that begin with a request.
        (0..sent.len().saturating_sub(burst)).find_map(|from| {
            let too_many = (from + burst..sent.len()).find(|to| {
                let allowed =
                    f64::from(limit.burst) + limit.per_second * sent[*to].since(sent[from]).as_secs_f64();
                (to - from) as f64 > allowed + 1e-6
            });
            too_many.map(|_| format!("{route:?}: more than its limit"))
        })
    })
}
