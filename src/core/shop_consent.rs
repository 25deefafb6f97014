//! Whether the shop's newsletter flag is an act of the shopper's, to be written into Live.
//!
//! VTEX keeps the flag and the date of the last change of the customer, whatever that changed: the date is the latest that
//! the shopper can have said it. So an act is seen by the flag alone, as a difference from what VTEX is known to have held
//! before (what it confirmed to us, or was read there), and the date only orders it among the acts of Live.
//!
//! What we sent ourselves is no act: it is what VTEX is known to hold, or what is on its way there.

use super::time::Timestamp;
use super::value::person::ConsentState;

/// What the shop shows of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// None: nothing was ever said.
    pub newsletter: Option<bool>,
    /// When the customer was made in the shop.
    pub created_at: Timestamp,
    /// The latest that it can have been said.
    pub at: Timestamp,
}

/// What the ledger knows of the flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// What VTEX held when it was last written or read.
    pub held: Option<bool>,
    /// What is on its way to VTEX.
    pub on_its_way: Option<bool>,
}

/// The newest act in Live for this purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    pub state: ConsentState,
    /// None: later than anything that has a date (as the mapping takes it).
    pub at: Option<Timestamp>,
    /// It came from the shop.
    pub in_shop: bool,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing was said, or it is known.
    Nothing,
    /// The shopper said it: a row for Live. Then as [`Decision::Learn`].
    Act { accepted: bool },
    /// The ledger learns what VTEX holds, and the customer is read again, so that what Live has newer goes out.
    Learn { newsletter: bool },
    /// VTEX says yes, and nobody can tell whether that was said after Live's no, or Live's no has no date. A no is never
    /// undone by a guess.
    Undecided,
}

