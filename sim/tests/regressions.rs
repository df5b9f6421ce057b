//! Histories that once showed a bug, each as explicit acts.

use numstore::ErrorCode;
use sim::script::{Script, Turns};
use sim::workload::Geometry;
use sim::world::{Concern, Persist, World};

/// A process dies between giving a new database its name and making the name durable. The next one opens it without
/// writing anything; then the power fails, and the name is lost with all that the second process was told.
#[test]
fn a_name_that_an_opening_relied_on_lasts() {
    for ios in 0..40 {
        Script::new(Geometry::default())
            .crash_after(ios)
            .open()
            .kill()
            .open()
            .power_loss(Persist::None)
            .open()
            .check();
    }
}

/// A process dies in the writing of the slot that stands by, after the few bytes that are the same in every superblock:
/// the slot reads as before, and its write is under way. The next process writes the other slot; then the power fails and
/// tears both.
#[test]
fn a_slot_that_reads_as_before_may_be_under_way() {
    for second in 0..4 {
        Script::new(Geometry::default())
            .open()
            .create("a")
            .crash_behind_superblock(1)
            .checkpoint()
            .choosing(Concern::Faults, &[7])
            .kill()
            .crash_behind_superblock(second)
            .open()
            .power_loss(Persist::Torn)
            .choosing(Concern::Disk, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 123])
            .open()
            .check();
    }
}

/// While a flight of the log is under way one client waits for the next, and another one, which has the core's latch, for
/// the log to be at rest. The landing woke the first of them alone, who needs that latch to begin.
#[test]
fn a_landing_wakes_who_waits_for_the_log_to_be_at_rest() {
    for steps in 100..130 {
        Script::new(Geometry::default())
            .geometry("fanout", 6)
            .geometry("cache_bytes", 16384)
            .geometry("dirty_bytes", 32768)
            .geometry("checkpoint_log_bytes", 4096)
            .open()
            .create("a")
            .append("a", &[b'a'; 2048])
            .create("b")
            .append("b", &[b'a'; 2048])
            .plan(1, "direct cut \"b\" 0 193")
            .plan(0, "direct write \"b\" 0 \"\"")
            .plan(2, "direct remove \"a\" 0 193")
            .plan(3, "direct remove \"a\" 0 1")
            .clients(Turns::Priorities { changes: 1, steps }, 0)
            .choosing(Concern::Schedule, &[steps - 1, 0, 1171422938, 0, 3230595822])
            .check();
    }
}

/// A closed database is written to, and of the two slots that say so one lands elsewhere. Later a write of the other slot is cut
/// short. What is left is the slot of the closed database, which leads to what was there before.
#[test]
fn a_slot_of_long_ago_is_not_believed_when_its_log_goes_on() {
    const PATH: &str = "db/x.ns";
    const SLOT_BYTES: usize = 4096;
    let world = World::new(1);
    let open = || Geometry::default().options().open_in(world.env(), PATH);
    let db = open().unwrap();
    db.create("a").unwrap();
    db.append("a", b"before").unwrap();
    db.close().unwrap();
    let closed = world.read_file(PATH).unwrap()[..2 * SLOT_BYTES].to_vec();
    let db = open().unwrap();
    db.append("a", b" and behind").unwrap();
    world.kill();
    drop(db);
    for stale in [0, SLOT_BYTES] {
        world.overwrite(PATH, stale as u64, &closed[stale..][..SLOT_BYTES]);
        world.overwrite(PATH, (SLOT_BYTES - stale + 40) as u64, &[0xff; 8]);
        let refused = open().err().expect("the newest state is not there");
        assert_eq!(refused.code(), ErrorCode::Corruption, "{refused}");
        assert!(refused.to_string().contains("newest superblock"), "{refused}");
    }
}
