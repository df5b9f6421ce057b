//! Taking the nodes of a map off the end of the file.

use crate::base::Result;
use crate::cache::{Deaths, Vacating};
use crate::env::{DiskFile, Platform};

use super::entry::{MapKey, MapValue};
use super::node::{MapChild, NodeRef};
use super::{MapSource, OrderedMap};

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// The first key below each node that reaches behind `vacating.end`. Reads inner nodes only.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn behind<F: DiskFile, P: Platform>(
        &self,
        source: MapSource<'_, K, V, F, P>,
        vacating: &mut Vacating,
    ) -> Result<Vec<K>> {
        let mut keys = Vec::new();
        let first = self.find_first(source, None, |_| true, |_, _| true)?;
        if let (Some(root), Some((first, _))) = (&self.root, first) {
            find_behind(source, root, self.height, &first, vacating, &mut keys)?;
        }
        Ok(keys)
    }

    /// Makes the nodes on the way to `keys` dirty, so that the next checkpoint finds them other blocks.
    ///
    /// # Errors
    /// If a node cannot be read. The map is whole then, and some nodes are dirty that were not.
    pub fn touch<F: DiskFile, P: Platform>(
        &mut self,
        source: MapSource<'_, K, V, F, P>,
        keys: &[K],
        deaths: &mut Deaths,
    ) -> Result<()> {
        // A value that is touched leaves no clean node above it.
        keys.iter().try_for_each(|key| self.update(source, key, deaths, |_| ()).map(drop))
    }
}

/// The first key below each node that reaches behind the end.
fn find_behind<K: MapKey, V: MapValue, F: DiskFile, P: Platform>(
    source: MapSource<'_, K, V, F, P>,
    node: &NodeRef<K, V>,
    level: u8,
    first: &K,
    vacating: &mut Vacating,
    keys: &mut Vec<K>,
) -> Result<()> {
    if node.extent().is_some_and(|extent| extent.end() > vacating.end) {
        keys.push(first.clone());
    }
    if level == 1 || !vacating.visit() {
        return Ok(());
    }
    let node = source.open(node, level)?;
    for at in 0..node.len() {
        let MapChild { first, child, .. } = node.child(at);
        find_behind(source, &child, level - 1, &first, vacating, keys)?;
    }
    Ok(())
}
