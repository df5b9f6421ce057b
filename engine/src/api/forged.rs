//! For simulated disks: streams of any length, whose nodes stand on the disk without having been written.

use crate::base::{BlockId, Result};
use crate::catalog::check_name;
use crate::env::Env;
use crate::format::record::{Bulk, Operation, Payload};
use crate::lock::Mode;
use crate::recovery::{Verification, run_committed, verify, with_room};

use super::Database;
use super::database::existing;
use super::place::{Held, Place};
use super::transaction::find;

impl<E: Env> Database<E> {
    /// Appends the tree that `forge` puts on the disk, durably, into the run of `blocks` blocks that begins where it is told.
    /// From then on it is a payload like any other.
    ///
    /// # Errors
    /// As [`Database::append`].
    #[doc(hidden)]
    pub fn append_forged(&self, name: &str, blocks: u64, forge: impl Fn(BlockId) -> Bulk) -> Result<()> {
        let key = check_name(name)?;
        self.change(|core, txn| {
            let stream = existing(find(core, txn, &key, Mode::S)?, name)?;
            let range = Place::Append.lock(core, txn, Held(stream), 1)?;
            with_room(core, |core| {
                core.make_writable()?;
                let run = core.space.allocate(core.store.free(), blocks)?;
                let insert = Payload::Bulk(forge(run.start));
                let splice = Operation::Splice { stream, offset: range.start, delete_len: 0, insert };
                run_committed(core, txn, splice)
            })
        })
    }

    /// As [`Database::verify`], but for leaves on disk: these are not read, and are what their parents say.
    ///
    /// # Errors
    /// As [`Database::verify`].
    #[doc(hidden)]
    pub fn verify_above_leaves(&self) -> Result<Verification> {
        self.shared.core.lock().guarded(|core| {
            core.check_health()?;
            verify(core, true)
        })
    }
}
