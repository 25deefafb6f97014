//! Keys and values as the ledger has them: an entity, a warehouse and a SKU reference; some 60 bytes of record.

use fastrand::Rng;

pub(crate) const VALUE_BYTES: usize = 60;
const WAREHOUSES: u64 = 20;

/// The `index`th of `keys` keys, in the order of their bytes.
pub(crate) fn key(index: u64, keys: u64) -> Vec<u8> {
    let per_warehouse = keys.div_ceil(WAREHOUSES);
    let (warehouse, sku) = (index / per_warehouse, index % per_warehouse);
    format!("\u{1}{warehouse:03}_1/{sku:012}-AZUL-0042").into_bytes()
}

/// A key of the same shape that no engine holds.
pub(crate) fn absent_key(index: u64, keys: u64) -> Vec<u8> {
    let mut key = key(index, keys);
    key.push(b'x');
    key
}

/// The value that batch number `batch` writes. Half of it does not compress, as in a real record.
pub(crate) fn value(batch: u64, random: &mut Rng) -> [u8; VALUE_BYTES] {
    let mut value = [b'1'; VALUE_BYTES];
    value[..8].copy_from_slice(&batch.to_be_bytes());
    random.fill(&mut value[8..34]);
    value
}

/// Which batch wrote a value.
pub(crate) fn batch_of(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(value.get(..8)?.try_into().ok()?))
}

/// The sorted, distinct indexes of batch number `batch`: the same ones whenever they are asked for.
pub(crate) fn indexes(batch: u64, upserts: usize, keys: u64) -> Vec<u64> {
    let mut random = Rng::with_seed(batch.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut indexes: Vec<u64> = (0..upserts).map(|_| random.u64(..keys)).collect();
    indexes.sort_unstable();
    indexes.dedup();
    indexes
}

pub(crate) type Pairs = Vec<(Vec<u8>, [u8; VALUE_BYTES])>;

/// Batch number `batch`: sorted upserts of random keys.
pub(crate) fn random_batch(batch: u64, upserts: usize, keys: u64) -> Pairs {
    let mut random = Rng::with_seed(!batch);
    indexes(batch, upserts, keys)
        .into_iter()
        .map(|index| (key(index, keys), value(batch, &mut random)))
        .collect()
}

/// A run of neighbouring keys, as a first load brings them.
pub(crate) fn run_of_keys(batch: u64, from: u64, to: u64, keys: u64) -> Pairs {
    let mut random = Rng::with_seed(from);
    (from..to).map(|index| (key(index, keys), value(batch, &mut random))).collect()
}
