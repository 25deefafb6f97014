use proptest::prelude::*;

use super::*;

const SKU: SkuId = SkuId(7);
const AT: Timestamp = Timestamp(1_000);

fn money(cents: i64) -> Option<Money> {
    Some(Money(cents))
}

fn fixed(trade_policy: &str, min_quantity: u32, cents: i64) -> FixedPrice {
    let trade_policy = CompactString::new(trade_policy);
    FixedPrice { trade_policy, min_quantity, valid: None, value: Money(cents), list: None }
}

fn price(base: Option<Money>, fixed: &[FixedPrice]) -> Price {
    Price { base, fixed: fixed.to_vec(), ..Price::default() }
}

/// VTEX as the documents describe it, for one key.
#[derive(Debug, Clone, Default)]
struct Vtex {
    stock: Option<RemoteStock>,
    price: Option<RemotePrice>,
}

impl Vtex {
    fn answer(&mut self, call: &Call) -> Answer {
        match call {
            Call::ReadStock { .. } => return Answer::Stock(self.stock),
            Call::ReadPrice { .. } => return Answer::Price(self.price.clone()),
            Call::SetStock { quantity, .. } => self.stock = Some(balance(*quantity)),
            Call::PutPrice { price, .. } => self.price = Some(remote(price)),
            Call::PatchFixed { fixed, .. } => upsert(&mut self.price.get_or_insert_default().fixed, fixed),
            Call::DeleteFixed { trade_policy, .. } => {
                let held = &mut self.price.as_mut().unwrap().fixed;
                held.retain(|fixed| fixed.trade_policy != *trade_policy);
            }
            Call::DeletePrice { .. } => self.price = None,
            Call::ReadBalances { .. } => panic!("no key plans it"),
            Call::FindSkus { .. } | Call::Catalog(_) | Call::People(_) | Call::Order(_) | Call::Bulk(_) => {
                unreachable!("no plan of stock or prices asks for this")
            }
        }
        Answer::Done
    }
}

/// Runs a job to its end and returns its calls.
fn run(
    vtex: &mut Vtex,
    wanted: &Value,
    confirmed: Option<&Value>,
    rules: &PriceRules,
    doubt: bool,
) -> Vec<Call> {
    let key = match wanted {
        Value::Stock(_) => Key::stock("1_1", "SKU-1"),
        _ => Key::price("SKU-1"),
    };
    let links = Links { own: Some(RemoteId::Number(SKU.0)), parents: Vec::new() };
    let mut held = confirmed.filter(|_| !doubt).map_or(Held::Unknown, Held::confirmed);
    let mut calls = Vec::new();
    let catalog = CatalogRules::default();
    loop {
        let situation = Situation {
            key: &key,
            links: &links,
            wanted,
            committed_at: AT,
            now: Timestamp(0),
            attempts: 0,
            confirmed,
            read_first: doubt,
            held: &held,
            rules: Rules { price: rules, catalog: &catalog, orders: &OrderRules::default() },
        };
        let Next::Call(call) = next(&situation) else { return calls };
        assert!(calls.len() < 20, "a job ends: {calls:?}");
        let answer = vtex.answer(&call);
        held = held.after(&call, &answer);
        calls.push(call);
    }
}

fn routes(calls: &[Call]) -> Vec<&'static str> {
    calls.iter().map(|call| call.route().name()).collect()
}

fn run_price(vtex: &mut Vtex, wanted: Price, confirmed: Option<Price>, rules: &PriceRules) -> Vec<Call> {
    let confirmed = confirmed.map(|price| Value::Price(Box::new(price)));
    run(vtex, &Value::Price(Box::new(wanted)), confirmed.as_ref(), rules, false)
}

