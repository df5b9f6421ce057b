//! A node as it stands on disk against the form of it that can be changed.

use proptest::prelude::*;

use super::super::node::{MapChild, MapNode};
use super::*;

/// Names from few letters, so that many begin alike, some are the beginning of others, and heads are the same.
fn names() -> impl Strategy<Value = BTreeSet<Vec<u8>>> {
    let letter = || prop::sample::select(vec![0, 1, b'a', 255]);
    (prop::collection::vec(letter(), 0..24), 1..7usize, 1..300usize).prop_flat_map(
        move |(begin, most, count)| {
            let name =
                prop::collection::vec(letter(), 0..most).prop_map(move |end| [&begin[..], &end].concat());
            prop::collection::btree_set(name, 1..=count)
        },
    )
}

fn leaf(names: &BTreeSet<Vec<u8>>) -> MapNode<SharedBytes, u64> {
    MapNode::Leaf(names.iter().zip(7..).map(|(name, value)| (SharedBytes::from(&name[..]), value)).collect())
}

fn read(bytes: &[u8], level: u8) -> std::result::Result<CleanNode<SharedBytes, u64>, WireError> {
    CleanNode::read(bytes.into(), level)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_forms_of_a_leaf_say_the_same(names in names(), others in names()) {
        let dirty = leaf(&names);
        let clean = read(&dirty.encode(1), 1).unwrap();
        prop_assert_eq!(clean.encoded_bytes(), dirty.encoded_bytes());
        let thawed = clean.thaw();
        prop_assert_eq!(thawed.entries(), dirty.entries());
        for name in names.iter().chain(&others) {
            let name = SharedBytes::from(&name[..]);
            prop_assert_eq!(clean.search(&name), dirty.search(&name), "{:?}", name);
        }
    }

    #[test]
    fn numbers_are_found_too(numbers in prop::collection::btree_set(any::<u64>(), 1..200), step in 0..56u32) {
        let numbers: BTreeSet<u64> = numbers.iter().map(|number| number >> step).collect();
        let dirty = MapNode::Leaf(numbers.iter().map(|&number| (number, !number)).collect());
        let clean = CleanNode::<u64, u64>::read(dirty.encode(1).into(), 1).unwrap();
        for number in numbers.iter().flat_map(|&number| [number.saturating_sub(1), number, number.saturating_add(1)]) {
            prop_assert_eq!(clean.search(&number), dirty.search(&number));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(names in names(), others in names(), damage in prop::collection::vec(any::<(u16, u8)>(), 1..4)) {
        let mut bytes = leaf(&names).encode(1);
        for (at, byte) in damage {
            // Half of the damage goes to where the header and the first keys are.
            let at = usize::from(at / 2) % if at % 2 == 0 { bytes.len() } else { bytes.len().min(64) };
            bytes[at] = byte;
        }
        for level in [1, 2] {
            bytes[0] = level;
            if let Ok(clean) = read(&bytes, level) {
                for name in &others {
                    clean.step(&SharedBytes::from(&name[..]));
                }
                prop_assert_eq!(clean.thaw().encoded_bytes(), clean.encoded_bytes());
            }
        }
    }
}

/// Each of the nodes can be read; what a change makes of both cannot.
#[test]
fn neighbours_in_the_wrong_order_are_damage_when_they_are_joined() {
    let (file, cache) = (file(), Cache::<u64, u64>::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let leaf = |keys: &[u64]| MapNode::<u64, u64>::Leaf(keys.iter().map(|&key| (key, 7)).collect());
    let put = |block: u64, bytes: Vec<u8>| {
        Writer(&file).write_node(BlockId(block), &bytes).unwrap();
        BlockRef::to(BlockId(block), &bytes)
    };
    let left = put(2, leaf(&[1, 100, 101]).encode(1));
    let right = put(3, leaf(&[50, 51]).encode(1));
    let child = |first, at| MapChild { first, summary: (), child: NodeRef::Disk(at) };
    let root = MapNode::<u64, u64>::Inner(vec![child(1, left), child(50, right)]);
    let root = put(4, root.encode(2));
    let mut map = OrderedMap::<u64, u64>::from_root(&MapRoot { root: Some(root), height: 2, count: 5 }, 512);
    map.remove(source, &1, &mut Deaths::default()).unwrap();
    let error = write(source, capture(&map, &mut 5)).unwrap_err();
    assert!(matches!(error, Error::Corruption { .. }), "{error}");
}
