//! The audit finds what it is there for.
//!
//! Why: the simulator trusts `Database::verify`; an audit that finds nothing because it looks at nothing would look the
//! same. How: a closed database is forged so that one thing is wrong and every checksum but the planted one is right.
//! It opens like any other, and the report must name the damage in these words.
//!
//! Not here: damage that checksums notice by themselves (`corrupt`).

use tests::{Forge, Image, Lab, Link, Run, noise, small};

/// A closed database with one stream of two inner levels, and free runs.
fn closed() -> Image {
    let lab = Lab::new(51, small());
    let db = lab.open();
    db.create("s").unwrap();
    db.append("s", &noise(1, 9 << 10)).unwrap();
    db.checkpoint().unwrap();
    db.remove("s", 1_024..6_144).unwrap();
    db.checkpoint().unwrap();
    db.close().unwrap();
    lab.image()
}

/// The forged database opens; what its audit says.
fn audit(forge: impl FnOnce(&mut Forge)) -> Vec<String> {
    let mut image = closed();
    let mut file = Forge::new(image["x.ns"].clone());
    forge(&mut file);
    image.insert("x.ns".to_owned(), file.finish());
    Lab::with_image(small(), &image).open().verify().unwrap().problems
}

/// The links to the first leaf of the stream, and to its sibling.
fn first_leaves(file: &Forge) -> (Vec<Link>, Link) {
    let (mut path, height) = file.first_stream();
    for _ in 0..height {
        let children = file.children(path[path.len() - 1]);
        path.push(children[0]);
    }
    let parent = path[path.len() - 2];
    (path, file.children(parent)[1])
}

/// The first blocks of the node behind `link` and of all below it.
fn blocks_below(file: &Forge, link: Link, height: u8) -> Vec<u64> {
    let children = if height == 0 { Vec::new() } else { file.children(link) };
    let below = children.into_iter().flat_map(|child| blocks_below(file, child, height - 1));
    below.chain([file.block(link)]).collect()
}

#[test]
fn what_was_summed_again_and_not_changed_is_clean() {
    let problems = audit(|file| {
        let (path, sibling) = first_leaves(file);
        assert!(path.len() >= 4, "two inner levels");
        file.seal(&path);
        file.seal(&[sibling]);
        file.seal(&path[..path.len() - 1]);
        let (link, runs) = file.free_runs();
        assert!(runs.iter().any(|run| run.blocks >= 2), "{runs:?}");
        file.seal(&[link]);
    });
    assert_eq!(problems, [""; 0]);
}

#[test]
fn a_leaked_block_is_found() {
    let mut leaked = 0;
    let problems = audit(|file| {
        let (link, runs) = file.free_runs();
        let run = runs.into_iter().find(|run| run.blocks >= 2).expect("a long run");
        leaked = run.start + run.blocks - 1;
        file.resize_run(run, run.blocks - 1);
        file.seal(&[link]);
    });
    let end = leaked + 1;
    assert_eq!(problems, [format!("blocks {leaked}..{end}, behind the free space, belong to nobody")]);
}

#[test]
fn a_block_leaked_at_the_end_of_the_space_is_found() {
    let mut image = closed();
    let mut file = Forge::new(image["x.ns"].clone());
    let end = file.total_blocks();
    file.put_total_blocks(end + 1);
    let mut bytes = file.finish();
    bytes.resize((end as usize + 1) * 4_096, 0);
    image.insert("x.ns".to_owned(), bytes);
    let problems = Lab::with_image(small(), &image).open().verify().unwrap().problems;
    assert_eq!(problems, [format!("the last claim ends at block {end}, the space at {}", end + 1)]);
}

#[test]
fn a_block_that_is_free_and_in_use_is_found() {
    let mut taken = 0;
    let problems = audit(|file| {
        let (link, runs) = file.free_runs();
        let (path, height) = file.first_stream();
        let nodes = blocks_below(file, path[1], height);
        let is_before_node = |run: &Run| nodes.contains(&(run.start + run.blocks));
        let run = runs.into_iter().find(is_before_node).expect("a run before a node of the stream");
        taken = run.start + run.blocks;
        file.resize_run(run, run.blocks + 1);
        file.seal(&[link]);
    });
    let end = taken + 1;
    assert_eq!(problems, [format!("blocks {taken}..{end} belong to the free space and to a stream")]);
}

