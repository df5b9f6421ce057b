//! Where the clean nodes of a map come from.

use std::sync::Arc;

use crate::base::Result;
use crate::cache::{DataFile, NodeCache};
use crate::env::{DiskFile, Platform};
use crate::format::block_ref::BlockRef;

use super::clean::CleanNode;
use super::entry::{MapKey, MapValue};
use super::node::{NodeRef, Step};
use super::opened::Opened;

/// The data file and the cache of this kind of node.
pub struct MapSource<'a, K, V: MapValue, F, P: Platform> {
    /// The data file.
    pub file: &'a DataFile<F, P>,
    /// Clean nodes of maps with these keys and values.
    pub cache: &'a NodeCache<CleanNode<K, V>, P>,
}

impl<K, V: MapValue, F, P: Platform> Clone for MapSource<'_, K, V, F, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V: MapValue, F, P: Platform> Copy for MapSource<'_, K, V, F, P> {}

impl<K: MapKey, V: MapValue, F: DiskFile, P: Platform> MapSource<'_, K, V, F, P> {
    /// The node behind `node`, which should be at `level`.
    pub(super) fn open(&self, node: &NodeRef<K, V>, level: u8) -> Result<Opened<K, V>> {
        match node {
            NodeRef::Mem(node) => Ok(Opened::Dirty(Arc::clone(node))),
            NodeRef::Disk(reference) => self.load(reference, level).map(Opened::Clean),
        }
    }

    /// The node at `reference`, which should be at `level`.
    pub(super) fn load(&self, reference: &BlockRef, level: u8) -> Result<Arc<CleanNode<K, V>>> {
        if let Some(node) = self.cache.get(reference, u64::from(level)) {
            return Ok(node);
        }
        self.read(reference, level)
    }

    /// What the node behind `node`, which should be at `level`, says of `key`.
    pub(super) fn step(&self, node: &NodeRef<K, V>, level: u8, key: &K) -> Result<Step<K, V>> {
        match node {
            NodeRef::Mem(node) => Ok(node.step(key)),
            NodeRef::Disk(reference) => {
                match self.cache.look(reference, u64::from(level), |node| node.step(key)) {
                    Some(step) => Ok(step),
                    None => self.read(reference, level).map(|node| node.step(key)),
                }
            }
        }
    }

    /// Reads the node at `reference` from disk and keeps it.
    fn read(&self, reference: &BlockRef, level: u8) -> Result<Arc<CleanNode<K, V>>> {
        let bytes = self.file.read_shared(reference)?;
        let node = CleanNode::read(bytes, level).map_err(|e| self.file.malformed(reference, e.0))?;
        let node = Arc::new(node);
        self.cache.insert(reference, u64::from(level), Arc::clone(&node));
        Ok(node)
    }
}
