//! The first load of a catalog into an empty account.

use mare::core::call::{Lane, Route};
use mare::core::record::Cause;
use mare::core::time::Tick;

use crate::clockwork::Clockwork;
use crate::shop::{self, Size};

/// That of `mare shop create --size medio`.
const WHOLE: Size = Size { products: 15_000 };

/// As much of it as a test has time for; `MARE_SCALE_PRODUCTS=15000` loads it all.
fn share() -> Size {
    let given = std::env::var("MARE_SCALE_PRODUCTS").ok().and_then(|text| text.parse().ok());
    Size { products: given.unwrap_or(2_000) }
}

/// Everything is wanted at once, what hangs on others before what it hangs on.
fn want_everything(clockwork: &mut Clockwork, size: Size) -> usize {
    let wanted = shop::stock(size)
        .chain(shop::prices(size))
        .chain(shop::skus(size))
        .chain(shop::products(size))
        .chain(shop::categories())
        .chain(shop::brands());
    wanted.map(|(key, value)| clockwork.want(&key, value, Cause::Resync)).count()
}

/// One event, and whether it kept to the rules.
fn step(clockwork: &mut Clockwork) -> bool {
    let goes_on = clockwork.step();
    for lane in Lane::ALL {
        let most = clockwork.dispatch.tuning().concurrency.of(lane) as usize;
        assert!(clockwork.out(lane) <= most, "too many requests of lane {}", lane.name());
    }
    assert_eq!(clockwork.account.wrong, Vec::<String>::new(), "sent before what it hangs on, or twice");
    goes_on
}

#[test]
fn the_first_sku_is_for_sale_within_seconds_while_three_hundred_thousand_keys_wait() {
    let mut clockwork = Clockwork::new();
    let all = want_everything(&mut clockwork, WHOLE);
    while clockwork.account.sellable == 0 {
        assert!(step(&mut clockwork));
    }
    let seconds = clockwork.now.tick.0.as_secs_f64();
    let waiting = clockwork.dispatch.stats(clockwork.now).keys;
    println!("{all} keys, {waiting} of them wait when the first SKU is for sale, after {seconds:.1} s");
    assert!(waiting > 300_000);
    assert!(seconds < 15.0, "{seconds:.1} s");
}

#[test]
fn a_catalog_loads_in_the_order_of_what_hangs_on_what_and_uses_the_whole_budget() {
    let size = share();
    let mut clockwork = Clockwork::new();
    let all = want_everything(&mut clockwork, size);
    // When the tenths of the SKUs were for sale.
    let mut tenths: Vec<Tick> = Vec::new();
    // What was said at those moments of how long the rest would take.
    let mut estimates: Vec<(Tick, f64)> = Vec::new();
    let left = |clockwork: &mut Clockwork, lane| clockwork.dispatch.stats(clockwork.now).lanes[&lane].left;
    assert_eq!(left(&mut clockwork, Lane::Catalog), None, "nothing was seen yet");
    while step(&mut clockwork) {
        if estimates.len() < tenths.len() {
            let lanes = [Lane::Catalog, Lane::Price, Lane::Stock].map(|lane| left(&mut clockwork, lane));
            let seconds = lanes.iter().flatten().map(|left| left.seconds).fold(0.0, f64::max);
            estimates.push((clockwork.now.tick, seconds));
        }
        while clockwork.account.sellable * 10 > tenths.len() * size.skus() {
            tenths.push(clockwork.now.tick);
        }
    }
    let writes = &clockwork.sent[Route::CatalogWrite as usize];
    let rate = clockwork.dispatch.tuning().routes.of(Route::CatalogWrite).per_second;
    let used = writes.requests as f64 / (rate * writes.last.0.as_secs_f64());
    let requests: u64 = clockwork.sent.iter().map(|sent| sent.requests).sum();
    let per_sku = requests as f64 / size.skus() as f64;
    println!(
        "{all} keys and {requests} requests in {:.2} h: {:.1} % of the budget for writes, {per_sku:.2} requests a SKU",
        clockwork.now.tick.0.as_secs_f64() / 3600.0,
        used * 100.0
    );

    assert_eq!(clockwork.account.sellable, size.skus(), "every SKU is for sale");
    assert_eq!(clockwork.confirmed.len(), all, "everything is confirmed");
    assert!(clockwork.dispatch.is_idle() && clockwork.dispatch.parked(None, 1).is_empty());
    assert!(used >= 0.97, "{used:.3} of the budget for writes was used");
    // Five to make a SKU, two for its price, one and a half for its stock; its share of the product and of look-ups.
    assert!(per_sku <= 10.5, "{per_sku:.2} requests a SKU");
    let end = clockwork.now.tick.0.as_secs_f64();
    // Of the first ones there were too few to tell.
    for (at, seconds) in &estimates[1..9] {
        let truth = end - at.0.as_secs_f64();
        assert!((seconds / truth - 1.0).abs() < 0.15, "{seconds:.0} s were said, {truth:.0} s it took");
    }
    // One after the other, and not all of them at the end.
    for (tenth, at) in tenths.iter().enumerate() {
        let on_time = (tenth as f64 + 0.5) / 10.0 * end;
        assert!(at.0.as_secs_f64() < on_time, "{tenth} tenths are for sale after {at:?} of {end:.0} s");
    }
}
