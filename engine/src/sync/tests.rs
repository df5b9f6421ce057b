//! The latch under real threads.
