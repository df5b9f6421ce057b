//! Records: round trips, hostile bytes, and the bytes that must never change.
