//! The disk keeps what was synced and only that, and the dead stay dead.

use std::path::Path;

use numstore::env::{Disk, DiskFile, Env, OpenMode};

use super::*;

const CREATE: OpenMode = OpenMode { write: true, create_new: true };
const WRITE: OpenMode = OpenMode { write: true, create_new: false };

/// A world with one durable file of `len` bytes of `byte`, open.
fn with_file(seed: u64, len: usize, byte: u8) -> (World, SimFile) {
    let world = World::new(seed);
    let env = world.env();
    let file = env.disk().open(Path::new("db/f"), CREATE).unwrap();
    file.write_at(&vec![byte; len], 0).unwrap();
    file.sync().unwrap();
    env.disk().sync_dir(Path::new("db")).unwrap();
    (world, file)
}

fn content(world: &World) -> Vec<u8> {
    world.read_file("db/f").unwrap()
}

#[test]
fn reads_see_pending_writes() {
    let (_, file) = with_file(1, 1000, 1);
    file.write_at(&[2; 10], 500).unwrap();
    let mut buf = [0; 20];
    assert_eq!(file.read_at(&mut buf, 495).unwrap(), 20);
    assert_eq!(buf[..5], [1; 5]);
    assert_eq!(buf[5..15], [2; 10]);
    assert_eq!(file.read_at(&mut buf, 990).unwrap(), 10);
    assert_eq!(file.read_at(&mut buf, 1000).unwrap(), 0);
}

#[test]
fn a_kill_keeps_what_is_visible_and_makes_nothing_durable() {
    let (world, file) = with_file(1, 1024, 1);
    file.write_at(&[2; 512], 0).unwrap();
    world.kill();
    assert_eq!(content(&world)[..512], [2; 512]);
    world.power_loss(Persist::None);
    assert_eq!(content(&world), [1; 1024]);
}

#[test]
fn a_power_loss_keeps_all_or_nothing_when_told_so() {
    for (persist, expected) in [(Persist::None, 1), (Persist::All, 2)] {
        let (world, file) = with_file(1, 2048, 1);
        file.write_at(&[2; 2048], 0).unwrap();
        world.power_loss(persist);
        assert_eq!(content(&world), [expected; 2048]);
    }
}

#[test]
fn synced_bytes_survive_every_power_loss() {
    for seed in 0..50 {
        let (world, file) = with_file(seed, 8192, 1);
        file.write_at(&[2; 4096], 4096).unwrap();
        file.sync().unwrap();
        file.write_at(&[3; 4096], 0).unwrap();
        world.power_loss(Persist::Swarm);
        assert_eq!(content(&world)[4096..], [2; 4096], "seed {seed}");
    }
}

#[test]
fn sectors_take_any_version_each_for_itself() {
    let (mut mixed, mut middle) = (false, false);
    for seed in 0..20 {
        let (world, file) = with_file(seed, 4096, 1);
        file.write_at(&[2; 4096], 0).unwrap();
        file.write_at(&[3; 4096], 0).unwrap();
        world.power_loss(Persist::Random);
        let found: Vec<u8> = content(&world).chunks(512).map(|sector| sector[0]).collect();
        assert!(content(&world).chunks(512).all(|sector| sector.iter().all(|b| *b == sector[0])));
        assert!(found.iter().all(|byte| (1..=3).contains(byte)));
        mixed |= found.iter().any(|byte| *byte != found[0]);
        middle |= found.contains(&2);
    }
    assert!(mixed && middle);
}

