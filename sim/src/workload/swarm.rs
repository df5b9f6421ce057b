//! What kind of history a seed is: each seed turns some things up and others off, so that rare ones meet.

use std::time::Duration;

use numstore::Options;

use crate::world::Dice;

use super::alike::LARGE_LEAF;

/// How often each kind of operation comes, relative to the others.
#[derive(Clone, Debug)]
pub struct Weights {
    pub(super) begin: u64,
    pub(super) step: u64,
    pub(super) end: u64,
    pub(super) direct: u64,
    pub(super) read: u64,
    pub(super) snapshot: u64,
    pub(super) checkpoint: u64,
    pub(super) sync: u64,
    pub(super) audit: u64,
    pub(super) reopen: u64,
}

/// How long a commit may be deferred where a task sees to that.
pub(crate) const DEFERRED_DELAY: Duration = Duration::from_millis(2);

/// The character of one seed.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// Geometry and thresholds of the database.
    pub geometry: Geometry,
    pub(super) weights: Weights,
    /// Names in use.
    pub(super) names: Vec<String>,
    /// Transactions open at once, at most.
    pub(super) open_max: usize,
    /// Bytes that a stream should not outgrow.
    pub(super) stream_bytes: u64,
    /// Percent of commits that are deferred.
    pub(super) deferred: u64,
    /// Percent of inserted pieces that are large enough to bypass the log.
    pub(super) bulk: u64,
    /// Percent of operations with arguments that must be refused.
    pub(super) wrong: u64,
    /// Of a thousand transfers, how many are short.
    pub short_transfers: u64,
    /// Percent of rounds that end with a failing sync instead of a crash.
    pub sync_failures: u64,
    /// Percent of rounds in which writes fail.
    pub write_failures: u64,
    /// Percent of rounds in which a change of names fails.
    pub name_failures: u64,
    /// Percent of faults that are aimed: at something that is made to happen there and then.
    pub aimed: u64,
    /// Bytes that the disk writes as a whole or tears.
    pub atomic_unit: u64,
    /// Percent of rounds in which a part of a file goes bad.
    pub bad_ranges: u64,
    /// Percent of full disks that stay full for a while.
    pub staying_full: u64,
    /// How the disk betrays the database at the end: by a write that lands elsewhere, by lies, or not at all.
    pub betrayal: u64,
    /// Of a thousand I/O calls, how many take long.
    pub slow_ios: u64,
    /// Percent of rounds in which wall time jumps or stands still.
    pub clock_faults: u64,
    /// Whether crashes strike during recovery too.
    pub crash_in_recovery: bool,
    /// Whether the first snapshot of a round is kept to its end.
    pub(super) long_reader: bool,
    /// Where in the recorded editing histories somebody types, if anybody does.
    pub(super) typing: Option<usize>,
    /// Percent of rounds that begin with clients side by side.
    pub clients: u64,
    /// Percent of those rounds in which they begin to wait for locks.
    pub waits: u64,
    /// Leaves of streams of a gigabyte and more, as a power of two, if there are any.
    pub huge: Option<u64>,
}

/// Geometry and thresholds of the database, small so that everything happens often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Geometry {
    leaf_bytes: u32,
    fanout: u32,
    /// Pieces of this size are written straight to extents.
    pub bulk_bytes: u64,
    cache_bytes: u64,
    dirty_bytes: u64,
    checkpoint_log_bytes: u64,
    log_segment_bytes: u64,
    /// Whether there is a task that takes checkpoints beside other work.
    background: bool,
    /// How long a snapshot may be read when there is a newer version, in microseconds; 0 for ever.
    snapshot_us: u64,
}

impl Default for Geometry {
    fn default() -> Geometry {
        Geometry {
            leaf_bytes: 256,
            fanout: 4,
            bulk_bytes: 2048,
            cache_bytes: 64 << 10,
            dirty_bytes: 128 << 10,
            checkpoint_log_bytes: 16 << 10,
            log_segment_bytes: Geometry::LOG_SEGMENT_BYTES,
            background: false,
            snapshot_us: 0,
        }
    }
}

impl Geometry {
    /// Bytes in a segment of the log.
    pub const LOG_SEGMENT_BYTES: u64 = 16 << 10;

