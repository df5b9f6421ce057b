//! The catalog as it is now, with the changes of open transactions in it.
//!
//! Every change is atomic: after an error the catalog is as it was, and so are the deaths.

use std::ops::ControlFlow;

use crate::base::{BLOCK_BYTES, IdMap, Result, StreamId};
use crate::cache::{Capture, Deaths, Vacating};
use crate::env::Env;
use crate::format::map_root::MapRoot;
use crate::map::{CapturedMapNode, OrderedMap};
use crate::tree::{CapturedNode, Tree};

use super::{Name, Store, StreamRecord};

/// Names and streams at one moment. Cloning is O(1).
#[derive(Clone)]
pub struct Maps {
    /// Name to id.
    pub names: OrderedMap<Name, u64>,
    /// Id to stream.
    pub streams: OrderedMap<u64, StreamRecord>,
}

/// Names, streams, and the trees that change at the moment. Cloning costs little.
#[derive(Clone)]
pub struct Catalog {
    maps: Maps,
    changing: IdMap<StreamId, Tree>,
}

impl Catalog {
    /// The catalog of a checkpoint; nothing of it is loaded yet.
    pub fn from_roots(names: &MapRoot, streams: &MapRoot, node_bytes: u32) -> Catalog {
        let names = OrderedMap::from_root(names, node_bytes);
        let streams = OrderedMap::from_root(streams, node_bytes);
        Catalog { maps: Maps { names, streams }, changing: IdMap::default() }
    }

    /// The maps, for a version. Streams that are changing are in them as they were last settled.
    pub fn maps(&self) -> &Maps {
        &self.maps
    }

    /// The stream called `name`.
    pub fn find<E: Env>(&self, store: &Store<E>, name: &Name) -> Result<Option<StreamId>> {
        Ok(self.maps.names.get(store.names(), name)?.map(StreamId))
    }

    /// What `stream` is now.
    pub fn stream<E: Env>(&self, store: &Store<E>, stream: StreamId) -> Result<Option<StreamRecord>> {
        let record = self.maps.streams.get(store.streams(), &stream.0)?;
        Ok(record.map(|record| match self.changing.get(&stream) {
            Some(tree) => StreamRecord { tree: tree.clone(), ..record },
            None => record,
        }))
    }

    /// The tree of `stream`, if it is changing already: the short way for the second edit and all after it.
    pub fn changing(&self, stream: StreamId) -> Option<&Tree> {
        self.changing.get(&stream)
    }

    /// The streams that are changing.
    pub fn changing_streams(&self) -> impl Iterator<Item = StreamId> {
        self.changing.keys().copied()
    }

    /// The tree of `stream`, to change. Until [`Catalog::settle`] the change is not in the maps.
    pub fn tree_mut<E: Env>(&mut self, store: &Store<E>, stream: StreamId) -> Result<Option<&mut Tree>> {
        if !self.changing.contains_key(&stream) {
            let Some(record) = self.maps.streams.get(store.streams(), &stream.0)? else { return Ok(None) };
            self.changing.insert(stream, record.tree);
        }
        Ok(self.changing.get_mut(&stream))
    }

    /// Brings the changed tree of `stream` into the maps.
    pub fn settle<E: Env>(&mut self, store: &Store<E>, stream: StreamId, deaths: &mut Deaths) -> Result<()> {
        let Some(tree) = self.changing.get(&stream) else { return Ok(()) };
        let tree = tree.clone();
        self.maps.streams.update(store.streams(), &stream.0, deaths, |record| record.tree = tree)?;
        self.changing.remove(&stream);
        Ok(())
    }

    /// Drops what changed in `stream` since it was last settled.
    pub fn forget_change(&mut self, stream: StreamId) {
        reached!("the first change of a stream failed", self.changing.contains_key(&stream));
        self.changing.remove(&stream);
    }

    /// Settles every stream.
    pub fn settle_all<E: Env>(&mut self, store: &Store<E>, deaths: &mut Deaths) -> Result<()> {
        let mut streams: Vec<StreamId> = self.changing.keys().copied().collect();
        streams.sort_unstable();
        streams.into_iter().try_for_each(|stream| self.settle(store, stream, deaths))
    }

    /// Adds a stream. Neither its id nor its name is taken.
    pub fn add<E: Env>(
        &mut self,
        store: &Store<E>,
        stream: StreamId,
        record: StreamRecord,
        deaths: &mut Deaths,
    ) -> Result<()> {
        self.change_both(deaths, |maps, deaths| {
            maps.names.insert(store.names(), &record.name, stream.0, deaths)?;
            maps.streams.insert(store.streams(), &stream.0, record, deaths).map(drop)
        })
    }

    /// Takes a stream out; its blocks are now the caller's.
    pub fn take<E: Env>(
        &mut self,
        store: &Store<E>,
        stream: StreamId,
        deaths: &mut Deaths,
    ) -> Result<Option<StreamRecord>> {
        let Some(record) = self.stream(store, stream)? else { return Ok(None) };
        self.change_both(deaths, |maps, deaths| {
            maps.names.remove(store.names(), &record.name, deaths)?;
            maps.streams.remove(store.streams(), &stream.0, deaths).map(drop)
        })?;
        self.changing.remove(&stream);
        Ok(Some(record))
    }

