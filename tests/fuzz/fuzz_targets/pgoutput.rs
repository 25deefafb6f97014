//! Any payload is a message or an error, and its list of cells stays small.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mare::source::postgres::pgoutput::{COLUMNS_MAX, Message, decode};

fuzz_target!(|payload: &[u8]| {
    let mut cells = Vec::new();
    if let Ok(Message::Truncate { relations, .. }) = decode(payload, &mut cells) {
        assert_eq!(relations.iter().count(), relations.iter().len());
    }
    assert!(cells.capacity() <= 4 * COLUMNS_MAX);
});
