//! How far the shop has been looked through, and what is to be looked at again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::core::call::people::{DateField, SHOPPERS_PAGE, Shopper, Span};
use crate::core::time::Timestamp;
use crate::store::{Durability, Op, Store, StoreError};

/// The name of the entry in the store.
const ENTRY: &str = "consents/progress";

/// Customers that wait. When there are so many, something is wrong that somebody has to see to, and the shop is not looked
/// through any further.
pub(super) const WAITING_MAX: usize = 10_000;

/// A search of VTEX reaches so far (Master Data v1).
const SEARCH_DEPTH: usize = 10_000;

/// Search takes dates to the millisecond.
const MILLI: i64 = 1_000;

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The latest date of change, and of registration, that was seen: by VTEX's clock, so that ours does not matter.
    updated: Option<Timestamp>,
    created: Option<Timestamp>,
    /// VTEX's ids.
    pub(super) waiting: BTreeSet<CompactString>,
}

impl Progress {
    /// What is kept, or a beginning at `start`.
    pub(super) fn load(store: &Store, start: Timestamp) -> Result<Self, StoreError> {
        let kept: Option<Self> = store.meta(ENTRY)?;
        let begin = Self { updated: Some(start), created: Some(start), waiting: BTreeSet::new() };
        Ok(kept.unwrap_or(begin))
    }

    pub(super) fn save(&self, store: &Store) -> Result<(), StoreError> {
        let op = Op::PutMeta { name: ENTRY.to_owned(), value: Store::encode(self) };
        store.commit(&[op], Durability::Synced)
    }

    pub(super) fn seen_up_to(&self) -> Option<Timestamp> {
        self.updated.max(self.created)
    }

    pub(super) fn of(&self, date: DateField) -> Timestamp {
        match date {
            DateField::Updated => self.updated,
            DateField::Created => self.created,
        }
        .unwrap_or_default()
    }

    /// Everything up to `at` was seen.
    pub(super) fn advance(&mut self, date: DateField, at: Timestamp) {
        let kept = match date {
            DateField::Updated => &mut self.updated,
            DateField::Created => &mut self.created,
        };
        *kept = (*kept).max(Some(at));
    }
}

/// The pages of one look: each begins where the last one ended, by date and not by number, since customers who change
/// meanwhile move to the end and would let others slip through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pages {
    pub(super) span: Span,
    /// More customers have the same date than a search reaches: the rest of them is left out.
    pub(super) cut_short: bool,
}

impl Pages {
    pub(super) fn new(date: DateField, seen: Timestamp, overlap: Duration, now: Timestamp) -> Self {
        // A day ahead: whatever VTEX's clock says, all that there is belongs to it.
        let to = now.plus(Duration::from_secs(24 * 3600));
        let from = Timestamp(seen.0.saturating_sub(i64::try_from(overlap.as_micros()).unwrap_or(i64::MAX)));
        Self { span: Span { date, from: floor(from), to, skip: 0 }, cut_short: false }
    }

    /// The next page after one that ended at `last` with so many customers; none: that was all.
    pub(super) fn next(mut self, last: Option<Timestamp>, customers: usize) -> Option<Self> {
        let last = floor(last.filter(|_| customers >= SHOPPERS_PAGE)?);
        if last > self.span.from {
            self.span = Span { from: last, skip: 0, ..self.span };
        } else if self.span.skip + 2 * SHOPPERS_PAGE <= SEARCH_DEPTH {
            self.span.skip += SHOPPERS_PAGE;
        } else {
            self.span = Span { from: Timestamp(self.span.from.0 + MILLI), skip: 0, ..self.span };
            self.cut_short = true;
        }
        Some(self)
    }
}

const fn floor(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - at.0.rem_euclid(MILLI))
}

/// What was looked at already in the time that looks overlap.
#[derive(Debug, Default)]
pub(super) struct Recent(BTreeMap<CompactString, (Timestamp, Option<bool>)>);

impl Recent {
    pub(super) fn has(&self, shopper: &Shopper) -> bool {
        self.0.get(&shopper.id) == Some(&(shopper.changed_at, shopper.newsletter))
    }

    pub(super) fn add(&mut self, shopper: &Shopper) {
        self.0.insert(shopper.id.clone(), (shopper.changed_at, shopper.newsletter));
    }

    /// Forgets what no look asks for any more.
    pub(super) fn forget_before(&mut self, at: Timestamp) {
        self.0.retain(|_, (changed_at, _)| *changed_at >= at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        Pages::new(DateField::Updated, Timestamp(10_000_500), Duration::from_secs(4), Timestamp(20_000_000))
    }

    #[test]
    fn pages_follow_each_other_by_date() {
        let first = pages();
        assert_eq!((first.span.from, first.span.skip), (Timestamp(6_000_000), 0));
        assert_eq!(first.next(Some(Timestamp(7_000_000)), 99), None, "a page that is not full is the last");
        assert_eq!(first.next(None, 0), None);
        let second = first.next(Some(Timestamp(7_000_999)), 100).unwrap();
        assert_eq!((second.span.from, second.span.skip), (Timestamp(7_000_000), 0));
        // A full page within one millisecond.
        let third = second.next(Some(Timestamp(7_000_999)), 100).unwrap();
        assert_eq!((third.span.from, third.span.skip), (Timestamp(7_000_000), 100));
    }

    #[test]
    fn more_of_one_date_than_search_reaches_stop_nothing() {
        let mut page = pages();
        let mut requests = 0;
        while !page.cut_short {
            assert!(page.span.skip + SHOPPERS_PAGE <= SEARCH_DEPTH);
            page = page.next(Some(page.span.from), 100).unwrap();
            requests += 1;
        }
        assert_eq!((requests, page.span.from, page.span.skip), (100, Timestamp(6_001_000), 0));
    }

    #[test]
    fn dates_never_go_back() {
        let mut progress = Progress::default();
        progress.advance(DateField::Updated, Timestamp(9));
        progress.advance(DateField::Updated, Timestamp(5));
        progress.advance(DateField::Created, Timestamp(7));
        assert_eq!(
            (progress.of(DateField::Updated), progress.of(DateField::Created)),
            (Timestamp(9), Timestamp(7))
        );
        assert_eq!(progress.seen_up_to(), Some(Timestamp(9)));
    }
}
