//! Where the clean nodes of a map come from.

use std::sync::Arc;

use crate::base::Result;
use crate::cache::{DataFile, NodeCache};
use crate::env::{DiskFile, Platform};
use crate::format::block_ref::BlockRef;

use super::entry::{MapKey, MapValue};
use super::node::{MapNode, NodeRef};

/// The data file and the cache of this kind of node.
pub struct MapSource<'a, K, V: MapValue, F, P: Platform> {
    /// The data file.
    pub file: &'a DataFile<F>,
    /// Decoded nodes of maps with these keys and values.
    pub cache: &'a NodeCache<MapNode<K, V>, P>,
}

impl<K, V: MapValue, F, P: Platform> Clone for MapSource<'_, K, V, F, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V: MapValue, F, P: Platform> Copy for MapSource<'_, K, V, F, P> {}

impl<K: MapKey, V: MapValue, F: DiskFile, P: Platform> MapSource<'_, K, V, F, P> {
    /// The node behind `node`, which should be at `level`.
    pub(super) fn open(&self, node: &NodeRef<K, V>, level: u8) -> Result<Arc<MapNode<K, V>>> {
        match node {
            NodeRef::Mem(node) => Ok(Arc::clone(node)),
            NodeRef::Disk(reference) => self.load(reference, level),
        }
    }

    /// The node at `reference`, which should be at `level`.
    pub(super) fn load(&self, reference: &BlockRef, level: u8) -> Result<Arc<MapNode<K, V>>> {
        if let Some(node) = self.cache.get(reference, u64::from(level)) {
            return Ok(node);
        }
        let bytes = self.file.read_node(reference)?;
        let node =
            MapNode::decode(&Arc::from(bytes), level).map_err(|e| self.file.malformed(reference, e.0))?;
        let node = Arc::new(node);
        self.cache.insert(reference, u64::from(level), Arc::clone(&node));
        Ok(node)
    }
}
