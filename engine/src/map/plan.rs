//! The first half of a change: load every node that it can touch, so that the second half cannot fail.
//!
//! On the way up the plan keeps a lower bound of what each node will measure after the change. Only where
//! that bound is under the limits a sibling may be needed; it is loaded too.

use std::sync::Arc;

use crate::base::{BlockId, Result};
use crate::cache::{Deaths, Home};
use crate::env::{DiskFile, Platform};

use super::change::Change;
use super::clean::CleanNode;
use super::entry::{MapKey, MapValue};
use super::node::{MapNode, NodeRef};
use super::opened::Opened;
use super::regroup::{is_sparse, sibling_of};
use super::{MapSource, OrderedMap};

/// The clean nodes that a change may replace.
pub(super) struct Plan<K, V: MapValue> {
    loaded: Vec<(BlockId, Arc<CleanNode<K, V>>)>,
}

/// What the change may do to a node, seen from its parent.
struct Forecast {
    may_be_sparse: bool,
    first_may_change: bool,
}

impl<K: MapKey, V: MapValue> Plan<K, V> {
    /// Loads what `change` at `key` can touch; `None` if it does nothing.
    pub(super) fn make<F: DiskFile, P: Platform>(
        map: &OrderedMap<K, V>,
        source: MapSource<'_, K, V, F, P>,
        key: &K,
        change: &Change<'_, K, V>,
    ) -> Result<Option<Plan<K, V>>> {
        let mut plan = Plan { loaded: Vec::new() };
        let Some(root) = &map.root else {
            return Ok(matches!(change, Change::Put(_)).then_some(plan));
        };
        let mut path = Vec::new();
        let mut level = map.height;
        let mut node = plan.load(source, root, level)?;
        let mut forecast = loop {
            if node.is_leaf() {
                match forecast_leaf(&node, key, change, map.node_bytes) {
                    Some(forecast) => break forecast,
                    None => return Ok(None),
                }
            }
            let at = node.child_for(key);
            let below = plan.load(source, &node.child_node(at), level - 1)?;
            path.push((std::mem::replace(&mut node, below), at));
            level -= 1;
        };
        for (node, at) in path.into_iter().rev() {
            if forecast.may_be_sparse {
                reached!("a change of a map loads a sibling on the right", at == 0);
                plan.load(source, &node.child_node(sibling_of(at)), level)?;
            }
            forecast = forecast_inner(&node, at, &forecast, map.node_bytes);
            level += 1;
        }
        Ok(Some(plan))
    }

    fn load<F: DiskFile, P: Platform>(
        &mut self,
        source: MapSource<'_, K, V, F, P>,
        node: &NodeRef<K, V>,
        level: u8,
    ) -> Result<Opened<K, V>> {
        let opened = source.open(node, level)?;
        if let (NodeRef::Disk(reference), Opened::Clean(node)) = (node, &opened) {
            self.loaded.push((reference.block, Arc::clone(node)));
        }
        Ok(opened)
    }

    /// Makes `node` one that can be changed: dirty and not shared. Its blocks on disk die.
    pub(super) fn dirty<'n>(
        &mut self,
        node: &'n mut NodeRef<K, V>,
        deaths: &mut Deaths,
    ) -> &'n mut MapNode<K, V> {
        let extent = node.extent();
        let in_memory = matches!(node, NodeRef::Mem(_));
        reached!("a map node changed that a checkpoint had captured", extent.is_some() && in_memory);
        if let NodeRef::Disk(reference) = node {
            let block = reference.block;
            let found = self.loaded.iter().position(|(loaded, _)| *loaded == block);
            let at = found.expect("invariant: the plan loaded every node that the change touches");
            *node = NodeRef::to(self.loaded.swap_remove(at).1.thaw());
        }
        let NodeRef::Mem(node) = node else { unreachable!("the node was just made dirty") };
        let node = Arc::make_mut(node);
        if let Some(extent) = extent {
            deaths.kill(extent);
            node.home = Home::default();
        }
        &mut node.node
    }
}

fn forecast_leaf<K: MapKey, V: MapValue>(
    node: &Opened<K, V>,
    key: &K,
    change: &Change<'_, K, V>,
    node_bytes: usize,
) -> Option<Forecast> {
    let found = node.search(key);
    let (at, old_bytes) = match found {
        Ok(at) => (at, node.item_bytes(at)),
        Err(at) => (at, 0),
    };
    let new_bytes = match (change, found) {
        (Change::Put(value), _) => key.encoded_bytes() + value.encoded_bytes(),
        (_, Err(_)) => return None,
        (Change::Rekey(new_key, value), _) => new_key.encoded_bytes() + value.encoded_bytes(),
        // What an update makes of the value is not known yet.
        (Change::Remove | Change::Update(_), _) => 0,
    };
    let least = node.encoded_bytes() + new_bytes - old_bytes;
    let entries_left = node.len() - usize::from(matches!(change, Change::Remove));
    let may_be_sparse = new_bytes < old_bytes && is_sparse(entries_left, least, node_bytes);
    Some(Forecast { may_be_sparse, first_may_change: at == 0 })
}

fn forecast_inner<K: MapKey, V: MapValue>(
    node: &Opened<K, V>,
    at: usize,
    below: &Forecast,
    node_bytes: usize,
) -> Forecast {
    if !below.may_be_sparse && !below.first_may_change {
        return Forecast { may_be_sparse: false, first_may_change: false };
    }
    let mut least = node.encoded_bytes() - node.item_bytes(at);
    let mut children_left = node.len();
    if below.may_be_sparse {
        least -= node.item_bytes(sibling_of(at));
        children_left -= 1;
    }
    Forecast { may_be_sparse: is_sparse(children_left, least, node_bytes), first_may_change: at <= 1 }
}