    fn draw(dice: &mut Dice) -> Geometry {
        Geometry {
            leaf_bytes: 256,
            fanout: dice.between(4, 8) as u32,
            bulk_bytes: *dice.pick(&[1024, 2048, 2048, 4096]),
            cache_bytes: *dice.pick(&[16 << 10, 64 << 10, 1 << 20]),
            dirty_bytes: *dice.pick(&[32 << 10, 128 << 10, 1 << 20]),
            checkpoint_log_bytes: *dice.pick(&[4 << 10, 16 << 10, 64 << 10, 1 << 20]),
            log_segment_bytes: Geometry::LOG_SEGMENT_BYTES,
            background: dice.chance(1, 4),
            snapshot_us: if dice.chance(1, 8) { dice.between(1, 20_000) } else { 0 },
        }
    }

    /// Bytes in a segment of this database's log.
    pub fn log_segment_bytes(&self) -> u64 {
        self.log_segment_bytes
    }

    /// The names of [`Geometry::numbers`].
    pub const NAMES: [&'static str; 9] = [
        "leaf_bytes",
        "fanout",
        "bulk_bytes",
        "cache_bytes",
        "dirty_bytes",
        "checkpoint_log_bytes",
        "log_segment_bytes",
        "background",
        "snapshot_us",
    ];

    /// With one of its numbers changed.
    ///
    /// # Panics
    /// If no number has that name.
    #[must_use]
    pub fn with(&self, name: &str, number: u64) -> Geometry {
        let mut numbers = self.numbers();
        let place = Geometry::NAMES.iter().position(|known| *known == name);
        numbers[place.unwrap_or_else(|| panic!("a geometry has no {name}"))] = number;
        Geometry::from_numbers(numbers)
    }

    /// All of it as numbers, to be recorded.
    pub fn numbers(&self) -> [u64; 9] {
        [
            u64::from(self.leaf_bytes),
            u64::from(self.fanout),
            self.bulk_bytes,
            self.cache_bytes,
            self.dirty_bytes,
            self.checkpoint_log_bytes,
            self.log_segment_bytes,
            u64::from(self.background),
            self.snapshot_us,
        ]
    }

    /// From what [`Geometry::numbers`] gave.
    pub fn from_numbers(numbers: [u64; 9]) -> Geometry {
        let [
            leaf,
            fanout,
            bulk_bytes,
            cache_bytes,
            dirty_bytes,
            checkpoint_log_bytes,
            log_segment_bytes,
            background,
            snapshot_us,
        ] = numbers;
        let [leaf_bytes, fanout] = [leaf, fanout].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Geometry {
            leaf_bytes,
            fanout,
            bulk_bytes,
            cache_bytes,
            dirty_bytes,
            checkpoint_log_bytes,
            log_segment_bytes,
            background: background != 0,
            snapshot_us,
        }
    }

    /// From any numbers at all: the small geometries that a seed may have, and some beside them.
    pub fn near(numbers: [u64; 9]) -> Geometry {
        let [leaf, fanout, bulk, cache, dirty, checkpoint, segment, background, snapshot] = numbers;
        let within = |number: u64, low: u64, high: u64| low + number.saturating_sub(low) % (high - low + 1);
        Geometry::from_numbers([
            if leaf == LARGE_LEAF { leaf } else { within(leaf, 256, 1024) },
            within(fanout, 4, 8),
            within(bulk, 1024, 8192),
            within(cache, 16 << 10, 1 << 20),
            within(dirty, 32 << 10, 1 << 20),
            within(checkpoint, 4 << 10, 1 << 20),
            within(segment, 16 << 10, 64 << 10) / 4096 * 4096,
            background % 2,
            if snapshot % 4 == 0 { snapshot / 4 % 20_000 } else { 0 },
        ])
    }

    /// Leaves of the default size, and a cache that holds many of them.
    fn draw_large(dice: &mut Dice) -> Geometry {
        Geometry { leaf_bytes: LARGE_LEAF as u32, cache_bytes: 4 << 20, ..Geometry::draw(dice) }
    }

    /// Whether a leaf has more than one checksum.
    pub(super) fn has_large_leaves(&self) -> bool {
        u64::from(self.leaf_bytes) == LARGE_LEAF
    }

    /// Whether there is a task that takes checkpoints beside other work.
    pub fn has_background(&self) -> bool {
        self.background
    }

    /// How much changed memory makes a checkpoint due, and how many bytes of log records.
    pub fn checkpoint_due(&self) -> (u64, u64) {
        (self.dirty_bytes, self.checkpoint_log_bytes)
    }