    /// Gives `stream`, which exists, the name `to`, which is free.
    pub fn rename<E: Env>(
        &mut self,
        store: &Store<E>,
        stream: StreamId,
        from: &Name,
        to: &Name,
        deaths: &mut Deaths,
    ) -> Result<()> {
        self.change_both(deaths, |maps, deaths| {
            maps.names.remove(store.names(), from, deaths)?;
            maps.names.insert(store.names(), to, stream.0, deaths)?;
            maps.streams
                .update(store.streams(), &stream.0, deaths, |record| record.name = to.clone())
                .map(drop)
        })
    }

    /// Changes names and streams together, or neither.
    fn change_both(
        &mut self,
        deaths: &mut Deaths,
        change: impl FnOnce(&mut Maps, &mut Deaths) -> Result<()>,
    ) -> Result<()> {
        let (mark, before) = (deaths.mark(), self.maps.clone());
        change(&mut self.maps, deaths).inspect_err(|_| {
            reached!("a change of names failed half-way");
            self.maps = before;
            deaths.forget_since(mark);
        })
    }

    /// Calls `each` with every stream, in the order of names.
    pub fn for_each<E: Env>(
        &self,
        store: &Store<E>,
        mut each: impl FnMut(&Name, StreamId, &StreamRecord) -> Result<()>,
    ) -> Result<()> {
        self.maps.names.scan(store.names(), None, |name, &id| {
            let stream = StreamId(id);
            if let Some(record) = self.stream(store, stream)? {
                each(name, stream, &record)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// How many streams there are.
    pub fn len(&self) -> u64 {
        self.maps.names.len()
    }

    /// What a capture would take down, in bytes of whole blocks, and how many streams have to be settled before. Walks what is
    /// dirty.
    pub fn dirty_bytes(&self) -> (u64, u64) {
        let mut bytes: u64 = self.changing.values().map(Tree::dirty_bytes).sum();
        self.maps.streams.each_dirty_entry(&mut |id, record| {
            // The tree of a stream that changes takes its place before it is captured.
            if !self.changing.contains_key(&StreamId(*id)) {
                bytes += record.tree.dirty_bytes();
            }
        });
        let mut node = |encoded: usize| bytes += encoded.next_multiple_of(BLOCK_BYTES) as u64;
        self.maps.streams.each_dirty(&mut node);
        self.maps.names.each_dirty(&mut node);
        (bytes, self.changing.len() as u64)
    }

    /// Gives everything that is dirty its blocks. No stream may be changing.
    pub fn capture<C>(&self, capture: &mut C) -> Result<()>
    where
        C: Capture<CapturedNode>
            + Capture<CapturedMapNode<u64, StreamRecord>>
            + Capture<CapturedMapNode<Name, u64>>,
    {
        assert!(self.changing.is_empty(), "a capture follows a settle");
        self.maps.streams.capture(capture, &mut |record, capture| record.tree.capture(capture))?;
        self.maps.names.capture(capture, &mut |_, _| Ok(()))
    }

    /// Makes everything dirty that reaches behind `vacating.end`, and the way to it, so that the next checkpoint finds it other
    /// blocks. What the streams hold stays as it is.
    ///
    /// # Errors
    /// If something cannot be read. Some of it is dirty then; this is to be called on a clone.
    pub fn vacate<E: Env>(
        &mut self,
        store: &Store<E>,
        vacating: &mut Vacating,
        deaths: &mut Deaths,
    ) -> Result<()> {
        let mut found = Vec::new();
        self.maps.streams.scan(store.streams(), None, |&id, record| {
            let tree = self.changing.get(&StreamId(id)).unwrap_or(&record.tree);
            if !vacating.visit() {
                return Ok(ControlFlow::Break(()));
            }
            found.extend(store.trees().vacate(tree, vacating, deaths)?.map(|moved| (StreamId(id), moved)));
            Ok(ControlFlow::Continue(()))
        })?;
        for (stream, moved) in found {
            match self.changing.get_mut(&stream) {
                Some(tree) => *tree = moved,
                None => {
                    let put = |record: &mut StreamRecord| record.tree = moved;
                    self.maps.streams.update(store.streams(), &stream.0, deaths, put)?;
                }
            }
        }
        let Maps { names, streams } = &mut self.maps;
        let (ids, first_names) =
            (streams.behind(store.streams(), vacating)?, names.behind(store.names(), vacating)?);
        streams.touch(store.streams(), &ids, deaths)?;
        names.touch(store.names(), &first_names, deaths)
    }

    /// Lets go of the nodes in memory that are written.
    pub fn forget_written(&mut self) {
        let mut changed = 0;
        let mut forget = |tree: &mut Tree| changed += u64::from(tree.forget_written());
        self.changing.values_mut().for_each(&mut forget);
        self.maps.streams.forget_written(&mut |record| forget(&mut record.tree));
        self.maps.names.forget_written(&mut |_| {});
        reached!("a node changed while a checkpoint was written", changed > 0);
    }
}
