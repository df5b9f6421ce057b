//! How a database is opened.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Error, Result};
use crate::env::{Env, RealEnv};
use crate::log::check_segment_bytes;
use crate::recovery::{Creation, RecoveryReport, open};
use crate::sync::{Latch, Latched};
use crate::tree::Geometry;
use crate::txn::{Core, Settings};

use super::Database;
use super::background::Background;
use super::shared::Shared;

/// The smallest log segment that [`Options::log_segment_bytes`] takes.
const LEAST_SEGMENT_BYTES: u64 = 16 * 1024;

/// How to open a database, and how to make one that is not there. Start with [`Options::new`].
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("small.ns");
/// let db = numstore::Options::new().cache_bytes(16 << 20).open(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    create: bool,
    geometry: Geometry,
    cache_bytes: u64,
    settings: Settings,
    lock_timeout: Duration,
    background: bool,
    deferred_delay: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            create: true,
            geometry: Geometry { leaf_bytes: 64 << 10, fanout: 440 },
            cache_bytes: 256 << 20,
            settings: Settings {
                bulk_bytes: 256 << 10,
                dirty_bytes: 256 << 20,
                checkpoint_log_bytes: 64 << 20,
                segment_bytes: 1 << 20,
                snapshot_max_age: Duration::MAX,
            },
            lock_timeout: Duration::from_secs(10),
            background: true,
            deferred_delay: Duration::from_millis(500),
        }
    }
}

impl Options {
    /// The defaults, which suit most.
    pub fn new() -> Options {
        Options::default()
    }

    /// Whether a database is made if there is none; `true` unless said otherwise.
    pub fn create(mut self, create: bool) -> Options {
        self.create = create;
        self
    }

    /// The most bytes of a leaf, 256 to 65,536; 64 KiB unless said otherwise. Fixed when a database is made.
    pub fn leaf_bytes(mut self, bytes: u32) -> Options {
        self.geometry.leaf_bytes = bytes as usize;
        self
    }

    /// The most children of an inner node, 4 to 440; 440 unless said otherwise. Fixed when a database is made.
    pub fn fanout(mut self, children: u32) -> Options {
        self.geometry.fanout = children as usize;
        self
    }

    /// From how many bytes on an insertion is written straight to its place and not through the log; 256 KiB unless
    /// said otherwise. From four times as many on it is written around the system's cache, where that is possible.
    pub fn bulk_bytes(mut self, bytes: u64) -> Options {
        self.settings.bulk_bytes = bytes;
        self
    }

    /// About how much memory the caches take, in bytes; 256 MiB unless said otherwise.
    pub fn cache_bytes(mut self, bytes: u64) -> Options {
        self.cache_bytes = bytes;
        self
    }

    /// A checkpoint is taken when about so much memory has changed, in bytes; 256 MiB unless said otherwise.
    pub fn dirty_bytes(mut self, bytes: u64) -> Options {
        self.settings.dirty_bytes = bytes;
        self
    }

    /// A checkpoint is taken after so many bytes of log records, which bounds how long recovery takes; 64 MiB unless
    /// said otherwise.
    pub fn checkpoint_log_bytes(mut self, bytes: u64) -> Options {
        self.settings.checkpoint_log_bytes = bytes;
        self
    }

    /// Length of the log's segments, a multiple of 4 KiB and at least 16 KiB; 1 MiB unless said otherwise.
    pub fn log_segment_bytes(mut self, bytes: u64) -> Options {
        self.settings.segment_bytes = bytes;
        self
    }

    /// How long a call waits for another transaction's lock before it is [`Error::Busy`]; 10 seconds unless said otherwise.
    /// Zero for not at all, [`Duration::MAX`] for ever. A deadlock is found at once, whatever this says.
    pub fn lock_timeout(mut self, timeout: Duration) -> Options {
        self.lock_timeout = timeout;
        self
    }

    /// Whether a task beside all calls takes the checkpoints that are due, and makes deferred commits durable in time; `true`
    /// unless said otherwise. Without it whoever finds that a checkpoint is due takes it, and nothing bounds how long a
    /// deferred commit may not be durable.
    pub fn background(mut self, background: bool) -> Options {
        self.background = background;
        self
    }

    /// How long after [`Durability::Deferred`](super::Durability::Deferred) a commit is made durable at the latest; half a
    /// second unless said otherwise. [`Duration::MAX`] for never by itself.
    pub fn deferred_delay(mut self, delay: Duration) -> Options {
        self.deferred_delay = delay;
        self
    }

    /// How long a snapshot may be read when there is a newer version, and there was a checkpoint since: then it is
    /// [`Error::SnapshotTooOld`], and what it held back is used again. For ever unless said otherwise.
    pub fn snapshot_max_age(mut self, age: Duration) -> Options {
        self.settings.snapshot_max_age = age;
        self
    }

    /// Opens the database at `path`; recovers it first if it was not closed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a setting out of range, [`Error::NoDatabase`], [`Error::NotADatabase`],
    /// [`Error::UnsupportedVersion`], [`Error::Locked`], [`Error::LogMissing`], [`Error::Corruption`], [`Error::Io`],
    /// [`Error::Poisoned`] if recovery could not write.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Database> {
        self.open_in(RealEnv::new(), path)
    }

    /// As [`Options::open`], in a world of the caller's, such as a simulated one.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open_in<E: Env>(self, env: E, path: impl AsRef<Path>) -> Result<Database<E>> {
        check_segment_bytes(self.settings.segment_bytes)?;
        if self.settings.segment_bytes < LEAST_SEGMENT_BYTES {
            return Err(Error::invalid(format!("log segments have at least {LEAST_SEGMENT_BYTES} bytes")));
        }
        if !self.geometry.is_valid() {
            let Geometry { leaf_bytes, fanout } = self.geometry;
            let allowed = "leaves have 256 to 65536 bytes, inner nodes 4 to 440 children";
            return Err(Error::invalid(format!("{allowed}, not {leaf_bytes} and {fanout}")));
        }
        if self.settings.bulk_bytes == 0 {
            return Err(Error::invalid("bulk_bytes is at least 1"));
        }
        let creation = self.create.then_some(Creation { geometry: self.geometry });
        let (core, report) = open(env, path.as_ref(), creation, self.settings, self.cache_bytes)?;
        Ok(Database::new(self.share(core, report)?))
    }

    fn share<E: Env>(self, mut core: Core<E>, recovery: Option<RecoveryReport>) -> Result<Shared<E>> {
        let (store, published, sign) = (Arc::clone(&core.store), Arc::clone(&core.published), core.sign());
        core.locks.timeout = self.lock_timeout;
        let core = Arc::new(Latched::new(core));
        let deferred_delay = self.deferred_delay;
        let (background, compacting) = (None, Latch::new());
        let mut shared =
            Shared { core, background, store, published, sign, recovery, compacting, deferred_delay };
        if self.background {
            shared.background = Some(Background::start(&shared.core)?);
        }
        Ok(shared)
    }
}
