//! A clean node in memory: its bytes as they stand on disk, and an index of them.
//!
//! Reading one makes nothing of its entries; it checks them, once, so that what is read of them later cannot fail.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::cache::Weigh;
use crate::format::block_ref::BlockRef;
use crate::format::map_root::{REFERENCE_BYTES, decode_reference};
use crate::format::wire::{Reader, WireError};

use super::entry::{MapKey, MapSummary, MapValue};
use super::index::Index;
use super::node::{MapChild, MapNode, NODE_HEADER_BYTES, NodeRef, Step, child_at};

const CHECKED: &str = "invariant: a node is checked when it is read";

/// A clean node.
pub struct CleanNode<K, V> {
    bytes: Arc<[u8]>,
    index: Index,
    encoded_bytes: u32,
    is_leaf: bool,
    kind: PhantomData<fn() -> (K, V)>,
}

impl<K: MapKey, V: MapValue> CleanNode<K, V> {
    /// The node in `bytes` that should be at `level`; anything out of order is an error.
    pub(super) fn read(bytes: Arc<[u8]>, level: u8) -> Result<Self, WireError> {
        let mut from = Reader::new(&bytes);
        if from.u8()? != level {
            return Err(WireError("a map node is at the wrong level"));
        }
        if from.array::<3>()? != [0; 3] {
            return Err(WireError("reserved bytes are not zero"));
        }
        let count = from.u32()? as usize;
        if count < if level > 1 { 2 } else { 1 } || count > from.remaining() {
            return Err(WireError("a map node has an impossible number of entries"));
        }
        let is_leaf = level == 1;
        let (offsets, encoded_bytes) = check_entries::<K, V>(&bytes, count, is_leaf)?;
        let end = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let key = |offset: u16| order_at::<K>(&bytes, usize::from(offset));
        let index = Index::new(offsets, end, key);
        Ok(CleanNode { bytes, index, encoded_bytes: encoded_bytes as u32, is_leaf, kind: PhantomData })
    }

    pub(super) fn len(&self) -> usize {
        self.index.count()
    }

    pub(super) fn is_leaf(&self) -> bool {
        self.is_leaf
    }

    /// As [`MapNode::encoded_bytes`] of the node when it is thawed.
    pub(super) fn encoded_bytes(&self) -> usize {
        self.encoded_bytes as usize
    }

    /// Where `key` is among the keys, or where it belongs.
    pub(super) fn search(&self, key: &K) -> Result<usize, usize> {
        let key = key.order();
        let key = key.as_ref();
        let part = self.index.part_for(key);
        fetch(&self.bytes[part.bytes]);
        let mut found = part.entries;
        while !found.is_empty() {
            let middle = found.start + found.len() / 2;
            match self.order(middle).as_ref().cmp(key) {
                Ordering::Equal => return Ok(middle),
                Ordering::Less => found.start = middle + 1,
                Ordering::Greater => found.end = middle,
            }
        }
        let (first, shared) = (self.order(0), self.index.shared());
        let begin = &key[..key.len().min(shared)];
        Err(match begin.cmp(&first.as_ref()[..shared]) {
            Ordering::Less => 0,
            Ordering::Equal => found.start,
            Ordering::Greater => self.len(),
        })
    }

    /// Where the search for `key` goes on.
    pub(super) fn step(&self, key: &K) -> Step<K, V> {
        let found = self.search(key);
        if self.is_leaf {
            Step::End(found.ok().map(|at| self.value(at)))
        } else {
            Step::Below(NodeRef::Disk(self.child_reference(child_at(found))))
        }
    }

    /// The entry at `at` of a leaf.
    pub(super) fn entry(&self, at: usize) -> (K, V) {
        let mut from = self.reader(at);
        let key = K::decode(&mut from).expect(CHECKED);
        (key, V::decode(&mut from).expect(CHECKED))
    }

    /// The value at `at` of a leaf.
    pub(super) fn value(&self, at: usize) -> V {
        V::decode(&mut self.behind_key(at)).expect(CHECKED)
    }

