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

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
