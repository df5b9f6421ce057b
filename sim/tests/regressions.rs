//! Histories that once showed a bug, each as explicit acts.

use sim::script::Script;
use sim::workload::Geometry;
use sim::world::{Concern, Persist};

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
            .choosing(Concern::Disk, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 123])
            .open()
            .check();
    }
}
