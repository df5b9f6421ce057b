//! Streams from a gigabyte to a tebibyte through crashes, none of which takes memory or time for what nobody touches.

use sim::script::Script;
use sim::workload::Geometry;

#[test]
fn streams_of_any_length_come_through_crashes() {
    for (seed, leaves_log2) in [(1, 14), (2, 15), (3, 18), (4, 24)] {
        Script::new(Geometry::default()).huge(seed, leaves_log2, 60).check();
    }
}
