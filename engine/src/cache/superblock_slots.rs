//! The two superblock slots: choosing one, and publishing the next.
//!
//! Every write of a slot has a sequence number of its own, and starts only when the write before it is durable.
//! Therefore, whatever a crash leaves:
//!
//! 1. Only the newest valid slot can be visible and not durable. Opening writes that one again first, while the other
//!    one stands by; where a slot is invalid, the other one is durable, and the invalid one is written first.
//! 2. At every instant one slot is whole and durable.
//! 3. A publication is complete when both slots lead to the new state, so that later rot of one is survived.

use crate::base::{BLOCK_BYTES, BlockId, Error, Result};
use crate::env::{DiskFile, Platform};
use crate::format::superblock::{FORMAT_VERSION, SUPERBLOCK_SLOTS, Superblock, found_version};

use super::DataFile;

/// What is known of the slots.
#[derive(Clone, Debug)]
pub struct SuperblockSlots {
    /// The superblock in force.
    pub current: Superblock,
    /// The slot to write first; which one does not matter once both are durable.
    first: u64,
    /// Whether both slots were valid, and of one publication, when they were read.
    whole: bool,
}

impl SuperblockSlots {
    /// For a new database: both slots are still to be written.
    pub fn fresh(superblock: Superblock) -> SuperblockSlots {
        SuperblockSlots { current: superblock, first: 0, whole: false }
    }

    /// Reads both slots and chooses the newer valid one.
    ///
    /// # Errors
    /// [`Error::NotADatabase`], [`Error::UnsupportedVersion`], or [`Error::Corruption`] if it was a database once.
    pub fn read<F: DiskFile, P: Platform>(file: &DataFile<F, P>) -> Result<SuperblockSlots> {
        let path = file.path().to_owned();
        let length = file.file().len().map_err(|e| Error::io("read", &path, 0, e))?;
        let mut found = Vec::new();
        let mut problems = Vec::new();
        let mut version = None;
        for slot in 0..SUPERBLOCK_SLOTS {
            // A file that was cut may have one slot and not the other.
            let start = slot * BLOCK_BYTES as u64;
            let present = length.saturating_sub(start).min(BLOCK_BYTES as u64);
            let mut block = vec![0; BLOCK_BYTES];
            file.read_bytes(
                start,
                &mut block[..usize::try_from(present).expect("invariant: at most a block")],
            )?;
            version = version.or(found_version(&block));
            match Superblock::decode(&block) {
                Ok(superblock) => found.push((superblock, slot)),
                Err(e) => problems.push(e.0),
            }
        }
        found.sort_by_key(|(superblock, _)| superblock.sequence);
        match (found.pop(), version) {
            (Some((current, slot)), _) => {
                reached!("slot 0 was chosen because slot 1 is bad", slot == 0 && !problems.is_empty());
                reached!("slot 1 was chosen because slot 0 is bad", slot == 1 && !problems.is_empty());
                let differs =
                    |(other, _): &(Superblock, u64)| (other.clean, other.log) != (current.clean, current.log);
                reached!("the slots lead to different states", found.iter().any(differs));
                let newest = match problems.is_empty() {
                    true => !mutant!("the slot that stands by is written first"),
                    false => mutant!("the only valid slot is written first"),
                };
                let first = if newest { slot } else { 1 - slot };
                let stale = found.iter().any(|(other, _)| !follows(&current, other));
                reached!("the slots of a closed database are of two publications", stale && current.clean);
                let stale = stale && !mutant!("a slot of an earlier publication stays");
                Ok(SuperblockSlots { current, first, whole: problems.is_empty() && !stale })
            }
            (None, Some(found)) if found != FORMAT_VERSION => {
                Err(Error::UnsupportedVersion { file: path, found, supported: FORMAT_VERSION })
            }
            (None, Some(_)) => {
                Err(Error::corruption(&path, 0, "a valid superblock in one of two slots", problems[0]))
            }
            (None, None) => {
                let reason = "it does not begin with the magic bytes".to_owned();
                Err(Error::NotADatabase { file: path, reason })
            }
        }
    }

    /// Whether nothing was published since the database was made.
    pub fn are_fresh(&self) -> bool {
        self.current.sequence <= SUPERBLOCK_SLOTS
    }

    /// Whether both slots were valid, and of one publication.
    pub fn are_whole(&self) -> bool {
        self.whole
    }

    /// Makes `next` durable in both slots. Everything that it points to is durable already.
    pub fn publish<F: DiskFile, P: Platform>(
        &mut self,
        file: &DataFile<F, P>,
        next: Superblock,
    ) -> Result<()> {
        let mut next = Superblock { sequence: self.current.sequence, ..next };
        for slot in [self.first, 1 - self.first] {
            if slot != self.first && mutant!("only one slot is written") {
                break;
            }
            next.sequence += 1;
            file.write_blocks(BlockId(slot), &next.encode())?;
            let unsynced = match slot == self.first {
                true => mutant!("both slots are in danger at once"),
                false => mutant!("the last sync of a slot is left out"),
            };
            if !unsynced {
                file.sync()?;
            }
        }
        self.current = next;
        self.whole = true;
        Ok(())
    }

    /// Writes both slots again if one of them is not valid, since a crash tore it or it has rotted, or is of an earlier
    /// publication, since its last write was lost. The next one to rot would be the last.
    pub fn repair<F: DiskFile, P: Platform>(&mut self, file: &DataFile<F, P>) -> Result<()> {
        if self.whole { Ok(()) } else { self.renew(file) }
    }

    /// Writes both slots again, so that they are durable for sure. A write of the slot that stands by, which a crash cut
    /// short before anything had changed, may be under way all the same: that comes to its end first.
    pub fn renew<F: DiskFile, P: Platform>(&mut self, file: &DataFile<F, P>) -> Result<()> {
        file.sync()?;
        self.publish(file, self.current.clone())
    }
}

/// Whether `second` is the other write of the publication that wrote `first`.
fn follows(second: &Superblock, first: &Superblock) -> bool {
    *second == Superblock { sequence: first.sequence + 1, ..first.clone() }
}
