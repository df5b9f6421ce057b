//! The fuzz target of [`fuzz::crash_ops`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::crash_ops(input));
