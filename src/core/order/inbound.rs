//! What an order that VTEX shows asks of Live: pure.
//!
//! The status that VTEX shows now decides, never the event that led to it: events come twice, late, and in any order.

use compact_str::CompactString;

use super::obstacle::Obstacle;
use super::{Phase, RemoteStatus, Step};

/// Where a part of the order stands in Live, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// No fiscal document yet.
    Open,
    /// There is a fiscal document, or was one.
    Invoiced,
    Cancelled,
    /// Its status code is no step of the mapping.
    Unknown,
}

impl From<Option<Step>> for Stage {
    fn from(step: Option<Step>) -> Self {
        match step {
            None => Self::Unknown,
            Some(step) if step.is_cancelled() => Self::Cancelled,
            Some(step) if step.is_invoiced() || step.is_taken_back() => Self::Invoiced,
            Some(_) => Self::Open,
        }
    }
}

/// A `pedido_venda` of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `numero_externo`.
    pub external: CompactString,
    /// `pedido_venda.id`, as text.
    pub id: CompactString,
    /// Live's own number.
    pub number: CompactString,
    /// Its status code.
    pub status: i64,
    pub stage: Stage,
    /// Staff knows that the shopper wants to cancel.
    pub cancellation_asked: bool,
}

/// What is to be done in Live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, with the reason for the history.
    Nothing(&'static str),
    Insert,
    /// Cancel these parts.
    Cancel {
        parts: Vec<CompactString>,
        why: Why,
    },
    /// Tell staff that the shopper wants to cancel.
    Flag {
        parts: Vec<CompactString>,
    },
    /// Set aside until somebody has decided.
    Hold(Obstacle),
}

/// Why VTEX has ended the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Cancelled,
    /// Another order has taken its place.
    Replaced,
}

/// What to do with an order that VTEX shows in `status`, when Live has `parts` of it.
pub fn decide(status: &RemoteStatus, complete: bool, parts: &[Part]) -> Decision {
    match status.phase() {
        Phase::Ready | Phase::Handling if !parts.is_empty() => Decision::Nothing("Live has it"),
        Phase::Ready | Phase::Handling if !complete => Decision::Hold(Obstacle::Incomplete),
        Phase::Ready | Phase::Handling => Decision::Insert,
        Phase::Invoiced if parts.is_empty() => Decision::Hold(Obstacle::Conflict(UNKNOWN_AND_INVOICED)),
        Phase::Invoiced => Decision::Nothing("Live has it"),
        Phase::Canceled => cancel(parts, Why::Cancelled),
        Phase::Replaced => cancel(parts, Why::Replaced),
        Phase::CancellationAsked | Phase::Cancelling => ask(parts),
        // What VTEX passes in moments is followed by an event of its own.
        Phase::Early | Phase::Passing | Phase::Broken | Phase::Unknown => {
            Decision::Nothing("this status asks for nothing")
        }
    }
}

const UNKNOWN_AND_INVOICED: &str = "invoiced in VTEX, and Live does not have it: somebody else has handled it, or Live \
    lost it; enter it there by hand, and forget it here with `mare orders drop`";
const CANCELLED_AND_INVOICED: &str = "cancelled in VTEX, and Live has a fiscal document: cancel or return it there, then \
    `mare orders retry`, or forget it with `mare orders drop`";
const UNKNOWN_STEP: &str = "cancelled in VTEX, and Live has it in a status that [mapping.orders.status] does not name: \
    add its code, then `mare orders retry`";

fn ask(parts: &[Part]) -> Decision {
    let open = |part: &&Part| part.stage != Stage::Cancelled && !part.cancellation_asked;
    let asked: Vec<_> = parts.iter().filter(open).map(|part| part.id.clone()).collect();
    match (parts.is_empty(), asked.is_empty()) {
        // VTEX decides alone about what nobody handles yet.
        (true, _) => Decision::Nothing("cancellation is asked for, and Live does not have it"),
        (false, true) => Decision::Nothing("Live knows that cancellation is asked for"),
        (false, false) => Decision::Flag { parts: asked },
    }
}

