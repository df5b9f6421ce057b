//! The fuzz target of [`fuzz::open_hostile_file`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::open_hostile_file(input));
