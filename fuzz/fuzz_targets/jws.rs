//! See `tollgate_fuzz::jws`.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| tollgate_fuzz::jws::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tollgate_fuzz::jws::mutate(data, size, max_size, seed)
});
