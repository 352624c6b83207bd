//! See `tollgate_fuzz::sign_in`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tollgate_fuzz::sign_in::check(data));
