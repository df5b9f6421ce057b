//! Changing a map. A change is planned first (`plan`), which may fail, and then applied, which cannot.

use crate::base::Result;
use crate::cache::Deaths;
use crate::env::{DiskFile, Platform};

use super::entry::{MapKey, MapValue};
use super::node::{MapChild, MapNode, NodeRef, child_at, child_bytes, entry_bytes, largest_entry};
use super::plan::Plan;
use super::regroup::{Cut, is_overfull, is_sparse, regroup, sibling_of};
use super::{MapSource, OrderedMap};

/// What happens to one key.
pub(super) enum Change<'c, K, V> {
    /// It gets this value.
    Put(V),
    /// It goes.
    Remove,
    /// Another key, next to it in the order, and a value take its place.
    Rekey(K, V),
    /// Its value is changed in place.
    Update(&'c mut dyn FnMut(&mut V)),
}

/// What a change did to a node.
struct Applied<V> {
    /// The value that was there.
    old: Option<V>,
    /// The length of the node's encoding before.
    bytes_before: usize,
    /// Whether it changed at its end.
    at_end: bool,
}

struct Changer<'c, 'd, K, V: MapValue> {
    key: &'c K,
    plan: Plan<K, V>,
    deaths: &'d mut Deaths,
    node_bytes: usize,
}

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// Sets the value of `key`; returns the one it had.
    ///
    /// # Errors
    /// If a node cannot be read. Nothing is changed then, here and in the other changes.
    pub fn insert<F: DiskFile, P: Platform>(
        &mut self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
        value: V,
        deaths: &mut Deaths,
    ) -> Result<Option<V>> {
        let old = self.change(source, key, Change::Put(value), deaths)?.flatten();
        self.count += u64::from(old.is_none());
        Ok(old)
    }

    /// Removes `key`; returns the value that it had.
    pub fn remove<F: DiskFile, P: Platform>(
        &mut self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
        deaths: &mut Deaths,
    ) -> Result<Option<V>> {
        let old = self.change(source, key, Change::Remove, deaths)?.flatten();
        self.count -= u64::from(old.is_some());
        Ok(old)
    }

    /// Replaces `key` and its value by `new_key` and `value`, in one step; `false` if `key` is not there.
    ///
    /// No other key may lie between the two.
    pub fn rekey<F: DiskFile, P: Platform>(
        &mut self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
        new_key: K,
        value: V,
        deaths: &mut Deaths,
    ) -> Result<bool> {
        Ok(self.change(source, key, Change::Rekey(new_key, value), deaths)?.is_some())
    }

    /// Lets `update` change the value of `key` in place, without a copy where nobody shares it; `None`, and
    /// `update` is not called, if `key` is not there.
    pub fn update<R, F: DiskFile, P: Platform>(
        &mut self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
        deaths: &mut Deaths,
        update: impl FnOnce(&mut V) -> R,
    ) -> Result<Option<R>> {
        let mut update = Some(update);
        let mut result = None;
        let mut once = |value: &mut V| {
            let update = update.take().expect("invariant: a change is applied once");
            result = Some(update(value));
        };
        self.change(source, key, Change::Update(&mut once), deaths)?;
        Ok(result)
    }

    /// `None` if there was nothing to do.
    fn change<F: DiskFile, P: Platform>(
        &mut self,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
        change: Change<'_, K, V>,
        deaths: &mut Deaths,
    ) -> Result<Option<Option<V>>> {
        if let Change::Put(value) | Change::Rekey(_, value) = &change {
            let bytes = key.encoded_bytes() + value.encoded_bytes();
            assert!(bytes <= largest_entry::<K, V>(), "an entry of {bytes} bytes");
        }
        let Some(plan) = Plan::make(self, source, key, &change)? else { return Ok(None) };
        let mut changer = Changer { key, plan, deaths, node_bytes: self.node_bytes };
        let Some(mut root) = self.root.take() else {
            let Change::Put(value) = change else { unreachable!("a change of an empty map") };
            self.root = Some(NodeRef::to(MapNode::Leaf(vec![(key.clone(), value)])));
            self.height = 1;
            return Ok(Some(None));
        };
        let applied = changer.apply(&mut root, change, true);
        self.root = changer.settle_root(root, &mut self.height, applied.at_end);
        Ok(Some(applied.old))
    }
}

impl<K: MapKey, V: MapValue> Changer<'_, '_, K, V> {
    fn apply(&mut self, node: &mut NodeRef<K, V>, change: Change<'_, K, V>, right_edge: bool) -> Applied<V> {
        let node = self.plan.dirty(node, self.deaths);
        let (bytes_before, found) = (node.encoded_bytes(), node.search(self.key));
        match node {
            MapNode::Leaf(entries) => {
                let (old, at) = apply_to_leaf(entries, self.key, found, change);
                Applied { old, bytes_before, at_end: at + 1 == entries.len() }
            }
            MapNode::Inner(children) => {
                let at = child_at(found);
                let at_end = at + 1 == children.len();
                let applied = self.apply(&mut children[at].child, change, right_edge && at_end);
                self.settle_child(children, at, &applied, right_edge && at_end);
                Applied { old: applied.old, bytes_before, at_end }
            }
        }
    }

