//! Each fault does what it says, and nothing once it is switched off.

use std::path::Path;
use std::time::Duration;

use numstore::env::{Clock, Disk, DiskFile, Env, OpenMode};

use super::*;

const CREATE: OpenMode = OpenMode { write: true, create_new: true };

/// A world with one durable data file of `len` bytes of 1, open.
fn with_file(seed: u64, len: usize) -> (World, SimFile) {
    let world = World::new(seed);
    let env = world.env();
    let file = env.disk().open(Path::new("db/f.ns"), CREATE).unwrap();
    file.write_at(&vec![1; len], 0).unwrap();
    file.sync().unwrap();
    env.disk().sync_dir(Path::new("db")).unwrap();
    (world, file)
}

fn content(world: &World) -> Vec<u8> {
    world.read_file("db/f.ns").unwrap()
}

#[test]
fn after_a_failed_sync_the_pages_stay_or_revert() {
    let (mut stayed, mut reverted) = (0, 0);
    for seed in 0..60 {
        let (world, file) = with_file(seed, 512);
        file.write_at(&[2; 1024], 0).unwrap();
        world.fail_sync_after(0);
        assert!(file.sync().is_err());
        let seen = content(&world);
        assert_eq!(seen.len(), 1024, "the length stays");
        stayed += u64::from(seen == [2; 1024]);
        reverted += u64::from(seen != [2; 1024]);
    }
    assert!(stayed > 5 && reverted > 5, "{stayed} stayed, {reverted} reverted");
    for seed in 0..20 {
        let (world, file) = with_file(seed, 512);
        world.switch_off([FaultKind::RevertedPages].into_iter().collect());
        file.write_at(&[2; 512], 0).unwrap();
        world.fail_sync_after(0);
        assert!(file.sync().is_err());
        assert_eq!(content(&world), [2; 512]);
    }
}

#[test]
fn a_unit_lasts_as_a_whole_or_is_torn() {
    let mut mixed = [0, 0];
    for (wide, mixed) in [false, true].into_iter().zip(&mut mixed) {
        for seed in 0..60 {
            let (world, file) = with_file(seed, 8192);
            world.atomic_unit(if wide { 4096 } else { 512 });
            file.write_at(&[2; 8192], 0).unwrap();
            world.power_loss(Persist::Random);
            let whole = |page: &[u8]| page.iter().all(|byte| *byte == page[0]);
            *mixed += content(&world).chunks(4096).filter(|page| !whole(page)).count();
        }
    }
    assert!(mixed[0] > 30, "sectors choose for themselves");
    assert_eq!(mixed[1], 0, "nothing was torn, so every unit is whole");
}

#[test]
fn slow_calls_take_time_and_monotonic_time_goes_on_when_wall_time_jumps_back() {
    let (world, file) = with_file(1, 512);
    let env = world.env();
    let (start, wall) = (env.clock().monotonic(), env.clock().wall());
    world.slow_ios(1000);
    assert!(file.sync().is_ok());
    assert!(env.clock().monotonic() > start + Duration::from_millis(1));
    world.disturb_clock(ClockFault::Backwards, Duration::from_secs(3600));
    assert!(env.clock().wall() < wall);
    assert!(env.clock().monotonic() > start);
    world.quiesce();
    let before = env.clock().monotonic();
    assert!(file.sync().is_ok());
    assert!(env.clock().monotonic() < before + Duration::from_millis(1));
}

#[test]
fn what_is_bad_fails_until_it_is_repaired() {
    let (world, file) = with_file(1, 3 * 4096);
    world.go_bad(BadPart::DataReads, 4096..8192);
    let mut buf = [0; 4096];
    for _ in 0..2 {
        assert!(file.read_at(&mut buf, 0).is_ok() && file.read_at(&mut buf, 8192).is_ok());
        assert!(file.read_at(&mut buf, 4000).is_err() && file.write_at(&[2; 10], 4096).is_ok());
    }
    world.kill();
    let file =
        world.env().disk().open(Path::new("db/f.ns"), OpenMode { create_new: false, ..CREATE }).unwrap();
    assert!(file.read_at(&mut buf, 4096).is_err(), "the next process meets it too");
    world.relieve();
    assert!(file.read_at(&mut buf, 4096).is_ok());
    assert_eq!(world.counters().reads_failed, 3);
}

#[test]
fn one_write_lands_elsewhere() {
    let (world, file) = with_file(1, 4 * 4096);
    world.misdirect_write_after(1, 2 + 4);
    for byte in [2, 3, 4] {
        assert!(file.write_at(&[byte; 4096], 0).is_ok());
    }
    let found: Vec<u8> = content(&world).chunks(4096).map(|page| page[0]).collect();
    assert_eq!((found, world.counters().misdirected), (vec![4, 1, 3, 1], 1));
}

#[test]
fn one_write_to_a_log_lands_elsewhere_and_none_to_the_data_file() {
    let (world, data) = with_file(1, 4 * 4096);
    let log = world.env().disk().open(Path::new("db/f.ns-log-1"), CREATE).unwrap();
    log.write_at(&[1; 4 * 4096], 0).unwrap();
    world.misdirect_log_write_after(1, 3);
    for byte in [2, 3, 4] {
        assert!(data.write_at(&[byte; 4096], 0).is_ok() && log.write_at(&[byte; 4096], 0).is_ok());
    }
    let first =
        |name: &str| -> Vec<u8> { world.read_file(name).unwrap().chunks(4096).map(|page| page[0]).collect() };
    assert_eq!((first("db/f.ns"), first("db/f.ns-log-1")), (vec![4, 1, 1, 1], vec![4, 1, 1, 3]));
    assert_eq!((world.counters().misdirected, world.counters().misdirected_logs), (1, 1));
}

