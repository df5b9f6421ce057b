//! Streams from a gigabyte to a tebibyte through crashes, none of which takes memory or time for what nobody touches.

use sim::script::Script;
use sim::workload::Geometry;

#[test]
fn streams_of_any_length_come_through_crashes() {
    for (seed, leaves_log2) in [(1, 14), (2, 14), (3, 15), (4, 18), (5, 22), (6, 24)] {
        Script::new(Geometry::default()).huge(seed, leaves_log2, 60).check();
    }
}