fn cancel(parts: &[Part], why: Why) -> Decision {
    let has = |stage| parts.iter().any(|part| part.stage == stage);
    let open: Vec<_> =
        parts.iter().filter(|part| part.stage == Stage::Open).map(|part| part.id.clone()).collect();
    // What can be cancelled is, also when a sister part has its fiscal document: the next look finds that one alone.
    if !open.is_empty() {
        Decision::Cancel { parts: open, why }
    } else if has(Stage::Invoiced) {
        Decision::Hold(Obstacle::Conflict(CANCELLED_AND_INVOICED))
    } else if has(Stage::Unknown) {
        Decision::Hold(Obstacle::Conflict(UNKNOWN_STEP))
    } else if parts.is_empty() {
        Decision::Nothing("cancelled, and Live does not have it")
    } else {
        Decision::Nothing("Live has cancelled it")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(id: &str, stage: Stage, asked: bool) -> Part {
        Part {
            external: "1-01".into(),
            id: id.into(),
            number: "1".into(),
            status: 10,
            stage,
            cancellation_asked: asked,
        }
    }

    fn of(status: &str, parts: &[Part]) -> Decision {
        decide(&RemoteStatus::from(status), true, parts)
    }

    fn cancelled(parts: &[&str], why: Why) -> Decision {
        Decision::Cancel { parts: parts.iter().map(|id| (*id).into()).collect(), why }
    }

    #[test]
    fn the_status_of_vtex_and_what_live_has_decide() {
        use Stage::{Cancelled, Invoiced, Open, Unknown};
        let open = [part("a", Open, false)];
        let asked = [part("a", Open, true)];
        let invoiced = [part("a", Invoiced, false)];
        let gone = [part("a", Cancelled, false)];
        let mixed = [part("a", Open, false), part("b", Invoiced, false), part("c", Cancelled, false)];
        let strange = [part("a", Unknown, false)];
        let flag = |ids: &[&str]| Decision::Flag { parts: ids.iter().map(|id| (*id).into()).collect() };
        let conflict = |text| Decision::Hold(Obstacle::Conflict(text));
        let table: [(&str, &[Part], Option<Decision>); 27] = [
            ("payment-approved", &[], None),
            ("window-to-cancel", &[], None),
            ("ready-for-handling", &[], Some(Decision::Insert)),
            ("ready-for-handling", &open, None),
            ("ready-for-handling", &gone, None),
            ("start-handling", &[], None),
            ("handling", &[], Some(Decision::Insert)),
            ("handling", &open, None),
            ("ready-for-invoicing", &[], Some(Decision::Insert)),
            ("invoiced", &[], Some(conflict(UNKNOWN_AND_INVOICED))),
            ("invoiced", &open, None),
            ("canceled", &[], None),
            ("canceled", &open, Some(cancelled(&["a"], Why::Cancelled))),
            ("canceled", &asked, Some(cancelled(&["a"], Why::Cancelled))),
            ("canceled", &gone, None),
            ("canceled", &invoiced, Some(conflict(CANCELLED_AND_INVOICED))),
            ("canceled", &mixed, Some(cancelled(&["a"], Why::Cancelled))),
            ("canceled", &mixed[1..], Some(conflict(CANCELLED_AND_INVOICED))),
            ("canceled", &strange, Some(conflict(UNKNOWN_STEP))),
            ("replaced", &open, Some(cancelled(&["a"], Why::Replaced))),
            ("cancellation-requested", &open, Some(flag(&["a"]))),
            ("cancellation-requested", &asked, None),
            ("cancellation-requested", &[], None),
            ("request-cancel", &mixed, Some(flag(&["a", "b"]))),
            ("waiting-for-seller-decision", &gone, None),
            ("order-creation-error", &[], None),
            ("waiting-for-drone", &open, None),
        ];
        for (status, parts, expected) in table {
            let decision = of(status, parts);
            match expected {
                Some(expected) => assert_eq!(decision, expected, "{status} {parts:?}"),
                None => assert!(matches!(decision, Decision::Nothing(_)), "{status} {parts:?}: {decision:?}"),
            }
        }
    }

    #[test]
    fn what_vtex_has_not_completed_is_not_entered_but_is_cancelled() {
        let incomplete = |status, parts: &[Part]| decide(&RemoteStatus::from(status), false, parts);
        assert_eq!(incomplete("ready-for-handling", &[]), Decision::Hold(Obstacle::Incomplete));
        let open = [part("a", Stage::Open, false)];
        assert_eq!(incomplete("canceled", &open), cancelled(&["a"], Why::Cancelled));
    }

    #[derive(Debug, Default)]
    struct Shop {
        parts: Vec<Part>,
        inserted: usize,
    }

    impl Shop {
        fn carry_out(&mut self, decision: Decision) {
            match decision {
                Decision::Insert => {
                    self.inserted += 1;
                    self.parts = vec![part("a", Stage::Open, false), part("b", Stage::Open, false)];
                }
                Decision::Cancel { parts, .. } => {
                    for part in self.parts.iter_mut().filter(|part| parts.contains(&part.id)) {
                        assert_eq!(part.stage, Stage::Open);
                        part.stage = Stage::Cancelled;
                    }
                }
                Decision::Flag { parts } => {
                    for part in self.parts.iter_mut().filter(|part| parts.contains(&part.id)) {
                        part.cancellation_asked = true;
                    }
                }
                Decision::Nothing(_) | Decision::Hold(_) => {}
            }
        }
    }

    proptest! {
        /// Each event is looked at when VTEX may be anywhere later; events come twice and in any order. In the end Live is
        /// where the last look has put it, it was entered once at most, and a look more changes nothing.
        #[test]
        fn duplicates_and_disorder_change_nothing(looks in proptest::collection::vec(0_usize..6, 1..40)) {
            const WAY: [&str; 6] = [
                "payment-approved", "ready-for-handling", "handling", "cancellation-requested", "handling", "canceled",
            ];
            let mut shop = Shop::default();
            // What VTEX shows never goes back, whatever event made us look.
            let mut shown = 0;
            for look in looks {
                shown = shown.max(look);
                let status = RemoteStatus::from(WAY[shown]);
                let decision = decide(&status, true, &shop.parts);
                shop.carry_out(decision);
                let again = decide(&status, true, &shop.parts);
                prop_assert!(matches!(again, Decision::Nothing(_)), "{again:?}");
            }
            prop_assert!(shop.inserted <= 1);
            if WAY[shown] == "canceled" {
                prop_assert!(shop.parts.iter().all(|part| part.stage == Stage::Cancelled));
            }
        }
    }
}
