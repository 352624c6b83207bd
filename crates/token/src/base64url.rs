//! Strict base64url without padding (RFC 4648 §5), as JOSE uses it.
//!
//! Each byte string has exactly one encoding: whatever [`decode`] accepts encodes to the same
//! string again. Padding, white space, characters of the standard alphabet and non-zero spare bits
//! are rejected, because otherwise a token would have several spellings. Not for secrets: decoding
//! uses a lookup table.

use alloc::vec::Vec;

/// Decodes a string; `None` if it is not canonical.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (groups, rest) = text.as_chunks::<4>();
    // A character outside the alphabet sets a bit above the six that a valid one can set, so one
    // check at the end covers all characters.
    let mut seen = 0;
    for &[a, b, c, d] in groups {
        let (a, b, c, d) = (six_bits(a), six_bits(b), six_bits(c), six_bits(d));
        seen |= a | b | c | d;
        bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    match *rest {
        [] => {}
        [a, b] => {
            let (a, b) = (six_bits(a), six_bits(b));
            seen |= a | b | spare(b, 4);
            bytes.push(a << 2 | b >> 4);
        }
        [a, b, c] => {
            let (a, b, c) = (six_bits(a), six_bits(b), six_bits(c));
            seen |= a | b | c | spare(c, 2);
            bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2]);
        }
        _ => return None,
    }
    (seen & BAD == 0).then_some(bytes)
}

fn six_bits(letter: u8) -> u8 {
    TABLE.get(usize::from(letter)).copied().unwrap_or(BAD)
}

/// `BAD` if any of the lowest `bits` bits, which encode nothing, is set.
const fn spare(value: u8, bits: u8) -> u8 {
    if value & ((1 << bits) - 1) == 0 {
        0
    } else {
        BAD
    }
}

const BAD: u8 = 0x80;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which checks the bounds"
)]
const TABLE: [u8; 256] = {
    let mut table = [BAD; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        table[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    table
};

/// Encodes bytes. [`decode`] accepts only this encoding.
pub fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
        let number = number << (8 * (3 - group.len()));
        let letter = |place| ALPHABET.get((number >> (18 - 6 * place) & 63) as usize);
        text.extend((0..=group.len()).filter_map(letter));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverts_encoding() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length)
                .map(|i| i.wrapping_mul(37).wrapping_add(length))
                .collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn has_one_spelling_for_each_value() {
        // Every text of up to three letters over a full byte alphabet is either rejected or canonical.
        let mut accepted = 0;
        for a in 0..=255_u8 {
            for b in 0..=255_u8 {
                for text in [&[a][..], &[a, b], &[b'A', a, b], &[b'A', b'_', a, b]] {
                    if let Some(bytes) = decode(text) {
                        accepted += 1;
                        assert_eq!(encode(&bytes), text);
                    }
                }
            }
        }
        assert_eq!(accepted, 256 + 64 * 16 + 64 * 64);
    }

    #[test]
    fn refuses() {
        for text in [
            "=", "QQ==", "QQ=", "QR", "QUF", "Q Q", "QQ\n", "Q+", "Q/", "QQQQQ", "Q.", "%3D",
            "QQ%3D",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn two_bad_letters_are_no_good_ones() {
        for length in 2..8 {
            for first in 0..length {
                for second in first + 1..length {
                    let mut text = b"AAAAAAA"[..length].to_vec();
                    text[first] = b'!';
                    text[second] = b'!';
                    assert_eq!(decode(&text), None, "{length} {first} {second}");
                }
            }
        }
    }
}