#[test]
fn what_is_bad_is_bad_behind_a_power_loss() {
    let (world, _) = with_file(1, 4096);
    world.go_bad(BadPart::DataReads, 0..512);
    world.power_loss(Persist::All);
    let existing = OpenMode { create_new: false, ..CREATE };
    let file = world.env().disk().open(Path::new("db/f.ns"), existing).unwrap();
    assert!(file.read_at(&mut [0; 10], 0).is_err());
    world.relieve();
    assert!(file.read_at(&mut [0; 10], 0).is_ok());
}

/// Makes three files in `db`, of which a sync of the directory is to fail or to lie.
fn three_names(world: &World) -> std::io::Result<()> {
    let env = world.env();
    for name in ["db/a", "db/b", "db/c"] {
        env.disk().open(Path::new(name), CREATE)?;
    }
    env.disk().sync_dir(Path::new("db"))
}

#[test]
fn a_failed_sync_of_a_directory_makes_some_names_durable_and_forgets_none() {
    let mut lasting = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let world = World::new(seed);
        world.fail_name_after(3);
        assert!(three_names(&world).is_err());
        assert_eq!(world.files().len(), 3, "all are seen");
        if seed % 2 == 0 {
            world.env().disk().sync_dir(Path::new("db")).unwrap();
        }
        world.power_loss(Persist::None);
        lasting.insert((seed % 2, world.files().len()));
    }
    let once = (0..4).map(|names| (1, names));
    assert_eq!(lasting, once.chain([(0, 3)]).collect(), "the next sync makes the rest durable");
}

#[test]
fn a_disk_that_lies_makes_no_names_durable() {
    let world = World::new(1);
    world.lie_after(0);
    three_names(&world).unwrap();
    world.power_loss(Persist::None);
    assert_eq!((world.files().len(), world.counters().lies), (0, 1));
}

#[test]
fn what_the_odds_decide_is_replayed_without_them() {
    let usual = Odds::default();
    let rare = (0..).map(Odds::draw).find(|odds| odds.of(FaultKind::RevertedPages) == 0).unwrap();
    let common = (0..).map(Odds::draw).find(|odds| odds.of(FaultKind::RevertedPages) == 100).unwrap();
    let reverts = |odds: Odds, draws: Draws<'_>| {
        let (world, file) = with_file(9, 512);
        world.set_odds(odds);
        world.begin_act(1, draws, true);
        file.write_at(&[2; 512 * 8], 0).unwrap();
        world.fail_sync_after(0);
        assert!(file.sync().is_err());
        let found = content(&world);
        (found, world.end_act().0)
    };
    let ((seldom, _), (often, choices)) = (reverts(rare, Draws::Seed), reverts(common, Draws::Seed));
    assert_eq!(seldom, [2; 4096]);
    assert_ne!(often, seldom);
    assert_eq!(reverts(usual, Draws::Strict(&choices)).0, often);
}

#[test]
fn a_disk_that_lies_makes_nothing_durable_until_the_power_fails() {
    let (world, file) = with_file(1, 512);
    world.lie_after(1);
    for byte in [2, 3] {
        file.write_at(&[byte; 512], 0).unwrap();
        assert!(file.sync().is_ok());
    }
    world.power_loss(Persist::None);
    assert_eq!((content(&world), world.counters().lies), (vec![2; 512], 1));
}

/// Two blocks that begin at an address that suits direct transfers.
fn aligned(space: &mut [u8; 12288], byte: u8) -> &[u8] {
    space.fill(byte);
    let start = space.as_ptr().align_offset(4096);
    &space[start..start + 8192]
}

#[test]
fn a_file_has_a_way_around_the_cache_or_says_so_and_what_goes_there_is_like_any_write() {
    let mut space = [0; 12288];
    let twos = aligned(&mut space, 2);
    let (mut none, mut refused, mut short) = (0, 0, 0);
    for seed in 0..80 {
        let (world, file) = with_file(seed, 8192);
        world.short_transfers(300);
        let Ok(direct) = file.open_direct() else {
            none += 1;
            continue;
        };
        let kind = |result: std::io::Result<usize>| result.unwrap_err().kind();
        let misfit = std::io::ErrorKind::InvalidInput;
        assert_eq!(kind(direct.write_at(&twos[..4000], 0)), misfit);
        assert_eq!(kind(direct.write_at(twos, 512)), misfit);
        assert_eq!(kind(direct.write_at(&twos[1..4097], 0)), misfit);
        assert_eq!(content(&world), [1; 8192]);
        match direct.write_at(twos, 0) {
            Err(e) => {
                assert_eq!(e.kind(), misfit);
                assert_eq!(content(&world), [1; 8192]);
                refused += 1;
                continue;
            }
            Ok(moved) => {
                assert!(moved == 4096 || moved == 8192, "{moved}");
                short += u64::from(moved < 8192);
            }
        }
        let mut seen = [0];
        assert_eq!(file.read_at(&mut seen, 5).unwrap(), 1);
        assert_eq!(seen, [2], "through the other handle");
        if seed % 2 == 0 {
            file.sync().unwrap();
        }
        world.power_loss(Persist::None);
        assert_eq!(
            content(&world)[..4096],
            [2 - (seed % 2) as u8; 4096],
            "durable once synced, by whichever handle"
        );
    }
    assert!(none > 2 && refused > 2 && short > 2, "{none} have none, {refused} refuse, {short} are short");
    for seed in 0..80 {
        let (world, file) = with_file(seed, 8192);
        world.switch_off([FaultKind::NoDirectIo].into_iter().collect());
        assert_eq!(file.open_direct().unwrap().write_at(twos, 0).unwrap(), 8192);
    }
}
