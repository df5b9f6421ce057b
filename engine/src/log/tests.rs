//! The log against a disk in memory that tears, rots and fails.
