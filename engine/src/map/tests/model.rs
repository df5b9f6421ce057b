//! Random operations on a map and on a `BTreeMap`, side by side.

use crate::base::SharedBytes;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Insert(u16, u64),
    Remove(u16),
    RemoveRange(u16, u16),
    Rekey(u16, u64),
    Update(u16, u64),
    Neighbours(u16),
    Flush,
    /// As a flush, but what follows happens before it is written.
    Capture,
    Reopen,
    Snapshot,
    /// The next change finds the cache empty, and only so many reads succeed.
    FailReads(u64),
}

fn op(keys: u16) -> impl Strategy<Value = Op> {
    let key = move || 0..keys;
    prop_oneof![
        12 => (key(), 0..50u64).prop_map(|(key, value)| Op::Insert(key, value)),
        8 => key().prop_map(Op::Remove),
        1 => (key(), 0..30u16).prop_map(|(key, count)| Op::RemoveRange(key, count)),
        3 => (key(), any::<u64>()).prop_map(|(key, pick)| Op::Rekey(key, pick)),
        3 => (key(), 0..50u64).prop_map(|(key, value)| Op::Update(key, value)),
        3 => key().prop_map(Op::Neighbours),
        2 => Just(Op::Flush),
        2 => Just(Op::Capture),
        1 => Just(Op::Reopen),
        1 => Just(Op::Snapshot),
        4 => (0..5u64).prop_map(Op::FailReads),
    ]
}

struct Run<'a, K: MapKey, V: MapValue> {
    file: &'a DataFile<MemFile, RealPlatform>,
    cache: Cache<K, V>,
    node_bytes: u32,
    next: u64,
    map: OrderedMap<K, V>,
    model: BTreeMap<K, V>,
    snapshots: Vec<(OrderedMap<K, V>, BTreeMap<K, V>)>,
    fail_reads_after: Option<u64>,
    captured: Vec<CapturedMapNode<K, V>>,
}

