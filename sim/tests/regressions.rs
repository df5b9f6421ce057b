//! Histories that once showed a bug, each as explicit acts.

use sim::script::Script;
use sim::workload::Geometry;
use sim::world::Persist;

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
