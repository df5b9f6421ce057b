//! NumStore: an embedded, transactional database for contiguous bytes, whose middle is as cheap as its end.
//!
//! A database is one file of named *streams*. A stream is read, overwritten, inserted into and cut anywhere in O(log n),
//! in transactions that survive a crash at any instant. Start with [`Database::open`].
//!
//! Layers, each importing only from those below it: `api`, `recovery`, `txn`, `lock`, `catalog`, `tree`, `space`, `map`,
//! `cache`, `log`, `format`, `sync`, `env`, `base`.

#[macro_use]
mod base;
mod api;
mod cache;
mod catalog;
pub mod env;
#[cfg_attr(not(test), deny(clippy::cast_possible_truncation))]
mod format;
mod lock;
#[cfg_attr(not(test), deny(clippy::cast_possible_truncation))]
mod log;
mod map;
mod recovery;
#[cfg_attr(not(test), deny(clippy::cast_possible_truncation))]
mod space;
pub mod sync;
#[cfg_attr(not(test), deny(clippy::cast_possible_truncation))]
mod tree;
mod txn;

pub use api::{
    Database, Durability, Options, Snapshot, SnapshotStream, Stats, Stream, StreamInfo, StreamReader,
    Transaction, inspect,
};
#[doc(hidden)]
pub use base::hooks;
pub use base::{BLOCK_BYTES, BlockId, Error, ErrorCode, Lsn, Result, StreamId, TxnId};
pub use env::{Env, RealEnv};
pub use format::stride::Stride;
pub use lock::{LockInfo, Mode as LockMode, Picture as Locks, Span as LockSpan, Target as LockTarget};
pub use recovery::{RecoveryReport, Verification};
pub use txn::Savepoint;

/// Parts of the inside, for models and the simulator. No part of the interface: it changes without notice.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    use std::sync::Arc;

    use crate::base::{Era, Lsn};
    use crate::catalog::{Maps, Overlay};
    use crate::map::OrderedMap;

    pub use crate::cache::{NodeCache, Shelf, Weigh};
    pub use crate::catalog::Version;
    pub use crate::format::block_ref::BlockRef;
    pub use crate::format::extent::Extent;
    pub use crate::format::inner::{InnerEntry, encode_inner};
    pub use crate::format::record::{Body, Bulk, Record};
    pub use crate::log::{Flight, Log, LogFile, LogIdentity, Wait};
    pub use crate::txn::{Bell, Health, Locks, Published, Stop, Underway};

    /// A version without streams, to be shown when the log is durable up to `committed`.
    pub fn version(committed: Lsn) -> Arc<Version> {
        const NODE_BYTES: u32 = 16 << 10;
        let maps = Maps { names: OrderedMap::new(NODE_BYTES), streams: OrderedMap::new(NODE_BYTES) };
        Arc::new(Version::new(maps, &Overlay::default(), committed, Era(0)))
    }
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
