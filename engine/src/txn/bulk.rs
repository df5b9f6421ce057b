//! Payloads that are written once, straight into extents.

use std::io::ErrorKind;

use crate::base::{BlockId, Error, Result};
use crate::cache::FreshBlocks;
use crate::catalog::{FileOf, Store};
use crate::env::Env;
use crate::format::extent::Extent;
use crate::format::record::{Bulk, MAX_RECORD_OVERHEAD, Payload};
use crate::space::Space;
use crate::tree::{BulkWriter, InnerNode, write_bulk};

use super::Core;

/// Leaves in one bulk payload, so that the list of its extents always fits a record.
const BULK_LEAVES: usize = 256;
/// Payloads go around the system's cache from so many times [`Settings::bulk_bytes`](super::Settings::bulk_bytes) on. Shorter
/// ones are loaded faster through it, as long as it has room: nobody waits for the device before the commit.
const AROUND_FACTOR: u64 = 4;

struct Extents<'a, E: Env> {
    store: &'a Store<E>,
    space: &'a mut Space,
    /// The way around the system's cache, for payloads that are worth it.
    around: Option<FreshBlocks<'a, FileOf<E>, E::Platform>>,
}

impl<E: Env> Extents<'_, E> {
    fn write(&mut self, at: BlockId, bytes: &[u8]) -> Result<()> {
        match &mut self.around {
            Some(around) => around.put(at, bytes),
            None => self.store.file.write_blocks(at, bytes),
        }
    }
}

impl<E: Env> BulkWriter for Extents<'_, E> {
    fn allocate(&mut self, least: u64, most: u64) -> Result<Extent> {
        let run = self.space.allocate_up_to(self.store.free(), most)?;
        if run.blocks >= least {
            return Ok(run);
        }
        self.space.give_back(run);
        self.space.allocate(self.store.free(), least)
    }

    fn give_back(&mut self, unused: Extent) -> Result<()> {
        self.space.give_back(unused);
        Ok(())
    }

    fn leaf(&mut self, at: BlockId, bytes: &[u8]) -> Result<()> {
        self.write(at, bytes)
    }

    fn inner(&mut self, node: &InnerNode<'_>, bytes: &[u8]) -> Result<()> {
        self.store.trees().keep(node);
        self.write(node.reference.block, bytes)
    }

    fn finish(&mut self) -> Result<()> {
        self.around.as_mut().map_or(Ok(()), FreshBlocks::flush)
    }
}

impl<E: Env> Core<E> {
    /// The most bytes that one operation inserts.
    pub fn max_payload_bytes(&self) -> usize {
        self.store.geometry.leaf_bytes * BULK_LEAVES
    }

    /// The most bytes that stand inside a record.
    pub fn max_inline_bytes(&mut self) -> usize {
        let record = self.log().max_record_bytes().saturating_sub(MAX_RECORD_OVERHEAD as u64);
        usize::try_from(self.settings.bulk_bytes.min(record)).unwrap_or(usize::MAX)
    }

    /// `bytes` as a record carries them: inside, or on disk from a certain size on.
    pub fn payload<'a>(&mut self, bytes: &'a [u8]) -> Result<Payload<'a>> {
        if bytes.len() < self.max_inline_bytes() {
            return Ok(Payload::Bytes(bytes.into()));
        }
        let mut extents = Vec::new();
        let geometry = self.store.geometry;
        let is_long = bytes.len() as u64 >= self.settings.bulk_bytes.saturating_mul(AROUND_FACTOR);
        let around = if is_long { self.store.file.around_cache() } else { None };
        let mut writer = Extents { store: &self.store, space: &mut self.space, around };
        let written = write_bulk(geometry, bytes, &mut writer, &mut extents);
        drop(writer);
        let tree = match written {
            Ok(tree) => tree,
            Err(e) => {
                reached!("a payload could not be written to its end", !extents.is_empty());
                let is_full =
                    matches!(&e, Error::Io { source, .. } if source.kind() == ErrorKind::StorageFull);
                if !(is_full && mutant!("a full disk costs blocks")) {
                    extents.into_iter().for_each(|extent| self.space.give_back(extent));
                }
                return Err(e);
            }
        };
        let form = tree.disk_form().expect("invariant: bulk nodes are on disk");
        let root = form.root.expect("invariant: bulk payloads are not empty");
        let (height, bytes) = (form.height, form.bytes);
        Ok(Payload::Bulk(Bulk { root, height, bytes, extents }))
    }
}
