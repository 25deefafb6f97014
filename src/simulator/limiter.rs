//! One bucket per route, and the Catalog's bucket of the whole account.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::bucket::{Grant, Limit, TokenBucket};
use super::options::Limits;
use super::route::{Area, Route};
use super::world::locked;

#[derive(Debug)]
pub(super) struct Limiter {
    started: Instant,
    routes: Vec<Option<Mutex<TokenBucket>>>,
    catalog_account: Option<Mutex<TokenBucket>>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        let bucket = |limit: Limit| Mutex::new(TokenBucket::full(limit, Duration::ZERO));
        Self {
            started: Instant::now(),
            routes: Route::all().map(|route| limit_of(limits, route).map(bucket)).collect(),
            catalog_account: limits.catalog_account.map(bucket),
        }
    }

    /// Counts one request; `None` when the route has no limit.
    pub(super) fn take(&self, route: Route) -> Option<Grant> {
        let now = self.started.elapsed();
        let own = self.routes[route as usize].as_ref().map(|bucket| locked(bucket).take(now));
        if route.area() != Area::Catalog || own.is_some_and(|grant| !grant.granted) {
            return own;
        }
        let account = self.catalog_account.as_ref().map(|bucket| locked(bucket).take(now));
        account.filter(|grant| !grant.granted).or(own)
    }

    /// The state of the route's bucket, for answers that are refused before they are counted.
    pub(super) fn look(&self, route: Route) -> Option<Grant> {
        let now = self.started.elapsed();
        self.routes[route as usize].as_ref().map(|bucket| locked(bucket).look(now))
    }
}

fn limit_of(limits: &Limits, route: Route) -> Option<Limit> {
    match (route.area(), route.method()) {
        (Area::Logistics, _) => limits.logistics,
        (Area::Catalog, _) => limits.catalog_endpoint,
        (Area::Orders, _) if matches!(route, Route::Order | Route::OrderGroup) => limits.order_read,
        (Area::Orders, _) => limits.orders,
        (Area::MasterData, _) => limits.master_data,
        // In closed beta; nothing is said of a limit.
        (Area::UserRights, _) => None,
        (Area::BulkPricing | Area::BatchInventory, _) => limits.bulk,
        (Area::Pricing, "GET") => limits.pricing_read,
        (Area::Pricing, "DELETE") => limits.pricing_delete,
        (Area::Pricing, _) => limits.pricing_write,
    }
}
