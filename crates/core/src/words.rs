//! Byte strings as words of eight bytes.
//!
//! Not here: what the words are used for.

/// The bytes after the last complete word, padded with zeros, as a little-endian number.
pub(crate) fn tail(bytes: &[u8]) -> u64 {
    let rest = bytes.len() % 8;
    // One or two overlapping reads instead of a loop over the bytes.
    if let Some(word) = bytes.last_chunk::<8>() {
        // The shift is below 64 unless there is no rest.
        return match rest {
            0 => 0,
            _ => u64::from_le_bytes(*word) >> (64 - 8 * rest),
        };
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let last = u64::from(u32::from_le_bytes(*last)) << (8 * (rest - 4));
        return u64::from(u32::from_le_bytes(*first)) | last;
    }
    let byte = |at: usize| bytes.get(at).map_or(0, |byte| u64::from(*byte));
    byte(0) | byte(1) << 8 | byte(2) << 16
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn a_tail_is_what_follows_the_last_whole_word() {
        let bytes: [u8; 40] = core::array::from_fn(|at| at as u8 ^ 0xA5);
        for len in 0..bytes.len() {
            let bytes = &bytes[..len];
            let mut last = [0; 8];
            let (_, rest) = bytes.as_chunks::<8>();
            last[..rest.len()].copy_from_slice(rest);
            assert_eq!(tail(bytes), u64::from_le_bytes(last), "{len}");
        }
    }
}