#[test]
fn prefix_and_suffix_follow_the_order_of_the_writes() {
    for (persist, expected) in [(Persist::Prefix(50), [2, 2, 1, 1]), (Persist::Suffix(50), [1, 1, 2, 2])] {
        let (world, file) = with_file(1, 2048, 1);
        for sector in 0..4 {
            file.write_at(&[2; 512], sector * 512).unwrap();
        }
        world.power_loss(persist);
        let found: Vec<u8> = content(&world).chunks(512).map(|sector| sector[0]).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn swarm_tears_inside_sectors_now_and_then() {
    let torn = (0..200).any(|seed| {
        let (world, file) = with_file(seed, 512, 1);
        file.write_at(&[2; 512], 0).unwrap();
        world.power_loss(Persist::Swarm);
        let found = content(&world);
        found.iter().any(|byte| *byte != found[0])
    });
    assert!(torn);
}

#[test]
fn names_last_only_after_their_directory_was_synced() {
    let world = World::new(1);
    let env = world.env();
    let file = env.disk().open(Path::new("db/f"), CREATE).unwrap();
    file.write_at(b"bytes", 0).unwrap();
    file.sync().unwrap();
    world.power_loss(Persist::None);
    assert!(world.read_file("db/f").is_err());

    let (world, file) = with_file(1, 100, 1);
    drop(file);
    let disk = world.env().disk().clone();
    disk.rename(Path::new("db/f"), Path::new("db/g")).unwrap();
    assert_eq!(disk.list(Path::new("db")).unwrap(), ["g"]);
    world.kill();
    assert!(world.read_file("db/f").is_err());
    world.power_loss(Persist::None);
    assert_eq!(content(&world), [1; 100]);
    assert!(world.read_file("db/g").is_err());

    let disk = world.env().disk().clone();
    disk.remove(Path::new("db/f")).unwrap();
    disk.sync_dir(Path::new("db")).unwrap();
    world.power_loss(Persist::None);
    assert!(world.files().is_empty());
}

#[test]
fn the_length_is_independent_of_the_data() {
    let mut found = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let (world, file) = with_file(seed, 512, 1);
        file.set_len(4096).unwrap();
        file.write_at(&[2; 512], 2048).unwrap();
        world.power_loss(Persist::Swarm);
        let bytes = content(&world);
        let data = bytes.get(2048).copied().unwrap_or(0) == 2;
        found.insert((bytes.len(), data));
    }
    assert!(found.contains(&(512, false)) && found.contains(&(4096, false)) && found.contains(&(4096, true)));
}

#[test]
fn a_cut_that_is_not_synced_may_be_undone() {
    let (world, file) = with_file(1, 2048, 1);
    file.set_len(100).unwrap();
    file.set_len(2048).unwrap();
    assert_eq!(content(&world)[100..], [0; 1948]);
    world.power_loss(Persist::None);
    assert_eq!(content(&world), [1; 2048]);
}

#[test]
fn a_failed_sync_lies_afterwards() {
    let lied = (0..50).any(|seed| {
        let (world, file) = with_file(seed, 512, 1);
        file.write_at(&[2; 512], 0).unwrap();
        world.fail_sync_after(0);
        assert!(file.sync().is_err());
        assert!(file.sync().is_ok());
        world.power_loss(Persist::All);
        content(&world) == [1; 512]
    });
    assert!(lied);
}

#[test]
fn after_a_crash_old_handles_are_dead_and_locks_gone() {
    let (world, file) = with_file(1, 100, 1);
    assert!(file.try_lock().unwrap());
    let env = world.env();
    let second = env.disk().open(Path::new("db/f"), WRITE).unwrap();
    assert!(!second.try_lock().unwrap());
    world.crash_after(1);
    assert!(file.len().is_ok());
    assert!(file.write_at(&[2; 100], 0).is_err());
    assert!(world.crashed());
    assert!(second.read_at(&mut [0; 1], 0).is_err());
    world.kill();
    assert!(file.write_at(&[2; 100], 0).is_err());
    assert!(env.disk().list(Path::new("db")).is_err());
    let third = world.env().disk().open(Path::new("db/f"), WRITE).unwrap();
    assert!(third.try_lock().unwrap());
    drop(file);
    assert!(!world.env().disk().open(Path::new("db/f"), WRITE).unwrap().try_lock().unwrap());
}

#[test]
fn a_tebibyte_of_zeros_costs_nothing() {
    let (world, file) = with_file(1, 4096, 1);
    file.set_len(1 << 40).unwrap();
    file.write_at(&[7; 4096], (1 << 40) - 4096).unwrap();
    file.write_at(&vec![0; 1 << 20], 1 << 30).unwrap();
    file.sync().unwrap();
    world.power_loss(Persist::None);
    let file = world.env().disk().open(Path::new("db/f"), WRITE).unwrap();
    let mut buf = [0; 8];
    assert_eq!(file.read_at(&mut buf, (1 << 40) - 4).unwrap(), 4);
    assert_eq!(buf, [7, 7, 7, 7, 0, 0, 0, 0]);
}

#[test]
fn transfers_are_short_when_asked_for() {
    let (world, file) = with_file(1, 1000, 1);
    world.short_transfers(1000);
    let lens: Vec<usize> = (0..50).map(|_| file.read_at(&mut [0; 1000], 0).unwrap()).collect();
    assert!(lens.iter().all(|len| (1..=1000).contains(len)) && lens.iter().any(|len| *len < 500));
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let run = |seed| {
        let (world, file) = with_file(seed, 10_000, 1);
        world.short_transfers(200);
        for i in 0..20 {
            let _ = file.write_at(&[i; 3000], u64::from(i) * 700);
        }
        world.power_loss(Persist::Swarm);
        let sum = trace::checksum(&content(&world));
        (world.trace_hash(), sum)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).0, run(8).0);
}