/// Decides. The newest act wins by the dates of the acts.
pub fn decide(seen: Seen, known: Known, said: Option<Said>) -> Decision {
    // Nothing is as good as no: VTEX has both for whoever was never asked.
    let yes = seen.newsletter == Some(true);
    if known.held == Some(yes) || known.on_its_way == Some(yes) {
        return Decision::Nothing;
    }
    let Some(said) = said else {
        return match (yes, known.held) {
            (true, _) => Decision::Act { accepted: true },
            // Live has lost what it knew; the flag has not.
            (false, Some(_)) => Decision::Learn { newsletter: false },
            // Nobody takes back what was never given.
            (false, None) => Decision::Nothing,
        };
    };
    let live = said.state == ConsentState::Accepted;
    if live == yes {
        // Written by us before, and the ledger does not know it yet; or said in both places.
        let to_learn = known.held.is_some() || said.in_shop;
        return if to_learn { Decision::Learn { newsletter: yes } } else { Decision::Nothing };
    }
    match known.held {
        // It was the other way round when we knew it last: the shopper changed it since.
        Some(_) if said.at.is_some_and(|at| at < seen.at) => Decision::Act { accepted: yes },
        // To the mapping it stays the newest, whatever is written.
        Some(_) if said.at.is_none() => Decision::Undecided,
        // Live's act is newer: VTEX has to learn it.
        Some(_) => Decision::Learn { newsletter: yes },
        // A no that VTEX was never told otherwise says nothing.
        None if !yes => Decision::Nothing,
        // Whoever came to the shop after Live's act said it after Live's act.
        None if said.at.is_some_and(|at| at < seen.created_at) => Decision::Act { accepted: true },
        None => Decision::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn seen(newsletter: bool, created: i64, at: i64) -> Seen {
        Seen { newsletter: Some(newsletter), created_at: Timestamp(created), at: Timestamp(at) }
    }

    const fn held(held: bool) -> Known {
        Known { held: Some(held), on_its_way: None }
    }

    const UNKNOWN: Known = Known { held: None, on_its_way: None };

    const fn said(accepted: bool, at: i64) -> Option<Said> {
        let state = if accepted { ConsentState::Accepted } else { ConsentState::Revoked };
        Some(Said { state, at: Some(Timestamp(at)), in_shop: false })
    }

    #[test]
    fn what_was_said_is_told_from_what_was_sent() {
        use Decision::{Act, Learn, Nothing, Undecided};
        const YES: Decision = Act { accepted: true };
        const NO: Decision = Act { accepted: false };
        let learn = |newsletter| Learn { newsletter };
        let on_its_way = |held, on_its_way| Known { held, on_its_way: Some(on_its_way) };
        let undated = Some(Said { state: ConsentState::Refused, at: None, in_shop: false });
        let ours = Some(Said { in_shop: true, ..said(true, 5).unwrap() });
        let table = [
            ("a shopper signs up", seen(true, 1, 9), UNKNOWN, None, YES),
            ("one who was told no", seen(true, 1, 9), held(false), said(false, 5), YES),
            ("and takes it back", seen(false, 1, 9), held(true), said(true, 5), NO),
            ("only the telephone changed", seen(true, 1, 9), held(true), said(true, 5), Nothing),
            ("our own request", seen(true, 1, 9), on_its_way(Some(false), true), said(true, 5), Nothing),
            ("our own first request", seen(true, 1, 9), on_its_way(None, true), said(true, 5), Nothing),
            (
                "our request has not come yet",
                seen(false, 1, 4),
                on_its_way(Some(false), true),
                said(true, 5),
                Nothing,
            ),
            ("registered, nothing said", seen(false, 1, 9), UNKNOWN, None, Nothing),
            ("never told that Live agreed", seen(false, 1, 9), UNKNOWN, said(true, 5), Nothing),
            ("written before, and not learned", seen(true, 1, 9), held(false), said(true, 9), learn(true)),
            ("the same, never told", seen(true, 1, 9), UNKNOWN, ours, learn(true)),
            ("agreed in the store as well", seen(true, 1, 9), UNKNOWN, said(true, 5), Nothing),
            ("a newer act in Live", seen(false, 1, 5), held(true), said(true, 9), learn(false)),
            ("a refusal without a date is the newest", seen(true, 1, 9), held(false), undated, Undecided),
            ("no later than Live's no, or who knows", seen(true, 1, 9), UNKNOWN, said(false, 5), Undecided),
            ("came to the shop after Live's no", seen(true, 6, 9), UNKNOWN, said(false, 5), YES),
            ("Live forgot, the shop took it back", seen(false, 1, 9), held(true), None, learn(false)),
        ];
        for (what, seen, known, said, expected) in table {
            assert_eq!(decide(seen, known, said), expected, "{what}");
        }
        let nothing = Seen { newsletter: None, ..seen(false, 1, 9) };
        assert_eq!(decide(nothing, held(true), said(true, 5)), NO, "emptied is taken back");
        assert_eq!(decide(nothing, UNKNOWN, None), Nothing);
    }

    fn states() -> impl Strategy<Value = Option<Said>> {
        use ConsentState::{Accepted, Expired, Refused, Revoked};
        let state = prop_oneof![Just(Accepted), Just(Refused), Just(Revoked), Just(Expired)];
        let said = (state, prop::option::of(0_i64..20), any::<bool>());
        prop::option::of(said.prop_map(|(state, at, in_shop)| Said { state, at: at.map(Timestamp), in_shop }))
    }

    proptest! {
        /// Doing it and asking again changes nothing: a crash anywhere repeats harmlessly.
        #[test]
        fn what_was_done_is_not_done_twice(yes: Option<bool>, created in 0_i64..20, later in 0_i64..20, held: Option<bool>,
                                           on_its_way: Option<bool>, said in states()) {
            let seen = Seen { newsletter: yes, created_at: Timestamp(created), at: Timestamp(created + later) };
            let known = Known { held, on_its_way };
            match decide(seen, known, said) {
                Decision::Act { accepted } => {
                    // The newest act wins, and a no is not undone by a yes that may be older.
                    prop_assert!(said.is_none_or(|said| said.at.is_some_and(|at| at < seen.at)));
                    let state = if accepted { ConsentState::Accepted } else { ConsentState::Revoked };
                    let written = Some(Said { state, at: Some(seen.at), in_shop: true });
                    // Killed before the ledger learned it.
                    prop_assert_eq!(decide(seen, known, written), Decision::Learn { newsletter: accepted });
                    let known = Known { held: Some(accepted), on_its_way };
                    prop_assert_eq!(decide(seen, known, written), Decision::Nothing);
                }
                Decision::Learn { newsletter } => {
                    let known = Known { held: Some(newsletter), on_its_way };
                    prop_assert_eq!(decide(seen, known, said), Decision::Nothing);
                }
                Decision::Nothing | Decision::Undecided => {}
            }
        }
    }
}
