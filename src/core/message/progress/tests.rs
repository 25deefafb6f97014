use proptest::prelude::*;

use super::*;
use crate::core::value::order::Part;

fn part(number: &str, kind: OrderKind, step: Step, at: Option<i64>) -> Part {
    Part {
        number: number.into(),
        kind,
        step,
        at: at.map(Timestamp),
        lines: Vec::new(),
        invoices: Vec::new(),
        dispatch: None,
        decision: None,
        reason: None,
    }
}

fn one(kind: OrderKind, step: Step, at: i64) -> Order {
    Order { parts: vec![part("1", kind, step, Some(at))] }
}

fn short(news: &[News]) -> Vec<(&str, bool, Option<i64>)> {
    news.iter().map(|news| (news.status.as_str(), news.passed, news.after.map(|at| at.0))).collect()
}

#[test]
fn what_was_jumped_over_is_told_in_order_and_once() {
    let now = Timestamp(100);
    let (seen, news) = steps(None, &one(OrderKind::Delivery, Step::Packed, 90), None, now).unwrap();
    // Nobody knows when the steps before were taken.
    let before = [("recebido", true, None), ("em-atendimento", true, None), ("em-separacao", true, None)];
    assert_eq!(short(&news), [&before[..], &[("empacotado", false, Some(90))]].concat());
    assert_eq!(steps(Some(&seen), &one(OrderKind::Delivery, Step::Packed, 95), None, now), None);
    // Back and forth.
    assert_eq!(steps(Some(&seen), &one(OrderKind::Delivery, Step::Picking, 96), None, now), None);
    let later = one(OrderKind::Delivery, Step::Dispatched, 150);
    let (seen, news) = steps(Some(&seen), &later, None, Timestamp(160)).unwrap();
    let expected =
        [("etiquetado", true, Some(100)), ("faturado", true, Some(100)), ("despachado", false, Some(150))];
    assert_eq!(short(&news), expected);
    // An invoice that is taken back lies on no way.
    let back = one(OrderKind::Delivery, Step::InvoiceCancelled, 170);
    let (seen, news) = steps(Some(&seen), &back, None, Timestamp(171)).unwrap();
    assert_eq!(short(&news), [("nf-cancelada", false, Some(170))]);
    let again = one(OrderKind::Delivery, Step::Delivered, 180);
    let (_, news) = steps(Some(&seen), &again, None, Timestamp(181)).unwrap();
    assert_eq!(short(&news), [("entregue", false, Some(180))]);
}

#[test]
fn of_an_order_that_mare_wrote_every_step_is_news() {
    let order = one(OrderKind::Pickup, Step::ReadyForPickup, 90);
    let (_, news) = steps(None, &order, Some(Timestamp(50)), Timestamp(100)).unwrap();
    assert_eq!(short(&news).first(), Some(&("recebido", true, Some(50))));
    assert_eq!(short(&news).last(), Some(&("disponivel-retirada", false, Some(90))));
    assert!(!news.iter().any(|news| news.status == "etiquetado" || news.status == "faturado"));
    // The clock of Live is behind.
    let (_, news) =
        steps(None, &one(OrderKind::Pickup, Step::Received, 40), Some(Timestamp(50)), Timestamp(60)).unwrap();
    assert_eq!(short(&news), [("recebido", false, Some(50))]);
}

#[test]
fn each_pedido_of_an_order_goes_its_own_way() {
    let both = |first, second| Order {
        parts: vec![part("1", OrderKind::Delivery, first, None), part("2", OrderKind::Pickup, second, None)],
    };
    let (seen, _) = steps(None, &both(Step::Received, Step::Received), None, Timestamp(1)).unwrap();
    let (seen, news) = steps(Some(&seen), &both(Step::Received, Step::Accepted), None, Timestamp(2)).unwrap();
    assert_eq!((news[0].part, short(&news)), (1, vec![("em-atendimento", false, Some(1))]));
    let (_, news) = steps(Some(&seen), &both(Step::Cancelled, Step::Accepted), None, Timestamp(3)).unwrap();
    assert_eq!((news[0].part, short(&news)), (0, vec![("cancelado", false, Some(2))]));
}

