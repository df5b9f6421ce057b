//! Reading a map: look-ups, neighbours, scans and pruned searches. Each loads the nodes that it passes,
//! O(height).

use std::ops::ControlFlow;

use crate::base::Result;
use crate::env::{DiskFile, Platform};

use super::entry::{MapKey, MapValue};
use super::node::{NodeRef, Step};
use super::opened::Opened;
use super::{MapSource, OrderedMap};

/// What an ordered visit does below a node.
trait Visit<K, V: MapValue> {
    /// Whether anything below the child can matter.
    fn admits(&self, summary: &V::Summary) -> bool;
    /// Takes an entry.
    fn entry(&mut self, key: &K, value: &V) -> Result<ControlFlow<()>>;
}

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// The value of `key`.
    pub fn get<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
    ) -> Result<Option<V>> {
        let Some(root) = &self.root else { return Ok(None) };
        let mut level = self.height;
        let mut step = source.step(root, level, key)?;
        loop {
            match step {
                Step::End(value) => return Ok(value),
                Step::Below(child) => {
                    level -= 1;
                    step = source.step(&child, level, key)?;
                }
            }
        }
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
        let Some(leaf) = self.leaf(source, |node| node.child_for(key))? else { return Ok(None) };
        Ok(match leaf.search(key) {
            Ok(at) => Some(leaf.entry(at)),
            Err(behind) => behind.checked_sub(1).map(|at| leaf.entry(at)),
        })
    }

    /// The last entry.
    pub fn last<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
    ) -> Result<Option<(K, V)>> {
        let leaf = self.leaf(source, |node| node.len() - 1)?;
        Ok(leaf.and_then(|leaf| leaf.len().checked_sub(1).map(|at| leaf.entry(at))))
    }

    /// The leaf below the children that `choose` chooses; `None` in an empty map.
    fn leaf<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        choose: impl Fn(&Opened<K, V>) -> usize,
    ) -> Result<Option<Opened<K, V>>> {
        let Some(root) = &self.root else { return Ok(None) };
        let mut level = self.height;
        let mut node = source.open(root, level)?;
        while !node.is_leaf() {
            level -= 1;
            node = source.open(&node.child_node(choose(&node)), level)?;
        }
        Ok(Some(node))
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
    let node = source.open(node, level)?;
    if node.is_leaf() {
        let start = from.map_or(0, |from| node.search(from).unwrap_or_else(|behind| behind));
        for at in start..node.len() {
            if node.with_entry(at, |key, value| visit.entry(key, value))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        return Ok(ControlFlow::Continue(()));
    }
    let start = from.map_or(0, |from| node.child_for(from));
    for at in start..node.len() {
        let child = node.child(at);
        let from = from.filter(|_| at == start);
        if visit.admits(&child.summary)
            && visit_node(source, &child.child, level - 1, from, visit)?.is_break()
        {
            return Ok(ControlFlow::Break(()));
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
