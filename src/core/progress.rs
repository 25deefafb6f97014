//! How long what waits will take, under the limits that are known and with the requests that keys have taken lately.
//!
//! Nothing is promised: a lane whose keys nobody has seen arrive yet, or that sends nothing, has no estimate.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::call::{Lane, Route};
use super::entity::Entity;

/// Fewer keys than this tell nothing about the next ones.
const KEYS_MIN: f64 = 20.0;

/// So many keys count; of more, the older ones fade. A first load takes more requests a key than what follows it.
const KEYS_MAX: f64 = 1_000.0;

/// Of the keys of a lane, at least this share must be of entities that have been seen.
const KNOWN_SHARE: f64 = 0.5;

/// Requests that the keys of an entity have taken lately.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    keys: f64,
    requests: [f64; Route::ALL.len()],
}

/// What keys have taken, by entity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed([Seen; Entity::ALL.len()]);

impl Observed {
    /// A request of a key came back.
    pub(crate) fn request(&mut self, entity: Entity, route: Route) {
        self.of_mut(entity).requests[route as usize] += 1.0;
    }

    /// VTEX holds what a key wanted.
    pub(crate) fn arrived(&mut self, entity: Entity) {
        let seen = self.of_mut(entity);
        seen.keys += 1.0;
        if seen.keys >= 2.0 * KEYS_MAX {
            seen.keys /= 2.0;
            seen.requests.iter_mut().for_each(|requests| *requests /= 2.0);
        }
    }

    /// Requests per key, by route; `None`: too few were seen.
    fn per_key(&self, entity: Entity) -> Option<[f64; Route::ALL.len()]> {
        let seen = &self.0[entity.index()];
        (seen.keys >= KEYS_MIN).then(|| seen.requests.map(|requests| requests / seen.keys))
    }

    fn of_mut(&mut self, entity: Entity) -> &mut Seen {
        &mut self.0[entity.index()]
    }
}

/// How fast a lane can go at present.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Requests that may be out at once.
    pub(crate) places: u32,
    /// What an answer takes; `None`: none came yet.
    pub(crate) latency: Option<Duration>,
}

/// How long a lane's keys will take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Keys that it is about.
    pub keys: usize,
    /// Requests that they will take.
    pub requests: f64,
    pub seconds: f64,
}

impl Estimate {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.requests / self.seconds } else { 0.0 }
    }
}

/// Of the keys of `lane` that `waiting` counts. `allowed`: requests per second, by route.
///
/// Each route has its limit, and all of them share the places of the lane: the tightest of these decides.
pub(crate) fn estimate(
    lane: Lane,
    waiting: impl Fn(Entity) -> usize,
    observed: &Observed,
    allowed: impl Fn(Route) -> f64,
    pace: Pace,
) -> Option<Estimate> {
    let entities = || Entity::ALL.into_iter().filter(|entity| super::ledger::lane_of(*entity) == lane);
    let keys: usize = entities().map(&waiting).sum();
    let (mut known, mut requests) = (0.0, [0.0; Route::ALL.len()]);
    for entity in entities() {
        let Some(per_key) = observed.per_key(entity) else { continue };
        let count = waiting(entity) as f64;
        known += count;
        for route in lane.routes() {
            requests[*route as usize] += count * per_key[*route as usize];
        }
    }
    if keys == 0 {
        return Some(Estimate { keys, requests: 0.0, seconds: 0.0 });
    }
    if known < KNOWN_SHARE * keys as f64 {
        return None;
    }
    // What has not been seen takes as many requests as what has.
    let scale = keys as f64 / known;
    let by_limit = lane.routes().iter().map(|route| requests[*route as usize] * scale / allowed(*route));
    let requests = requests.iter().sum::<f64>() * scale;
    let by_places =
        pace.latency.map_or(0.0, |latency| requests * latency.as_secs_f64() / f64::from(pace.places.max(1)));
    let seconds = by_limit.fold(by_places, f64::max);
    seconds.is_finite().then_some(Estimate { keys, requests, seconds })
}

