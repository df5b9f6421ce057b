//! What every layer shares: errors, ids and checksums. Imports nothing of the crate.

mod checksum;
mod error;
#[macro_use]
pub mod hooks;
mod ids;
mod shared_bytes;

pub use checksum::{checksum, checksum_seeded};
pub use error::{Error, ErrorCode, Result};
pub use ids::{BlockId, Era, IdMap, Lsn, StreamId, TxnId};
pub use shared_bytes::SharedBytes;

/// Bytes in one block, the unit of disk space and of every write to the data file.
pub const BLOCK_BYTES: usize = 4096;

/// The directory that `path` is in.
pub fn parent_dir(path: &std::path::Path) -> &std::path::Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => std::path::Path::new("."),
    }
}
