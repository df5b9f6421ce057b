//! The audit of a map: visits everything and says what is wrong.

use crate::base::{Error, Result};
use crate::env::{DiskFile, Platform};
use crate::format::extent::Extent;

use super::entry::{MapKey, MapSummary, MapValue};
use super::node::{MapChild, NodeRef, largest_entry};
use super::opened::Opened;
use super::regroup::{is_overfull, is_sparse};
use super::{MapSource, OrderedMap};

/// What wants to hear of every part of a map.
pub trait MapWalk<K, V> {
    /// The blocks of a node that has any; called before what is below it.
    fn node(&mut self, extent: Extent);
    /// An entry, in the order of the keys.
    fn entry(&mut self, key: &K, value: &V) -> Result<()>;
}

/// What an audit of a subtree learned.
struct Below<K, V: MapValue> {
    first: K,
    summary: V::Summary,
}

/// `before`, and behind it what begins with `first` and sums to `summary`.
fn add<K, V: MapValue>(before: Option<Below<K, V>>, first: K, summary: V::Summary) -> Below<K, V> {
    match before {
        None => Below { first, summary },
        Some(before) => Below { first: before.first, summary: before.summary.combine(summary) },
    }
}

struct Audit<'a, 'w, K, V: MapValue, F, P: Platform, W> {
    source: MapSource<'a, K, V, F, P>,
    walk: &'w mut W,
    node_bytes: usize,
    height: u8,
    last: Option<K>,
    entries: u64,
    findings: Vec<String>,
}

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// Visits every node and entry, and returns what breaks an invariant: order, firsts, summaries, levels,
    /// occupancy, count. A node that is corrupt is a finding, and what is below it is left out.
    ///
    /// # Errors
    /// As `walk`, or if a read fails for another reason than corruption.
    pub fn walk<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        walk: &mut impl MapWalk<K, V>,
    ) -> Result<Vec<String>> {
        let mut audit = Audit {
            source,
            walk,
            node_bytes: self.node_bytes,
            height: self.height,
            last: None,
            entries: 0,
            findings: Vec::new(),
        };
        if let Some(root) = &self.root {
            audit.node(root, self.height, true)?;
        }
        if audit.entries != self.count {
            let finding = format!("the map should have {} entries and has {}", self.count, audit.entries);
            audit.findings.push(finding);
        }
        Ok(audit.findings)
    }
}

impl<K: MapKey, V: MapValue, F: DiskFile, P: Platform, W: MapWalk<K, V>> Audit<'_, '_, K, V, F, P, W> {
    /// `None` if the node could not be read.
    fn node(&mut self, node: &NodeRef<K, V>, level: u8, right_edge: bool) -> Result<Option<Below<K, V>>> {
        if let Some(extent) = node.extent() {
            self.walk.node(extent);
        }
        let node = match self.source.open(node, level) {
            Ok(node) => node,
            Err(e @ Error::Corruption { .. }) => {
                self.findings.push(e.to_string());
                return Ok(None);
            }
            Err(e) => return Err(e),
        };
        self.occupancy(&node, level, right_edge);
        if node.is_leaf() { self.leaf(&node) } else { self.inner(&node, level, right_edge) }
    }

    fn leaf(&mut self, node: &Opened<K, V>) -> Result<Option<Below<K, V>>> {
        let mut below: Option<Below<K, V>> = None;
        for at in 0..node.len() {
            let (key, value) = node.entry(at);
            if self.last.as_ref().is_some_and(|last| *last >= key) {
                self.findings.push(format!("the key {key:?} is not above the one before"));
            }
            self.last = Some(key.clone());
            self.entries += 1;
            self.walk.entry(&key, &value)?;
            below = Some(add(below, key, value.summary()));
        }
        Ok(below)
    }

    fn inner(&mut self, node: &Opened<K, V>, level: u8, right_edge: bool) -> Result<Option<Below<K, V>>> {
        let mut all = None;
        for at in 0..node.len() {
            let MapChild { first, summary, child } = node.child(at);
            let right_edge = right_edge && at + 1 == node.len();
            if let Some(below) = self.node(&child, level - 1, right_edge)? {
                if below.first != first {
                    self.findings.push(format!("a child starts at {:?}, not {first:?}", below.first));
                }
                if below.summary != summary {
                    let is = below.summary;
                    self.findings.push(format!("the child at {first:?} sums to {is:?}, not {summary:?}"));
                }
            }
            all = Some(add(all, first, summary));
        }
        Ok(all)
    }

    fn occupancy(&mut self, node: &Opened<K, V>, level: u8, right_edge: bool) {
        let (count, bytes) = (node.len(), node.encoded_bytes());
        let is_root = level == self.height;
        let by_count = !is_root && count < 2;
        let by_bytes = !right_edge
            && largest_entry::<K, V>() * 8 <= self.node_bytes
            && is_sparse(count, bytes, self.node_bytes);
        if count == 0 || by_count || by_bytes || is_overfull(count, bytes, self.node_bytes) {
            let finding = format!("a node at level {level} has {count} entries in {bytes} bytes");
            self.findings.push(finding);
        }
    }
}
