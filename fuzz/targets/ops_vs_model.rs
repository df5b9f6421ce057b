//! The fuzz target of [`fuzz::ops_vs_model`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::ops_vs_model(input));