/// A time as people say it: `40 s`, `12 min`, `3 h 10 min`, `2 d 4 h`.
pub struct About(pub f64);

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: f64 = 60.0;
        const HOUR: f64 = 60.0 * MINUTE;
        let seconds = self.0.max(0.0);
        // Two units at most, and the smaller one in steps that say no more than is known.
        if seconds < 1.5 * MINUTE {
            return write!(f, "{:.0} s", seconds.ceil());
        }
        if seconds < 1.5 * HOUR {
            return write!(f, "{:.0} min", seconds / MINUTE);
        }
        if seconds < 48.0 * HOUR {
            let tens = (seconds / (10.0 * MINUTE)).round();
            let (hours, minutes) = ((tens / 6.0).floor(), tens % 6.0 * 10.0);
            return if minutes > 0.0 { write!(f, "{hours} h {minutes} min") } else { write!(f, "{hours} h") };
        }
        let hours = (seconds / HOUR).round();
        let (days, hours) = ((hours / 24.0).floor(), hours % 24.0);
        if hours > 0.0 { write!(f, "{days} d {hours} h") } else { write!(f, "{days} d") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Pace = Pace { places: 16, latency: Some(Duration::from_millis(100)) };

    fn seen(entity: Entity, keys: usize, requests: &[(Route, usize)]) -> Observed {
        let mut observed = Observed::default();
        also_seen(&mut observed, entity, keys, requests);
        observed
    }

    fn also_seen(observed: &mut Observed, entity: Entity, keys: usize, requests: &[(Route, usize)]) {
        for _ in 0..keys {
            requests
                .iter()
                .for_each(|(route, count)| (0..*count).for_each(|_| observed.request(entity, *route)));
            observed.arrived(entity);
        }
    }

    fn seconds(estimate: Option<Estimate>) -> Option<f64> {
        estimate.map(|estimate| estimate.seconds.round())
    }

    #[test]
    fn keys_times_requests_through_the_rate_of_the_tightest_route() {
        let observed = seen(Entity::Price, 100, &[(Route::PriceRead, 1), (Route::PricePut, 1)]);
        let allowed = |route| if route == Route::PricePut { 25.0 } else { 50.0 };
        let found = estimate(Lane::Price, |_| 5_000, &observed, allowed, FAST).unwrap();
        assert_eq!((found.keys, found.requests, found.seconds), (5_000, 10_000.0, 200.0));
        assert_eq!(found.rate(), 50.0);
    }

    #[test]
    fn entities_of_a_lane_share_its_routes() {
        let mut observed = seen(Entity::Product, 50, &[(Route::CatalogWrite, 2)]);
        also_seen(&mut observed, Entity::Sku, 50, &[(Route::CatalogWrite, 5), (Route::SkuLookup, 0)]);
        let waiting = |entity| match entity {
            Entity::Product => 1_000,
            Entity::Sku => 6_000,
            _ => 0,
        };
        let found = estimate(Lane::Catalog, waiting, &observed, |_| 40.0, FAST);
        assert_eq!(seconds(found), Some((2_000.0_f64 + 30_000.0) / 40.0));
    }

    #[test]
    fn slow_answers_count_where_they_are_what_holds_it_up() {
        let observed = seen(Entity::Stock, 50, &[(Route::StockWrite, 1)]);
        let slow = Pace { places: 2, latency: Some(Duration::from_secs(1)) };
        let found = estimate(Lane::Stock, |_| 1_000, &observed, |_| 50.0, slow);
        assert_eq!(seconds(found), Some(500.0));
    }

    #[test]
    fn what_nobody_has_seen_has_no_estimate() {
        let few = seen(Entity::Sku, 19, &[(Route::CatalogWrite, 5)]);
        assert_eq!(estimate(Lane::Catalog, |_| 100, &few, |_| 40.0, FAST), None);
        // A few brands do not make it unknown, most of the keys do.
        let skus = seen(Entity::Sku, 20, &[(Route::CatalogWrite, 5)]);
        let waiting = |skus: usize| move |entity| if entity == Entity::Sku { skus } else { 10 };
        assert_eq!(estimate(Lane::Catalog, waiting(10), &skus, |_| 40.0, FAST), None);
        let found = estimate(Lane::Catalog, waiting(970), &skus, |_| 40.0, FAST);
        assert_eq!(seconds(found), Some(125.0), "1,000 keys at 5 requests");
        assert_eq!(estimate(Lane::Stock, |_| 1, &skus, |_| 50.0, FAST), None, "another lane");
        assert_eq!(
            estimate(Lane::Catalog, waiting(970), &skus, |_| 0.0, FAST),
            None,
            "it would take for ever"
        );
    }

    #[test]
    fn nothing_waits_for_nothing() {
        let found = estimate(Lane::Price, |_| 0, &Observed::default(), |_| 33.0, FAST).unwrap();
        assert_eq!((found.keys, found.seconds, found.rate()), (0, 0.0, 0.0));
    }

    #[test]
    fn what_keys_took_long_ago_fades() {
        let mut observed = seen(Entity::Sku, 10_000, &[(Route::CatalogWrite, 6)]);
        also_seen(&mut observed, Entity::Sku, 10_000, &[(Route::CatalogWrite, 1)]);
        let found = estimate(
            Lane::Catalog,
            |entity| usize::from(entity == Entity::Sku) * 1_000,
            &observed,
            |_| 1.0,
            FAST,
        );
        assert!(found.unwrap().requests < 1_020.0, "{found:?}");
    }

    #[test]
    fn times_are_told_as_people_say_them() {
        let table = [
            (0.0, "0 s"),
            (0.2, "1 s"),
            (89.0, "89 s"),
            (95.0, "2 min"),
            (3_600.0, "60 min"),
            (5_400.0, "1 h 30 min"),
            (7_190.0, "2 h"),
            (11_500.0, "3 h 10 min"),
            (172_700.0, "48 h"),
            (187_200.0, "2 d 4 h"),
            (259_200.0, "3 d"),
        ];
        for (seconds, text) in table {
            assert_eq!(About(seconds).to_string(), text, "{seconds}");
        }
    }
}