#[test]
fn a_block_that_is_in_a_stream_twice_is_found() {
    let (mut twice, mut lost) = (0, 0);
    let problems = audit(|file| {
        let (path, sibling) = first_leaves(file);
        let leaf = path[path.len() - 1];
        assert_eq!(file.node_bytes(leaf), file.node_bytes(sibling), "the byte counts stay right");
        (twice, lost) = (file.block(leaf), file.block(sibling));
        file.copy_entry(leaf, sibling);
        file.seal(&path);
    });
    let double = format!("blocks {twice}..{} belong to a stream and to a stream", twice + 1);
    let leak = format!("blocks {lost}..{}, behind ", lost + 1);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.contains(&double), "{double:?} is not in {problems:?}");
    assert!(
        problems.iter().any(|p| p.starts_with(&leak) && p.ends_with(", belong to nobody")),
        "{problems:?}"
    );
}

#[test]
fn a_wrong_byte_count_of_an_inner_entry_is_found() {
    let mut nodes = Vec::new();
    let problems = audit(|file| {
        let (path, _) = file.first_stream();
        let children = file.children(path[1]);
        // The sum of the counts stays right, so that the root itself is in order.
        for (child, delta) in [(children[0], 1), (children[1], u64::MAX)] {
            let at = file.count_at(child, false);
            file.put_number(at, file.number(at).wrapping_add(delta));
            nodes.push(file.block(child) * 4_096);
        }
        file.seal(&path);
    });
    for node in nodes {
        let expected = format!(
            "a stream: corruption in /db/x.ns at byte {node}: expected a well-formed node, found a node that does not \
             fit its parent's entry"
        );
        assert!(problems.contains(&expected), "{expected:?} is not in {problems:?}");
    }
}

#[test]
fn a_wrong_length_of_a_stream_is_found() {
    let mut node = 0;
    let problems = audit(|file| {
        let (path, _) = file.first_stream();
        let at = file.count_at(path[1], true);
        file.put_number(at, file.number(at) + 1);
        node = file.block(path[1]) * 4_096;
        file.seal(&path);
    });
    let expected = format!(
        "a stream: corruption in /db/x.ns at byte {node}: expected a well-formed node, found a node that does not fit its \
         parent's entry"
    );
    assert!(problems.contains(&expected), "{expected:?} is not in {problems:?}");
}

#[test]
fn a_leaf_with_too_few_bytes_is_found() {
    let mut block = 0;
    let problems = audit(|file| {
        let (path, _) = first_leaves(file);
        let leaf = path[path.len() - 1];
        block = file.block(leaf);
        let less = u64::from(file.node_bytes(leaf) - 10);
        file.put_node_bytes(leaf, 10);
        // Every count on the way is right: only the leaf is too short.
        for (at, link) in path.iter().enumerate().skip(1) {
            let count = file.count_at(*link, at == 1);
            file.put_number(count, file.number(count) - less);
        }
        file.seal(&path);
    });
    assert_eq!(problems, [format!("a stream: block {block} at height 0 has size 10")]);
}

#[test]
fn a_wrong_checksum_of_a_leaf_is_found() {
    let (mut node, mut sum) = (0, 0);
    let problems = audit(|file| {
        let (path, _) = first_leaves(file);
        let leaf = path[path.len() - 1];
        (node, sum) = (file.block(leaf) * 4_096, file.sum(leaf) ^ 1);
        file.put_sum(leaf, sum);
        file.seal(&path[..path.len() - 1]);
    });
    let expected = format!(
        "a stream: corruption in /db/x.ns at byte {node}: expected checksum {sum:#010x}, found other bytes"
    );
    assert_eq!(problems, [expected]);
}
