//! How long one row takes from the received bytes to borrowed cells.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mare::core::row::Cell;
use mare::source::postgres::pgoutput::{Message, decode, recycle};

/// An update of a stock row: key, warehouse, four quantities, time of the change.
fn stock_update(binary: bool) -> Vec<u8> {
    let columns: [&[u8]; 7] = if binary {
        [
            &[0x5A; 16],
            &[0, 0, 0, 7],
            &[0, 2, 0, 0, 0, 0, 0, 3, 0, 12, 0x13, 0x88],
            &[0, 1, 0, 0, 0, 0, 0, 0, 0, 3],
            &[0, 0, 0, 0, 0, 0, 0, 0],
            &[1],
            &[0, 2, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6],
        ]
    } else {
        [
            b"5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a",
            b"7",
            b"12.500",
            b"3.000",
            b"0.000",
            b"t",
            b"2026-11-23 14:05:31.123456+00",
        ]
    };
    let mut payload = b"U\0\0\x40\x01N\0\x07".to_vec();
    for column in columns {
        payload.push(if binary { b'b' } else { b't' });
        payload.extend((column.len() as u32).to_be_bytes());
        payload.extend(column);
    }
    payload
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pgoutput");
    group.throughput(Throughput::Elements(1));
    for (name, binary) in [("stock update, binary", true), ("stock update, text", false)] {
        let payload = stock_update(binary);
        let mut spare: Vec<Cell<'static>> = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut cells = recycle(std::mem::take(&mut spare));
                match decode(black_box(&payload), &mut cells) {
                    Ok(Message::Row { change, .. }) => black_box(&change),
                    other => panic!("expected a row, got {other:?}"),
                };
                spare = recycle(cells);
            });
        });
    }
    group.finish();
}

criterion_group!(decode_benches, benches);
criterion_main!(decode_benches);