    /// Splits, joins or just describes anew the child at `at`, which has changed.
    fn settle_child(
        &mut self,
        children: &mut Vec<MapChild<K, V>>,
        at: usize,
        applied: &Applied<V>,
        right_edge: bool,
    ) {
        let NodeRef::Mem(node) = &children[at].child else { unreachable!("a changed child is dirty") };
        let (count, bytes) = (node.len(), node.encoded_bytes());
        if is_overfull(count, bytes, self.node_bytes) {
            let cut = if applied.at_end { Cut::Tail { right_edge } } else { Cut::Even };
            reached!("a map node was split at its end, inside the map", applied.at_end && !right_edge);
            let node = self.take(&mut children[at].child);
            children.splice(at..=at, self.split(node, cut));
        } else if count < 2 || bytes < applied.bytes_before && is_sparse(count, bytes, self.node_bytes) {
            let left_at = at.min(sibling_of(at));
            let left = self.take(&mut children[left_at].child);
            let right = self.take(&mut children[left_at + 1].child);
            reached!("inner nodes of a map were joined", matches!(left, MapNode::Inner(_)));
            let joined = self.split(concat(left, right), Cut::Even);
            reached!("two map nodes were dealt out again", joined.len() == 2);
            children.splice(left_at..=left_at + 1, joined);
        } else {
            let summary = node.summary().expect("invariant: only a sparse node is empty");
            let first = node.first().expect("invariant: only a sparse node is empty");
            if children[at].first != *first {
                let first = first.clone();
                children[at].first = first;
            }
            children[at].summary = summary;
        }
    }

    fn settle_root(&mut self, root: NodeRef<K, V>, height: &mut u8, at_end: bool) -> Option<NodeRef<K, V>> {
        let mut root = root;
        loop {
            let NodeRef::Mem(node) = &root else { return Some(root) };
            match &node.node {
                MapNode::Leaf(entries) if entries.is_empty() => {
                    reached!("a map became empty");
                    *height = 0;
                    return None;
                }
                MapNode::Inner(children) if children.len() == 1 => {
                    let child = children[0].child.clone();
                    reached!("a map lost its third level", *height == 3);
                    *height -= 1;
                    root = child;
                }
                node if is_overfull(node.len(), node.encoded_bytes(), self.node_bytes) => {
                    let cut = if at_end { Cut::Tail { right_edge: true } } else { Cut::Even };
                    let node = self.take(&mut root);
                    let children = self.split(node, cut);
                    reached!("a map got a third level", *height == 2);
                    *height += 1;
                    root = NodeRef::to(MapNode::Inner(children));
                }
                _ => return Some(root),
            }
        }
    }

    /// The node itself, dirty, to be taken apart; what stands in `node` afterwards is to be dropped.
    fn take(&mut self, node: &mut NodeRef<K, V>) -> MapNode<K, V> {
        let node = self.plan.dirty(node, self.deaths);
        std::mem::replace(node, MapNode::Leaf(Vec::new()))
    }

    fn split(&self, node: MapNode<K, V>, cut: Cut) -> Vec<MapChild<K, V>> {
        match node {
            MapNode::Leaf(entries) => {
                let groups = regroup(entries, &entry_bytes, self.node_bytes, cut);
                groups.into_iter().map(|group| MapNode::Leaf(group).into_child()).collect()
            }
            MapNode::Inner(children) => {
                let groups = regroup(children, &child_bytes, self.node_bytes, cut);
                groups.into_iter().map(|group| MapNode::Inner(group).into_child()).collect()
            }
        }
    }
}

/// Returns the old value and where the leaf changed.
fn apply_to_leaf<K: MapKey, V: MapValue>(
    entries: &mut Vec<(K, V)>,
    key: &K,
    found: Result<usize, usize>,
    change: Change<'_, K, V>,
) -> (Option<V>, usize) {
    let at = match (found, &change) {
        (Ok(at), _) => at,
        (Err(at), Change::Put(_)) => {
            let Change::Put(value) = change else { unreachable!() };
            entries.insert(at, (key.clone(), value));
            return (None, at);
        }
        (Err(_), _) => unreachable!("the plan found the key"),
    };
    let old = match change {
        Change::Put(value) => Some(std::mem::replace(&mut entries[at].1, value)),
        Change::Remove => Some(entries.remove(at).1),
        Change::Rekey(new_key, value) => {
            assert!(at == 0 || entries[at - 1].0 < new_key, "a new key passes its neighbour");
            assert!(
                entries.get(at + 1).is_none_or(|next| new_key < next.0),
                "a new key passes its neighbour"
            );
            Some(std::mem::replace(&mut entries[at], (new_key, value)).1)
        }
        Change::Update(update) => {
            update(&mut entries[at].1);
            None
        }
    };
    (old, at)
}

fn concat<K, V: MapValue>(left: MapNode<K, V>, right: MapNode<K, V>) -> MapNode<K, V> {
    match (left, right) {
        (MapNode::Leaf(mut left), MapNode::Leaf(mut right)) => {
            left.append(&mut right);
            MapNode::Leaf(left)
        }
        (MapNode::Inner(mut left), MapNode::Inner(mut right)) => {
            left.append(&mut right);
            MapNode::Inner(left)
        }
        _ => unreachable!("siblings are at one level"),
    }
}
