//! Help for changing what is inside of a form.

use libfuzzer_sys::fuzzer_mutate;

/// What libFuzzer makes of `part`, which may grow by `room` bytes.
pub(crate) fn changed(part: &[u8], room: usize) -> Vec<u8> {
    let mut bytes = part.to_vec();
    bytes.resize(part.len() + room.clamp(1, 64), 0);
    let most = bytes.len();
    let size = fuzzer_mutate(&mut bytes, part.len(), most);
    bytes.truncate(size);
    bytes
}

/// Puts `made` where libFuzzer takes it from; its size. What does not fit is changed as plain bytes instead.
pub(crate) fn put(made: &[u8], data: &mut [u8], size: usize, max_size: usize) -> usize {
    match data.get_mut(..made.len()) {
        Some(room) if made.len() <= max_size => {
            room.copy_from_slice(made);
            made.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
}