#[test]
fn stock_is_one_write_with_the_time_of_the_commit() {
    let wanted = Value::Stock(Stock::of(3));
    let calls = run(&mut Vtex::default(), &wanted, None, &PriceRules::default(), false);
    let warehouse = CompactString::new("1_1");
    assert_eq!(calls, [Call::SetStock { sku: SKU, warehouse, quantity: 3, balance_at: AT }]);
}

#[test]
fn doubtful_stock_is_read_and_written_only_when_it_differs() {
    let wanted = Value::Stock(Stock::of(3));
    let cases: [(Option<RemoteStock>, &[&str]); 4] = [
        (Some(balance(3)), &["stock-read"]),
        (Some(balance(4)), &["stock-read", "stock-write"]),
        (None, &["stock-read", "stock-write"]),
        (Some(RemoteStock { unlimited: true, ..balance(3) }), &["stock-read", "stock-write"]),
    ];
    for (stock, expected) in cases {
        let mut vtex = Vtex { stock, price: None };
        let calls = run(&mut vtex, &wanted, Some(&wanted), &PriceRules::default(), true);
        assert_eq!(routes(&calls), expected, "{stock:?}");
    }
}

#[test]
fn a_base_price_never_wipes_what_others_wrote() {
    let foreign = fixed("outlet", 1, 500);
    let held = RemotePrice {
        list: money(2000),
        ..remote(&price(money(1000), &[foreign.clone(), fixed("1", 1, 900)]))
    };
    let mut vtex = Vtex { stock: None, price: Some(held) };
    let confirmed = price(money(1000), &[fixed("1", 1, 900)]);
    let wanted = price(money(1100), &[fixed("1", 1, 950)]);
    let calls = run_price(&mut vtex, wanted, Some(confirmed), &PriceRules::default());
    assert_eq!(routes(&calls), ["price-read", "price-put"]);
    let held = vtex.price.unwrap();
    assert_eq!((held.base, held.list), (money(1100), money(2000)));
    assert_eq!(held.fixed, [fixed("1", 1, 950), foreign]);
}

#[test]
fn a_price_that_vtex_has_already_is_not_written() {
    let wanted = price(money(1000), &[fixed("1", 1, 900)]);
    let mut vtex = Vtex { stock: None, price: Some(remote(&wanted)) };
    assert_eq!(routes(&run_price(&mut vtex, wanted, None, &PriceRules::default())), ["price-read"]);
}

#[test]
fn only_added_or_changed_fixed_prices_are_patched() {
    let confirmed = price(money(1000), &[fixed("1", 1, 900)]);
    let wanted = price(money(1000), &[fixed("1", 1, 900), fixed("1", 10, 800)]);
    let mut vtex = Vtex { stock: None, price: Some(remote(&confirmed)) };
    let calls = run_price(&mut vtex, wanted, Some(confirmed), &PriceRules::default());
    assert_eq!(calls, [Call::PatchFixed { sku: SKU, fixed: vec![fixed("1", 10, 800)] }]);
}

#[test]
fn a_removed_fixed_price_without_any_base_is_deleted_with_its_policy_and_the_rest_sent_again() {
    let confirmed = price(None, &[fixed("1", 1, 900), fixed("1", 10, 800)]);
    let mut vtex = Vtex { stock: None, price: Some(remote(&confirmed)) };
    let wanted = price(None, &[fixed("1", 1, 900)]);
    let calls = run_price(&mut vtex, wanted.clone(), Some(confirmed), &PriceRules::default());
    assert_eq!(routes(&calls), ["price-read", "price-delete", "price-patch"]);
    assert_eq!(vtex.price, Some(remote(&wanted)));
}

