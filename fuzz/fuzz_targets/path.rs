//! See `tollgate_fuzz::path`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::path::check(data));