#[test]
fn a_status_of_vtex_is_told_once_also_when_it_was_passed_unseen() {
    let heard = |status: &str, at: i64| Heard { at: Some(Timestamp(at)), status: status.into() };
    let told = [heard("invoiced", 30), heard("handling", 20)];
    let (shown, news) = statuses(None, &told, "invoiced", Some(Timestamp(5)), Timestamp(40)).unwrap();
    assert_eq!(short(&news), [("handling", true, Some(20)), ("invoiced", false, Some(30))]);
    assert_eq!(statuses(Some(&shown), &told, "invoiced", None, Timestamp(50)), None);
    let (_, news) = statuses(Some(&shown), &[], "canceled", None, Timestamp(60)).unwrap();
    assert_eq!(short(&news), [("canceled", false, Some(40))]);
    // Read without a message, never seen before: not before it was ordered.
    let (_, news) = statuses(None, &[], "canceled", Some(Timestamp(5)), Timestamp(60)).unwrap();
    assert_eq!(short(&news), [("canceled", false, Some(5))]);
}

fn any_step() -> impl Strategy<Value = Step> {
    proptest::sample::select(Step::ALL)
}

fn any_kind() -> impl Strategy<Value = OrderKind> {
    proptest::sample::select(vec![OrderKind::Pickup, OrderKind::Delivery, OrderKind::Seller])
}

proptest! {
    /// Whatever staff does, and however much of it is seen at once: nothing twice, and where the pedido rests was told.
    #[test]
    fn nothing_is_told_twice_and_nothing_that_is_seen_is_left_out(
        kind in any_kind(),
        shown in proptest::collection::vec((any_step(), any::<bool>()), 1..40),
    ) {
        let mut seen: Option<Seen> = None;
        let mut told: Vec<CompactString> = Vec::new();
        for (at, (step, looked_at)) in shown.iter().enumerate() {
            if !looked_at {
                continue;
            }
            let now = Timestamp(at as i64);
            let order = Order { parts: vec![part("1", kind, *step, Some(at as i64))] };
            let Some((next, news)) = steps(seen.as_ref(), &order, None, now) else { continue };
            prop_assert_eq!(news.last().map(|news| (news.status.as_str(), news.passed)), Some((step.name(), false)));
            prop_assert!(news.iter().rev().skip(1).all(|news| news.passed));
            told.extend(news.into_iter().map(|news| news.status));
            seen = Some(next);
        }
        let mut once = told.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), told.len());
        // On its way a pedido only goes forward.
        let places = told.iter().filter_map(|status| way(kind).iter().position(|step| step.name() == status.as_str()));
        prop_assert!(places.collect::<Vec<_>>().is_sorted());
    }

    /// Steps that are taken one after the other are told the same, however many of them are seen as one.
    #[test]
    fn what_is_coalesced_loses_nothing(kind in any_kind(), looks in proptest::collection::vec(any::<bool>(), 8)) {
        let way = way(kind);
        let mut seen: Option<Seen> = None;
        let mut told: Vec<CompactString> = Vec::new();
        for (at, step) in way.iter().enumerate() {
            if looks[at] || at + 1 == way.len() {
                let order = Order { parts: vec![part("1", kind, *step, None)] };
                if let Some((next, news)) = steps(seen.as_ref(), &order, Some(Timestamp(0)), Timestamp(at as i64)) {
                    prop_assert!(news.iter().all(|news| news.after.is_some()));
                    told.extend(news.into_iter().map(|news| news.status));
                    seen = Some(next);
                }
            }
        }
        prop_assert_eq!(told, way.iter().map(|step| CompactString::from(step.name())).collect::<Vec<_>>());
    }

    #[test]
    fn no_status_is_told_twice(
        looks in proptest::collection::vec(
            (proptest::collection::vec((0_i64..50, "[a-d]"), 0..4), "[a-d]"), 1..20),
    ) {
        let mut shown: Option<Shown> = None;
        let mut told: Vec<CompactString> = Vec::new();
        for (at, (heard, current)) in looks.iter().enumerate() {
            let heard: Vec<Heard> = heard
                .iter()
                .map(|(at, status)| Heard { at: Some(Timestamp(*at)), status: status.as_str().into() })
                .collect();
            let Some((next, news)) = statuses(shown.as_ref(), &heard, current, None, Timestamp(at as i64)) else {
                continue;
            };
            told.extend(news.into_iter().map(|news| news.status));
            shown = Some(next);
            prop_assert!(told.contains(&CompactString::from(current.as_str())));
        }
        let mut once = told.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), told.len());
    }
}
