//! See `tollgate_fuzz::es256`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::es256::check(data));
