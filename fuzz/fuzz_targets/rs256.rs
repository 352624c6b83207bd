//! See `tollgate_fuzz::rs256`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::rs256::check(data));
