//! Helpers to mutate the content of an encoded input.

use libfuzzer_sys::fuzzer_mutate;

/// Mutates `part` with libFuzzer; it may grow by `room` bytes.
pub(crate) fn changed(part: &[u8], room: usize) -> Vec<u8> {
    let mut bytes = part.to_vec();
    bytes.resize(part.len() + room.clamp(1, 64), 0);
    let most = bytes.len();
    let size = fuzzer_mutate(&mut bytes, part.len(), most);
    bytes.truncate(size);
    bytes
}

/// Writes `made` to libFuzzer's buffer and returns its size. If it does not fit, the plain bytes
/// are mutated instead.
pub(crate) fn put(made: &[u8], data: &mut [u8], size: usize, max_size: usize) -> usize {
    match data.get_mut(..made.len()) {
        Some(room) if made.len() <= max_size => {
            room.copy_from_slice(made);
            made.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
}
