//! See `tollgate_fuzz::cookies`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::cookies::check(data));
