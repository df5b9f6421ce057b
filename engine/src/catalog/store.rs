//! What current and past states are read through: the data file and the cache, with a view for each kind of node.

use std::sync::Arc;

use crate::cache::{DataFile, NodeCache, Shelf};
use crate::env::{Disk, Env};
use crate::map::{CleanNode, MapSource};
use crate::space::RunLength;
use crate::tree::{Geometry, Node, TreeSource};

use super::{Name, StreamRecord};

/// The files of an environment.
pub type FileOf<E> = <<E as Env>::Disk as Disk>::File;
type Cache<T, E> = NodeCache<T, <E as Env>::Platform>;
type Source<'a, K, V, E> = MapSource<'a, K, V, FileOf<E>, <E as Env>::Platform>;

/// The data file and the caches. Shared by everything that reads.
pub struct Store<E: Env> {
    /// The world outside.
    pub env: E,
    /// The data file.
    pub file: DataFile<FileOf<E>, E::Platform>,
    /// How large nodes may be.
    pub geometry: Geometry,
    shelf: Arc<Shelf<E::Platform>>,
    nodes: Cache<Node, E>,
    names: Cache<CleanNode<Name, u64>, E>,
    streams: Cache<CleanNode<u64, StreamRecord>, E>,
    free: Cache<CleanNode<u64, RunLength>, E>,
}

impl<E: Env> Store<E> {
    /// An empty cache of about `cache_bytes` over `file`.
    pub fn new(
        env: E,
        file: DataFile<FileOf<E>, E::Platform>,
        geometry: Geometry,
        cache_bytes: u64,
    ) -> Store<E> {
        let shelf = Shelf::new(usize::try_from(cache_bytes).unwrap_or(usize::MAX));
        Store {
            env,
            file,
            geometry,
            nodes: NodeCache::on(&shelf),
            names: NodeCache::on(&shelf),
            streams: NodeCache::on(&shelf),
            free: NodeCache::on(&shelf),
            shelf,
        }
    }

    /// Nodes of trees.
    pub fn trees(&self) -> TreeSource<'_, FileOf<E>, E::Platform> {
        TreeSource { file: &self.file, cache: &self.nodes, geometry: self.geometry }
    }

    /// Nodes of the map from names to ids.
    pub fn names(&self) -> Source<'_, Name, u64, E> {
        MapSource { file: &self.file, cache: &self.names }
    }

    /// Nodes of the map from ids to streams.
    pub fn streams(&self) -> Source<'_, u64, StreamRecord, E> {
        MapSource { file: &self.file, cache: &self.streams }
    }

    /// Nodes of the free map.
    pub fn free(&self) -> Source<'_, u64, RunLength, E> {
        MapSource { file: &self.file, cache: &self.free }
    }

    /// Look-ups in the cache that found their node, and that did not.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        self.shelf.hits_and_misses()
    }
}