impl<K: TestKey, V: TestValue> Run<'_, K, V> {
    fn audit(&self) -> Collect<K, V> {
        audit(&self.map, MapSource { file: self.file, cache: &self.cache })
    }

    /// Applies a change to the map and, if it succeeds, to the model; checks deaths, or that nothing has changed.
    fn change<R: PartialEq + std::fmt::Debug>(
        &mut self,
        on_map: impl Fn(&mut OrderedMap<K, V>, Source<'_, K, V>, &mut Deaths) -> Result<R>,
        on_model: impl Fn(&mut BTreeMap<K, V>) -> R,
    ) {
        let before = self.audit();
        let was_dirty = self.map.is_dirty();
        let mut deaths = Deaths::default();
        if let Some(reads) = self.fail_reads_after.take() {
            let cold = Cache::on(&Shelf::new(1 << 20));
            let source = MapSource { file: self.file, cache: &cold };
            self.file.file().fail_reads_after(reads);
            let result = on_map(&mut self.map, source, &mut deaths);
            self.file.file().heal();
            match result {
                Ok(result) => {
                    assert_eq!(result, on_model(&mut self.model));
                }
                Err(_) => {
                    assert!(deaths.is_empty() && self.map.is_dirty() == was_dirty);
                    assert_eq!(self.audit().blocks, before.blocks);
                }
            }
        } else {
            let source = MapSource { file: self.file, cache: &self.cache };
            let result = on_map(&mut self.map, source, &mut deaths).unwrap();
            assert_eq!(result, on_model(&mut self.model));
        }
        let after = self.audit();
        let dead: BTreeSet<Extent> = deaths.extents().iter().copied().collect();
        assert_eq!(dead.len(), deaths.extents().len(), "a block died twice");
        assert!(after.blocks.is_subset(&before.blocks));
        assert_eq!(dead, before.blocks.difference(&after.blocks).copied().collect());
        assert_eq!(after.entries, self.model.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>());
        assert_eq!(self.map.len(), self.model.len() as u64);
    }

    fn rekey(&mut self, key: u16, pick: u64) {
        // The numbers that lie strictly between the neighbours of `key`.
        let key_of = |n: u16| K::of(n);
        let Some(at) = self.model.get(&key_of(key)).cloned() else { return };
        let free = |n: &u16| !self.model.contains_key(&key_of(*n));
        let up = (key + 1..key + 40).take_while(free).count() as u64;
        let new = key + u16::try_from(pick % (up + 1)).unwrap();
        let value = V::of(pick % 100);
        assert!(at == at.clone());
        self.change(
            |map, source, deaths| map.rekey(source, &key_of(key), key_of(new), value.clone(), deaths),
            |model| {
                model.remove(&key_of(key));
                model.insert(key_of(new), value.clone());
                true
            },
        );
    }

    fn neighbours(&self, key: u16) {
        let source = MapSource { file: self.file, cache: &self.cache };
        let key = K::of(key);
        let own = |(key, value): (&K, &V)| (key.clone(), value.clone());
        assert_eq!(self.map.get(source, &key).unwrap(), self.model.get(&key).cloned());
        assert_eq!(
            self.map.first_at_or_after(source, &key).unwrap(),
            self.model.range(&key..).next().map(own)
        );
        assert_eq!(
            self.map.last_at_or_before(source, &key).unwrap(),
            self.model.range(..=&key).next_back().map(own)
        );
        assert_eq!(self.map.last(source).unwrap(), self.model.last_key_value().map(own));
        let mut seen = Vec::new();
        let scanned = self.map.scan(source, Some(&key), |key, value| {
            seen.push((key.clone(), value.clone()));
            Ok(if seen.len() == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        scanned.unwrap();
        assert_eq!(seen, self.model.range(&key..).take(20).map(own).collect::<Vec<_>>());
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Insert(key, value) => self.change(
                |map, source, deaths| map.insert(source, &K::of(key), V::of(value), deaths),
                |model| model.insert(K::of(key), V::of(value)),
            ),
            Op::Remove(key) => self.remove(key),
            Op::RemoveRange(key, count) => (key..key + count).for_each(|key| self.remove(key)),
            Op::Rekey(key, pick) => self.rekey(key, pick),
            Op::Update(key, value) => self.change(
                |map, source, deaths| {
                    let update = |old: &mut V| std::mem::replace(old, V::of(value));
                    map.update(source, &K::of(key), deaths, update)
                },
                |model| model.get_mut(&K::of(key)).map(|old| std::mem::replace(old, V::of(value))),
            ),
            Op::Neighbours(key) => self.neighbours(key),
            Op::Flush => self.flush(),
            Op::Capture => self.capture(),
            Op::Reopen => {
                self.flush();
                let root = self.map.root().unwrap();
                let mut bytes = Vec::new();
                root.encode_into(&mut bytes);
                let root = MapRoot::decode(&mut Reader::new(&bytes)).unwrap();
                self.map = OrderedMap::from_root(&root, self.node_bytes);
                self.cache = Cache::on(&Shelf::new(4 << 10));
            }
            Op::Snapshot => self.snapshots.push((self.map.clone(), self.model.clone())),
            Op::FailReads(reads) => self.fail_reads_after = Some(reads),
        }
    }

    fn remove(&mut self, key: u16) {
        self.change(
            |map, source, deaths| map.remove(source, &K::of(key), deaths),
            |model| model.remove(&K::of(key)),
        );
    }

    fn write_captured(&mut self) {
        let source = MapSource { file: self.file, cache: &self.cache };
        write(source, std::mem::take(&mut self.captured)).unwrap();
        self.map.forget_written(&mut |_| {});
    }

    fn capture(&mut self) {
        self.write_captured();
        let before = self.audit();
        self.captured = capture(&self.map, &mut self.next);
        let after = self.audit();
        assert_eq!(after.entries, before.entries);
        assert!(before.blocks.is_subset(&after.blocks));
    }

    fn flush(&mut self) {
        self.capture();
        let before = self.audit();
        self.write_captured();
        assert!(!self.map.is_dirty());
        let after = self.audit();
        assert_eq!((after.entries, after.blocks), (before.entries, before.blocks));
    }
}

fn run<K: TestKey, V: TestValue>(ops: &[Op], node_bytes: u32, prefill: u16) {
    let file = file();
    let mut run = Run {
        file: &file,
        cache: Cache::<K, V>::on(&Shelf::new(4 << 10)),
        node_bytes,
        next: 2,
        map: OrderedMap::new(node_bytes),
        model: BTreeMap::new(),
        snapshots: Vec::new(),
        fail_reads_after: None,
        captured: Vec::new(),
    };
    let mut deaths = Deaths::default();
    for key in 0..prefill {
        let source = MapSource { file: &file, cache: &run.cache };
        run.map.insert(source, &K::of(key), V::of(5), &mut deaths).unwrap();
        run.model.insert(K::of(key), V::of(5));
    }
    for op in ops {
        run.step(op);
    }
    for (map, model) in &run.snapshots {
        let entries = audit(map, MapSource { file: &file, cache: &run.cache }).entries;
        assert_eq!(entries, model.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_in_tiny_nodes(ops in prop::collection::vec(op(400), 0..300), prefill in 0..400u16) {
        run::<u64, u64>(&ops, 96, prefill);
    }

    #[test]
    fn numbers_in_small_nodes(ops in prop::collection::vec(op(2000), 0..200), prefill in 0..2000u16) {
        run::<u64, u64>(&ops, 512, prefill);
    }

    #[test]
    fn runs_with_their_longest(ops in prop::collection::vec(op(300), 0..300), prefill in 0..300u16) {
        run::<u64, RunLength>(&ops, 160, prefill);
    }

    #[test]
    fn names_longer_than_nodes(ops in prop::collection::vec(op(200), 0..200), prefill in 0..200u16) {
        run::<SharedBytes, u64>(&ops, 512, prefill);
    }
}