#[test]
fn whoever_owns_all_prices_and_knows_all_writes_without_reading() {
    let wanted = Price { list: money(1200), cost: money(700), ..price(money(1000), &[]) };
    let rules = PriceRules { owns_fixed_prices: true, ..PriceRules::default() };
    let mut vtex = Vtex { stock: None, price: Some(remote(&price(money(1), &[fixed("2", 1, 1)]))) };
    assert_eq!(routes(&run_price(&mut vtex, wanted.clone(), None, &rules)), ["price-put"]);
    assert_eq!(vtex.price, Some(remote(&wanted)));
    let without_cost = Price { base: money(900), cost: None, ..wanted.clone() };
    assert_eq!(
        routes(&run_price(&mut vtex, without_cost, Some(wanted), &rules)),
        ["price-read", "price-put"]
    );
    assert_eq!(vtex.price.unwrap().cost, money(700), "VTEX keeps what Live does not have");
}

#[test]
fn a_missing_base_price_is_kept_unless_the_rules_delete_it() {
    let confirmed = price(money(1000), &[]);
    let keep = PriceRules::default();
    let delete = PriceRules { on_missing_price: OnMissingPrice::Delete, ..PriceRules::default() };
    let mut vtex = Vtex { stock: None, price: Some(remote(&confirmed)) };
    assert_eq!(run_price(&mut vtex, price(None, &[]), Some(confirmed.clone()), &keep), []);
    assert_eq!(
        run_price(&mut vtex, price(None, &[]), None, &delete),
        [Call::ReadPrice { sku: SKU }],
        "not ours"
    );
    let calls = run_price(&mut vtex, price(None, &[]), Some(confirmed), &delete);
    assert_eq!(calls, [Call::DeletePrice { sku: SKU }]);
}

fn any_fixed(policies: &'static [&'static str]) -> impl Strategy<Value = Vec<FixedPrice>> {
    let one = (prop::sample::select(policies), prop::sample::select(&[1_u32, 10][..]), 1..4_i64);
    prop::collection::vec(one, 0..4).prop_map(|all| {
        let mut fixed_prices = Vec::new();
        all.iter().for_each(|(policy, min, cents)| upsert(&mut fixed_prices, &[fixed(policy, *min, *cents)]));
        fixed_prices
    })
}

fn any_price() -> impl Strategy<Value = Price> {
    let money = || prop::option::of((1..4_i64).prop_map(Money));
    (money(), money(), money(), any_fixed(&["1", "2"])).prop_map(|(base, list, cost, fixed)| Price {
        base,
        list,
        cost,
        fixed,
    })
}

proptest! {
    /// Whatever was confirmed and wanted: VTEX ends up with every price that Live has, without those
    /// that Live took back, and with all that others wrote.
    #[test]
    fn a_finished_job_leaves_vtex_with_ours_as_wanted_and_the_rest_untouched(
        before in prop::option::of(any_price()),
        wanted in any_price(),
        foreign in any_fixed(&["outlet", "vip"]),
        doubt in any::<bool>(),
        lost in any::<bool>(),
    ) {
        let mut held = before.as_ref().map(remote);
        if !foreign.is_empty() {
            upsert(&mut held.get_or_insert_default().fixed, &foreign);
        }
        if doubt && lost {
            held = held.map(|held| RemotePrice { base: Some(Money(99)), ..held }); // a write that was applied unseen
        }
        let mut vtex = Vtex { stock: None, price: held.clone() };
        let confirmed = before.map(|price| Value::Price(Box::new(price)));
        let value = Value::Price(Box::new(wanted.clone()));
        let calls = run(&mut vtex, &value, confirmed.as_ref(), &PriceRules::default(), doubt);
        prop_assert!(calls.len() <= 5, "{calls:?}");
        let (after, held) = (vtex.price.unwrap_or_default(), held.unwrap_or_default());
        prop_assert_eq!(after.base, wanted.base.or(held.base));
        if after.base.is_some() {
            prop_assert_eq!(after.list, wanted.list.or(held.list));
            prop_assert_eq!(after.cost, wanted.cost.or(held.cost));
        }
        let mut expected = wanted.fixed.clone();
        upsert(&mut expected, &foreign);
        prop_assert_eq!(after.fixed, expected);
    }
}
