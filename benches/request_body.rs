//! What it costs to write the body of a request: nanoseconds, so that the wire is what takes time.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mare::core::call::Call;
use mare::core::entity::SkuId;
use mare::core::money::Money;
use mare::core::time::Timestamp;
use mare::core::value::{FixedPrice, Price};
use mare::vtex::request_body;

const AT: Timestamp = Timestamp(1_706_728_321_025_662);

fn bodies(bench: &mut Criterion) {
    let sku = SkuId(4_351);
    let stock = Call::SetStock { sku, warehouse: "loja-0042".into(), quantity: 201, balance_at: AT };
    let price = Price {
        base: Some(Money(10_000)),
        list: Some(Money(12_050)),
        cost: Some(Money(3_500)),
        fixed: Vec::new(),
    };
    let fixed = |index: u32| FixedPrice {
        trade_policy: "ouro".into(),
        min_quantity: index,
        valid: Some((AT, Timestamp(AT.0 + 1_000_000))),
        value: Money(9_990),
        list: None,
    };
    let with_fixed = Price { fixed: (1..=10).map(fixed).collect(), ..price.clone() };

    bench.bench_function("SetStock", |it| it.iter(|| request_body(black_box(&stock))));
    let call = Call::PutPrice { sku, price };
    bench.bench_function("PutPrice", |it| it.iter(|| request_body(black_box(&call))));
    let call = Call::PutPrice { sku, price: with_fixed };
    bench.bench_function("PutPrice with 10 fixed prices", |it| it.iter(|| request_body(black_box(&call))));
}

criterion_group!(benches, bodies);
criterion_main!(benches);
