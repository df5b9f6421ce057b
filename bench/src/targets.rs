//! What NumStore must reach: a bound for a metric, absolute or as a ratio.
//!
//! Bounds in seconds are for the machine that they were set on; bounds that are ratios are for any.

use crate::engines::Role;
use crate::statistics::Spread;

/// What a bound is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Against {
    /// The number itself.
    Itself,
    /// Its ratio to that of the engine of this role.
    Of(Role),
    /// Its ratio to that of this engine.
    Engine(&'static str),
}

/// A bound.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    workload: &'static str,
    /// The start of the metric's name.
    metric: &'static str,
    /// Only at this size, or at all.
    size: Option<u64>,
    against: Against,
    bound: f64,
    /// Whether to be at least the bound is to reach it.
    at_least: bool,
}

const RAW: Against = Against::Of(Role::Raw);
const PEER: Against = Against::Of(Role::Peer);
/// The rope that the editing traces are compared with.
pub const CROP: Against = Against::Engine("crop");
const ITSELF: Against = Against::Itself;
const MIB_64: u64 = 64 << 20;
const GIB: u64 = 1 << 30;

const TARGETS: [Target; 28] = [
    at_least("bulk-load", "throughput", RAW, 0.85),
    at_least("bulk-load", "throughput", PEER, 2.0),
    at_most("bulk-load", "written per byte", ITSELF, 1.02),
    at_most("durable-insert", "p50", RAW, 1.05),
    at_most("durable-insert", "device bytes of a commit", ITSELF, 4_608.0),
    at_size(MIB_64, at_most("durable-insert", "device bytes with", ITSELF, 10_240.0)),
    at_size(MIB_64, at_least("batch-insert", "insertions", ITSELF, 700_000.0)),
    at_size(GIB, at_least("batch-insert", "insertions", ITSELF, 300_000.0)),
    at_least("sustained-insert", "insertions", PEER, 5.0),
    at_least("random-read-100", "reads", RAW, 1.0),
    at_least("random-read-4k", "reads", RAW, 1.0),
    at_least("scan", "copying", RAW, 1.3),
    at_least("scan", "without copy", ITSELF, 12_000.0),
    at_least("scan-after-edits", "copying, of unedited", ITSELF, 0.9),
    at_least("scan-after-edits", "without copy, of unedited", ITSELF, 0.9),
    at_least("stride", "elements", ITSELF, 150.0),
    at_most("open", "time", ITSELF, 1.0),
    at_least("recovery", "redone / run", ITSELF, 0.8),
    at_most("recovery", "time", ITSELF, 2.0),
    at_most("space", "loaded", ITSELF, 1.01),
    at_size(MIB_64, at_most("space", "edited", ITSELF, 1.25)),
    at_size(GIB, at_most("space", "edited", ITSELF, 1.10)),
    at_size(MIB_64, at_most("space", "peak", ITSELF, 3.2)),
    at_least("reader-beside-writer", "beside / alone", ITSELF, 0.9),
    at_least("group-commit", "commits a second, 8", RAW, 0.9),
    at_least("group-commit", "commits a second, 32", RAW, 0.85),
    at_most("traces", "rustcode in one", CROP, 4.0),
    at_most("traces", "sveltecomponent in one", CROP, 4.0),
];

const fn at_least(workload: &'static str, metric: &'static str, against: Against, bound: f64) -> Target {
    Target { workload, metric, size: None, against, bound, at_least: true }
}

const fn at_most(workload: &'static str, metric: &'static str, against: Against, bound: f64) -> Target {
    Target { at_least: false, ..at_least(workload, metric, against, bound) }
}

const fn at_size(size: u64, target: Target) -> Target {
    Target { size: Some(size), ..target }
}

impl Target {
    /// The bound for a metric, if there is one.
    pub fn of(workload: &str, size: u64, metric: &str, against: Against) -> Option<Target> {
        let is_it = |target: &&Target| {
            target.workload == workload
                && metric.starts_with(target.metric)
                && target.size.is_none_or(|only| only == size)
                && target.against == against
        };
        TARGETS.iter().find(is_it).copied()
    }

    /// Whether the median reaches it, in words.
    pub fn verdict(&self, spread: Spread) -> String {
        let reached = if self.at_least { spread.median >= self.bound } else { spread.median <= self.bound };
        let sign = if self.at_least { ">=" } else { "<=" };
        format!("must be {sign} {}: {}", self.bound, if reached { "reached" } else { "MISSED" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::ALL;

    #[test]
    fn a_bound_is_reached_from_its_own_side() {
        let at = |median| Spread { median, low: 0.0, high: 9.0 };
        let more = Target::of("bulk-load", MIB_64, "throughput", RAW).unwrap();
        assert!(more.verdict(at(0.85)).ends_with("reached") && more.verdict(at(0.84)).ends_with("MISSED"));
        let less = Target::of("durable-insert", MIB_64, "p50", RAW).unwrap();
        assert!(less.verdict(at(1.05)).ends_with("reached") && less.verdict(at(1.06)).ends_with("MISSED"));
    }

    #[test]
    fn bounds_are_found_by_size_and_kind() {
        let bound = |size| Target::of("batch-insert", size, "insertions a second", ITSELF).map(|t| t.bound);
        assert_eq!([bound(MIB_64), bound(GIB), bound(1 << 20)], [Some(700_000.0), Some(300_000.0), None]);
        assert!(Target::of("batch-insert", GIB, "insertions a second", RAW).is_none());
    }

    #[test]
    fn every_bound_is_of_a_workload() {
        for target in TARGETS {
            assert!(ALL.iter().any(|workload| workload.name == target.workload), "{}", target.workload);
        }
    }
}
