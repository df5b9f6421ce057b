//! Reading a map: look-ups, neighbours, scans and pruned searches. Each loads the nodes that it passes,
//! O(height).

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::base::Result;
use crate::env::{DiskFile, Platform};

use super::entry::{MapKey, MapValue};
use super::node::{MapChild, MapNode, NodeRef};
use super::{MapSource, OrderedMap};

/// What an ordered visit does below a node.
trait Visit<K, V: MapValue> {
    /// Whether anything below the child can matter.
    fn admits(&self, summary: &V::Summary) -> bool;
    /// Takes an entry.
    fn entry(&mut self, key: &K, value: &V) -> Result<ControlFlow<()>>;
}

/// The child of `children` whose keys `key` belongs among.
pub(super) fn child_for<K: Ord, V: MapValue>(children: &[MapChild<K, V>], key: &K) -> usize {
    children.partition_point(|child| child.first <= *key).saturating_sub(1)
}

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// The value of `key`.
    pub fn get<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
    ) -> Result<Option<V>> {
        Ok(self.last_at_or_before(source, key)?.filter(|(found, _)| found == key).map(|(_, value)| value))
    }

    /// The entry with the least key that is not below `key`.
    pub fn first_at_or_after<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
    ) -> Result<Option<(K, V)>> {
        self.find_first(source, Some(key), |_| true, |_, _| true)
    }

    /// The entry with the greatest key that is not above `key`.
    pub fn last_at_or_before<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
    ) -> Result<Option<(K, V)>> {
        let Some(root) = &self.root else { return Ok(None) };
        let mut level = self.height;
        let mut node = source.open(root, level)?;
        loop {
            let below = match &*node {
                MapNode::Leaf(entries) => {
                    let behind = entries.partition_point(|(found, _)| found <= key);
                    return Ok(behind.checked_sub(1).map(|at| entries[at].clone()));
                }
                MapNode::Inner(children) => {
                    source.open(&children[child_for(children, key)].child, level - 1)?
                }
            };
            node = below;
            level -= 1;
        }
    }

    /// The last entry.
    pub fn last<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
    ) -> Result<Option<(K, V)>> {
        let Some(root) = &self.root else { return Ok(None) };
        let mut level = self.height;
        let mut node = source.open(root, level)?;
        loop {
            let below = match &*node {
                MapNode::Leaf(entries) => return Ok(entries.last().cloned()),
                MapNode::Inner(children) => {
                    let last = children.last().expect("invariant: an inner node has children");
                    source.open(&last.child, level - 1)?
                }
            };
            node = below;
            level -= 1;
        }
    }

    /// Visits the entries in order, starting with the first whose key is not below `from` (or with the very
    /// first), until `each` breaks or fails.
    pub fn scan<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        from: Option<&K>,
        each: impl FnMut(&K, &V) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut visit = Scan(each);
        self.visit(source, from, &mut visit)
    }

    /// The first entry, not below `from`, that `accepts` takes. Descends only where `admits` takes the summary.
    pub fn find_first<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        from: Option<&K>,
        admits: impl Fn(&V::Summary) -> bool,
        accepts: impl FnMut(&K, &V) -> bool,
    ) -> Result<Option<(K, V)>> {
        let mut visit = Search { admits, accepts, found: None };
        self.visit(source, from, &mut visit)?;
        Ok(visit.found)
    }

    fn visit<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        from: Option<&K>,
        visit: &mut impl Visit<K, V>,
    ) -> Result<()> {
        match &self.root {
            None => Ok(()),
            Some(root) => visit_node(source, root, self.height, from, visit).map(|_| ()),
        }
    }
}

fn visit_node<K: MapKey, V: MapValue, F: DiskFile, P: Platform>(
    source: MapSource<'_, K, V, F, P>,
    node: &NodeRef<K, V>,
    level: u8,
    from: Option<&K>,
    visit: &mut impl Visit<K, V>,
) -> Result<ControlFlow<()>> {
    let node: Arc<MapNode<K, V>> = source.open(node, level)?;
    match &*node {
        MapNode::Leaf(entries) => {
            let start = from.map_or(0, |from| entries.partition_point(|(key, _)| key < from));
            for (key, value) in &entries[start..] {
                if visit.entry(key, value)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        MapNode::Inner(children) => {
            let start = from.map_or(0, |from| child_for(children, from));
            for (at, child) in children.iter().enumerate().skip(start) {
                let from = from.filter(|_| at == start);
                if visit.admits(&child.summary)
                    && visit_node(source, &child.child, level - 1, from, visit)?.is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

struct Scan<E>(E);

impl<K, V: MapValue, E: FnMut(&K, &V) -> Result<ControlFlow<()>>> Visit<K, V> for Scan<E> {
    fn admits(&self, _summary: &V::Summary) -> bool {
        true
    }
    fn entry(&mut self, key: &K, value: &V) -> Result<ControlFlow<()>> {
        (self.0)(key, value)
    }
}

struct Search<K, V, S, E> {
    admits: S,
    accepts: E,
    found: Option<(K, V)>,
}

impl<K: MapKey, V: MapValue, S: Fn(&V::Summary) -> bool, E: FnMut(&K, &V) -> bool> Visit<K, V>
    for Search<K, V, S, E>
{
    fn admits(&self, summary: &V::Summary) -> bool {
        (self.admits)(summary)
    }
    fn entry(&mut self, key: &K, value: &V) -> Result<ControlFlow<()>> {
        if !(self.accepts)(key, value) {
            return Ok(ControlFlow::Continue(()));
        }
        self.found = Some((key.clone(), value.clone()));
        Ok(ControlFlow::Break(()))
    }
}
