//! When a job is opened.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::call::Route;
use super::super::call::bulk::BulkKind;
use super::super::schedule::Urgency;

/// Single requests bring this many prices in ten minutes; below it a job is hardly sooner through.
const PRICE_ROWS_MIN: usize = 20_000;
/// A file of some four megabytes.
const ROWS_MAX: usize = 100_000;
/// VTEX takes files of up to 500 MB; what holds us back is memory.
const ROWS_MAX_LIMIT: usize = 1_000_000;
/// VTEX's guide: from five seconds, growing.
const POLL_MS: u64 = 5_000;
const POLL_MS_RANGE: std::ops::RangeInclusive<u64> = 200..=600_000;

/// `[tuning.bulk]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BulkRules {
    /// Where so many prices wait, they go by a bulk price import, if the account has it. Only base, list and cost
    /// prices: whether an import of fixed prices replaces or merges is not documented. Default 20,000; 0: never.
    pub price_rows_min: usize,
    /// Where so many balances wait, they go by a batch inventory. Default 0, never: it is in early access, and sets
    /// lead times.
    pub stock_rows_min: usize,
    /// The lead time that every row of a batch inventory sets, in hours: VTEX takes one that is left out for 0, so
    /// `stock_rows_min` needs it.
    pub stock_lead_time_hours: Option<u32>,
    /// The most rows of one job. Default 100,000.
    pub rows_max: usize,
    /// Prices without a list price in Live go by an import, too. VTEX does not say whether an empty list price keeps
    /// or deletes the one it has. Default: no, they go singly.
    pub empty_list_price: bool,
    /// The first pause between two looks at a job, in milliseconds; grows to a minute. Default 5,000.
    pub poll_ms: u64,
}

impl Default for BulkRules {
    fn default() -> Self {
        Self {
            price_rows_min: PRICE_ROWS_MIN,
            stock_rows_min: 0,
            stock_lead_time_hours: None,
            rows_max: ROWS_MAX,
            empty_list_price: false,
            poll_ms: POLL_MS,
        }
    }
}

/// A setting of bulk jobs that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBulk {
    #[error(
        "stock_rows_min needs stock_lead_time_hours: every row of a batch inventory sets the lead time of its SKU \
         and warehouse, and one that is left out is set to 0"
    )]
    LeadTime,
    #[error(
        "rows_max is {max}: expected at least the rows from which on a job is opened ({min}), and at most {ROWS_MAX_LIMIT}"
    )]
    RowsMax { min: usize, max: usize },
    #[error("poll_ms is {0}: expected 200 to 600000")]
    Poll(u64),
}

impl BulkRules {
    /// # Errors
    /// The first setting that cannot be.
    pub fn validate(&self) -> Result<(), InvalidBulk> {
        if self.stock_rows_min > 0 && self.stock_lead_time_hours.is_none() {
            return Err(InvalidBulk::LeadTime);
        }
        let (min, max) = (self.price_rows_min.max(self.stock_rows_min).max(1), self.rows_max);
        if !(min..=ROWS_MAX_LIMIT).contains(&max) {
            return Err(InvalidBulk::RowsMax { min, max });
        }
        if !POLL_MS_RANGE.contains(&self.poll_ms) {
            return Err(InvalidBulk::Poll(self.poll_ms));
        }
        Ok(())
    }

    /// From how many waiting keys on there is a job; `None`: never.
    pub fn rows_min(&self, kind: BulkKind) -> Option<usize> {
        let min = match kind {
            BulkKind::BasePrices => self.price_rows_min,
            BulkKind::Inventory => self.stock_rows_min,
        };
        (min > 0).then_some(min)
    }

    pub(crate) const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }
}

/// Where keys of a kind wait that may be in a job.
pub const fn routes(kind: BulkKind) -> &'static [Route] {
    match kind {
        BulkKind::BasePrices => &[Route::PricePut, Route::PriceRead],
        BulkKind::Inventory => &[Route::StockWrite],
    }
}

/// How urgent they may be. The first of the two always goes by a job; the other one, for which somebody waits, only
/// where it is itself too much for single requests.
pub const fn urgencies(kind: BulkKind) -> [Urgency; 2] {
    match kind {
        BulkKind::BasePrices => [Urgency::Resync, Urgency::Price],
        BulkKind::Inventory => [Urgency::Resync, Urgency::Rising],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_inventory_is_never_sent_without_a_lead_time() {
        let rules = BulkRules { stock_rows_min: 10, ..BulkRules::default() };
        assert_eq!(rules.validate(), Err(InvalidBulk::LeadTime));
        let rules = BulkRules { stock_lead_time_hours: Some(0), ..rules };
        assert_eq!(rules.validate(), Ok(()));
        assert_eq!(rules.rows_min(BulkKind::Inventory), Some(10));
    }

    #[test]
    fn by_default_prices_go_by_jobs_and_balances_do_not() {
        let rules = BulkRules::default();
        assert_eq!(rules.validate(), Ok(()));
        assert_eq!(rules.rows_min(BulkKind::BasePrices), Some(20_000));
        assert_eq!(rules.rows_min(BulkKind::Inventory), None);
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for rows_max in [0, 19_999, ROWS_MAX_LIMIT + 1] {
            let rules = BulkRules { rows_max, ..BulkRules::default() };
            assert!(matches!(rules.validate(), Err(InvalidBulk::RowsMax { .. })), "{rows_max}");
        }
        for poll_ms in [0, 600_001] {
            assert_eq!(
                BulkRules { poll_ms, ..BulkRules::default() }.validate(),
                Err(InvalidBulk::Poll(poll_ms))
            );
        }
    }

    #[test]
    fn what_somebody_waits_for_is_in_no_job() {
        for kind in BulkKind::ALL {
            let urgent = [Urgency::Revoked, Urgency::SoldOut, Urgency::Falling];
            assert!(urgencies(kind).iter().all(|urgency| !urgent.contains(urgency)));
        }
    }
}