    /// The child at `at` of an inner node.
    pub(super) fn child(&self, at: usize) -> MapChild<K, V> {
        let mut from = self.reader(at);
        let first = K::decode(&mut from).expect(CHECKED);
        let summary = V::Summary::decode(&mut from).expect(CHECKED);
        MapChild { first, summary, child: NodeRef::Disk(reference(&mut from)) }
    }

    /// Where the child at `at` of an inner node stands.
    pub(super) fn child_reference(&self, at: usize) -> BlockRef {
        let mut from = self.behind_key(at);
        V::Summary::decode(&mut from).expect(CHECKED);
        reference(&mut from)
    }

    /// The node in the form that can be changed.
    pub(super) fn thaw(&self) -> MapNode<K, V> {
        if self.is_leaf {
            MapNode::Leaf((0..self.len()).map(|at| self.entry(at)).collect())
        } else {
            MapNode::Inner((0..self.len()).map(|at| self.child(at)).collect())
        }
    }

    fn order(&self, at: usize) -> K::Order<'_> {
        order_at::<K>(&self.bytes, self.index.offset(at))
    }

    fn reader(&self, at: usize) -> Reader<'_> {
        Reader::over(&self.bytes, self.index.offset(at))
    }

    fn behind_key(&self, at: usize) -> Reader<'_> {
        let mut from = self.reader(at);
        K::read_order(&mut from).expect(CHECKED);
        from
    }
}

/// Checks every entry, and that their keys ascend; returns where they begin, and the length of the node as it is counted.
fn check_entries<K: MapKey, V: MapValue>(
    bytes: &[u8],
    count: usize,
    is_leaf: bool,
) -> Result<(Box<[u16]>, usize), WireError> {
    let mut from = Reader::new(&bytes[NODE_HEADER_BYTES..]);
    let mut counted = NODE_HEADER_BYTES;
    let mut offsets = Vec::with_capacity(count);
    let mut before = None;
    for _ in 0..count {
        let offset = bytes.len() - from.remaining();
        offsets.push(u16::try_from(offset).map_err(|_| WireError("a map node is too long"))?);
        let key = K::read_order(&mut from)?;
        counted += bytes.len() - from.remaining() - offset;
        counted += if is_leaf { V::check(&mut from)? } else { check_child::<V::Summary>(&mut from)? };
        if before.as_ref().is_some_and(|before: &K::Order<'_>| !is_below(before.as_ref(), key.as_ref())) {
            return Err(WireError("the keys of a map node do not ascend"));
        }
        before = Some(key);
    }
    from.finish_zero()?;
    Ok((offsets.into(), counted))
}

fn check_child<S: MapSummary>(from: &mut Reader<'_>) -> Result<usize, WireError> {
    S::decode(from)?;
    decode_reference(from)?.ok_or(WireError("a child is missing"))?;
    Ok(S::BYTES + REFERENCE_BYTES)
}

/// Whether the key `a` is below `b`. Neighbours often have the same length, up to 16, and two steps tell.
#[inline]
fn is_below(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() || a.len() > 16 {
        return a < b;
    }
    let word = |bytes: Option<&[u8; 8]>| bytes.map(|bytes| u64::from_be_bytes(*bytes));
    match (word(a.first_chunk()), word(b.first_chunk())) {
        (Some(a_begins), Some(b_begins)) if a_begins == b_begins => {
            word(a.last_chunk()) < word(b.last_chunk())
        }
        (Some(a_begins), Some(b_begins)) => a_begins < b_begins,
        _ => a < b,
    }
}

/// Has the processor fetch all of `bytes` at once, which are about to be looked at here and there.
#[inline]
fn fetch(bytes: &[u8]) {
    std::hint::black_box(bytes.iter().step_by(64).fold(0, |all, byte| all ^ byte));
}

fn order_at<K: MapKey>(bytes: &[u8], offset: usize) -> K::Order<'_> {
    K::read_order(&mut Reader::new(&bytes[offset..])).expect(CHECKED)
}

fn reference(from: &mut Reader<'_>) -> BlockRef {
    decode_reference(from).ok().flatten().expect(CHECKED)
}

impl<K: MapKey, V: MapValue> Weigh for CleanNode<K, V> {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.index.weight() + self.bytes.len()
    }
}
