//! Comparing secrets.

/// Whether two secrets are equal, in time that depends on the given one's length alone: never on where they differ.
pub fn equal(ours: &[u8], given: &[u8]) -> bool {
    let mut difference = ours.len() ^ given.len();
    for (index, byte) in given.iter().enumerate() {
        difference |= usize::from(byte ^ ours.get(index % ours.len().max(1)).unwrap_or(&0));
    }
    // The compiler must not see that one difference is enough.
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_compared_whole() {
        assert!(equal(b"abc", b"abc"));
        for wrong in ["", "ab", "abd", "abcabc", "abca", "Abc"] {
            assert!(!equal(b"abc", wrong.as_bytes()), "{wrong}");
        }
        assert!(!equal(b"", b"a"));
    }
}
