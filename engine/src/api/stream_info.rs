//! What a listing says of a stream.

/// A stream in a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamInfo {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
}
