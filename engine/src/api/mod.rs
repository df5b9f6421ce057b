//! What users of the library see.

mod background;
mod database;
#[cfg(feature = "internals")]
mod forged;
pub mod inspect;
mod options;
mod place;
mod range;
mod reads;
mod shared;
mod snapshot;
mod stats;
mod stream;
mod stream_info;
mod transaction;

pub use database::Database;
pub use options::Options;
pub use snapshot::{Snapshot, SnapshotStream, StreamReader};
pub use stats::Stats;
pub use stream::Stream;
pub use stream_info::StreamInfo;
pub use transaction::Transaction;

pub use crate::txn::Durability;