    /// Whether a snapshot may become too old.
    pub fn expires_snapshots(&self) -> bool {
        self.snapshot_us > 0
    }

    /// How long a snapshot may be read when there is a newer version.
    fn snapshot_max_age(&self) -> Duration {
        if self.snapshot_us > 0 { Duration::from_micros(self.snapshot_us) } else { Duration::MAX }
    }

    /// The options that open the database. Nobody waits for a lock: there is one client.
    pub fn options(&self) -> Options {
        Options::new()
            .lock_timeout(Duration::ZERO)
            .deferred_delay(DEFERRED_DELAY)
            .leaf_bytes(self.leaf_bytes)
            .fanout(self.fanout)
            .bulk_bytes(self.bulk_bytes)
            .cache_bytes(self.cache_bytes)
            .dirty_bytes(self.dirty_bytes)
            .checkpoint_log_bytes(self.checkpoint_log_bytes)
            .log_segment_bytes(self.log_segment_bytes)
            .background(self.background)
            .snapshot_max_age(self.snapshot_max_age())
    }
}

impl Swarm {
    /// More names than this are many: most of them get streams early on.
    pub(super) const FEW_NAMES: usize = 8;

    /// Operations that the making of many streams takes.
    pub fn extra_operations(&self) -> u64 {
        self.names.len().saturating_sub(Swarm::FEW_NAMES) as u64
    }

    /// Draws the character of a seed.
    pub fn draw(dice: &mut Dice) -> Swarm {
        let large = dice.chance(1, 16);
        let mut weight = |base: u64| base * *dice.pick(&[0, 1, 1, 2, 4]);
        let weights = Weights {
            begin: 8 + weight(4),
            step: 60 + weight(20),
            end: 6 + weight(3),
            direct: 4 + weight(6),
            read: 4 + weight(4),
            snapshot: weight(4),
            checkpoint: if large { 6 } else { weight(1) },
            sync: weight(1),
            audit: 1,
            reopen: weight(1).min(1),
        };
        let all = ["alpha", "beta", "gamma", "δελτα", "e", &"long".repeat(200), "eta", "theta"];
        let names = dice.between(4, all.len() as u64) as usize;
        let mut aside = dice.aside("many streams");
        let many = if !large && aside.chance(1, 16) { aside.between(40, 200) } else { 0 };
        let is_many = many > 0;
        let many = (0..many).map(|number| format!("stream {number}"));
        Swarm {
            geometry: if large { Geometry::draw_large(dice) } else { Geometry::draw(dice) },
            weights,
            names: all[..names].iter().map(|name| (*name).to_owned()).chain(many).collect(),
            open_max: dice.between(2, 7) as usize,
            stream_bytes: if large {
                2 * LARGE_LEAF
            } else if is_many {
                600
            } else {
                *dice.pick(&[600, 8 << 10, 32 << 10, 64 << 10])
            },
            deferred: *dice.pick(&[0, 20, 50, 90]),
            bulk: *dice.pick(&[0, 5, 15]),
            wrong: *dice.pick(&[0, 2, 5]),
            short_transfers: *dice.pick(&[0, 0, 0, 30]),
            sync_failures: *dice.pick(&[0, 0, 10, 30]),
            crash_in_recovery: dice.chance(5, 8),
            write_failures: *dice.pick(&[0, 0, 10, 30]),
            bad_ranges: *dice.pick(&[0, 0, 10, 30]),
            staying_full: *dice.pick(&[0, 50, 100]),
            betrayal: dice.below(6),
            atomic_unit: *dice.pick(&[512, 4096]),
            slow_ios: *dice.pick(&[0, 0, 0, 2, 50]),
            clock_faults: *dice.pick(&[0, 0, 0, 50]),
            name_failures: *dice.pick(&[0, 0, 0, 30]),
            aimed: *dice.pick(&[0, 40, 80]),
            clients: *dice.pick(&[0, 20, 60]),
            long_reader: dice.chance(1, 4),
            typing: dice.chance(1, 12).then(|| dice.index(40_000)),
            waits: *dice.pick(&[0, 60, 100, 100]),
            huge: dice.chance(1, 32).then(|| *dice.pick(&[14, 14, 14, 14, 14, 14, 14, 14, 15, 17, 20, 24])),
        }
    }
}
