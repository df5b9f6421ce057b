//! The bugs that can be planted, to see whether tests find them.

/// A bug that a developer could have made.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What it belongs to.
    pub mechanism: &'static str,
    /// What is broken.
    pub broken: &'static str,
    /// Whether all tests pass with it that inject no crash, no fault and no schedule.
    pub survives_tests: bool,
}

/// Every bug, by mechanism.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a batch is not synced",
        mechanism: "log, writing",
        broken: "A commit returns when its batch was written, and does not wait for the sync.",
        survives_tests: false,
    },
    Mutant {
        name: "a failed sync is tried again",
        mechanism: "log, writing",
        broken: "When the sync of a batch fails, a second sync that succeeds is believed.",
        survives_tests: true,
    },
    Mutant {
        name: "a failed write does not poison",
        mechanism: "log, writing",
        broken: "After a failed write of a batch the log and the database go on.",
        survives_tests: true,
    },
    Mutant {
        name: "the log is never truncated",
        mechanism: "log, writing",
        broken: "A checkpoint sets no segment of the log free.",
        survives_tests: false,
    },
    Mutant {
        name: "records are not summed",
        mechanism: "log, reading",
        broken: "A batch whose header is whole is repeated, whatever its records are.",
        survives_tests: true,
    },
    Mutant {
        name: "the first bad batch ends the log",
        mechanism: "log, reading",
        broken: "Nobody looks for later batches behind one that is not whole.",
        survives_tests: true,
    },
    Mutant {
        name: "the scan ends with its segment",
        mechanism: "log, reading",
        broken: "A batch at the start of another segment is not found.",
        survives_tests: false,
    },
    Mutant {
        name: "a torn batch counts as a later one",
        mechanism: "log, reading",
        broken: "The header of the batch that is torn is taken for one that proves damage.",
        survives_tests: true,
    },
    Mutant {
        name: "a recovery goes on in its generation",
        mechanism: "log, generations",
        broken: "The log that a recovery makes has the generation and the name of the one that it read.",
        survives_tests: true,
    },
    Mutant {
        name: "the name of a log is not synced",
        mechanism: "log, generations",
        broken: "A superblock leads to a log whose name a power loss can undo.",
        survives_tests: false,
    },
    Mutant {
        name: "a recovery removes its log too early",
        mechanism: "log, generations",
        broken: "The log that was read goes before the checkpoint that replaces it is published.",
        survives_tests: true,
    },
    Mutant {
        name: "the first write does not publish its log",
        mechanism: "log, generations",
        broken: "After the first write the superblock still says that the database is closed.",
        survives_tests: true,
    },
    Mutant {
        name: "only one slot is written",
        mechanism: "slots",
        broken: "A checkpoint is published in one slot; the other one stays as it was.",
        survives_tests: true,
    },
    Mutant {
        name: "both slots are in danger at once",
        mechanism: "slots",
        broken: "The second slot is written before the first one is durable.",
        survives_tests: true,
    },
    Mutant {
        name: "the only valid slot is written first",
        mechanism: "slots",
        broken: "Where one slot is torn, the next publication begins with the other one.",
        survives_tests: true,
    },
    Mutant {
        name: "the slot that stands by is written first",
        mechanism: "slots",
        broken: "A recovery begins with the older slot, while the newer one may be visible and not durable.",
        survives_tests: true,
    },
    Mutant {
        name: "the last sync of a slot is left out",
        mechanism: "publishing",
        broken: "A checkpoint counts as published when its second slot was written.",
        survives_tests: true,
    },
    Mutant {
        name: "a superblock goes before its data",
        mechanism: "publishing",
        broken: "A checkpoint is published, and only then synced.",
        survives_tests: true,
    },
    Mutant {
        name: "the file is cut too short",
        mechanism: "publishing",
        broken: "Unused space is given back together with the last block in use.",
        survives_tests: false,
    },
    Mutant {
        name: "the chosen slot is not written again",
        mechanism: "opening",
        broken: "A recovery trusts a slot that is visible and may not be durable.",
        survives_tests: true,
    },
    Mutant {
        name: "the name of a new database is not synced",
        mechanism: "opening",
        broken: "A database is there when its creation returns, and gone after a power loss.",
        survives_tests: true,
    },
    Mutant {
        name: "a database is not locked",
        mechanism: "opening",
        broken: "Two handles may change one file.",
        survives_tests: false,
    },
    Mutant {
        name: "payloads are not synced",
        mechanism: "payloads",
        broken: "A batch is written before the extents that its records name.",
        survives_tests: true,
    },
    Mutant {
        name: "payloads of open transactions are not synced",
        mechanism: "payloads",
        broken: "Only a record that commits has its extents synced before its batch.",
        survives_tests: true,
    },
    Mutant {
        name: "extents in the log are not reserved",
        mechanism: "payloads",
        broken: "Recovery may write to blocks that a later record names.",
        survives_tests: true,
    },
    Mutant {
        name: "a refused operation keeps its blocks",
        mechanism: "refusals",
        broken: "The extents of an operation that was refused are nobody's.",
        survives_tests: true,
    },
    Mutant {
        name: "half of a call stays",
        mechanism: "refusals",
        broken: "Where a later operation of a call fails, the earlier ones are not undone.",
        survives_tests: true,
    },
    Mutant {
        name: "a full disk costs blocks",
        mechanism: "refusals",
        broken: "A payload for which the disk has no room keeps the blocks that it has.",
        survives_tests: true,
    },
    Mutant {
        name: "snapshots pin nothing",
        mechanism: "space",
        broken: "A checkpoint sets blocks free that a snapshot still reads.",
        survives_tests: false,
    },
    Mutant {
        name: "blocks of undo stacks are free at once",
        mechanism: "space",
        broken: "What an undo stack gave up is used again before a checkpoint without it is published.",
        survives_tests: true,
    },
    Mutant {
        name: "nodes of the free map are free at once",
        mechanism: "space",
        broken: "The free map writes itself over the one of the last checkpoint.",
        survives_tests: false,
    },
    Mutant {
        name: "what a rollback takes out is lost",
        mechanism: "lost blocks",
        broken: "Nodes that an undone operation had brought in are never freed.",
        survives_tests: false,
    },
    Mutant {
        name: "what a commit removed is lost at a checkpoint",
        mechanism: "lost blocks",
        broken: "A checkpoint drops the undo entries of committed transactions together with their subtrees.",
        survives_tests: true,
    },
    Mutant {
        name: "only the last undo is logged",
        mechanism: "rollback",
        broken: "A rollback writes a compensation record for its last operation alone.",
        survives_tests: true,
    },
    Mutant {
        name: "a compensation leads to itself",
        mechanism: "rollback",
        broken: "A compensation record names the operation that it undoes as the next one.",
        survives_tests: true,
    },
    Mutant {
        name: "redo leaves losers out",
        mechanism: "redo",
        broken: "Records of transactions that did not end are not repeated.",
        survives_tests: true,
    },
    Mutant {
        name: "redo does not count streams",
        mechanism: "redo",
        broken: "After a recovery a new stream gets the id of one that the log made.",
        survives_tests: true,
    },
    Mutant {
        name: "the oldest undo entry is not written",
        mechanism: "undo in a checkpoint",
        broken: "A checkpoint leaves the first of several undo entries out.",
        survives_tests: false,
    },
    Mutant {
        name: "one transaction is not in the table",
        mechanism: "undo in a checkpoint",
        broken: "A checkpoint leaves the oldest of several open transactions out.",
        survives_tests: true,
    },
    Mutant {
        name: "dead undo stacks are not in the table",
        mechanism: "undo in a checkpoint",
        broken: "After a recovery nobody knows of undo stacks that were being freed.",
        survives_tests: true,
    },
    Mutant {
        name: "a version is shown too early",
        mechanism: "commits",
        broken: "Readers see a commit before it is durable.",
        survives_tests: true,
    },
    Mutant {
        name: "deferred commits are not synced",
        mechanism: "commits",
        broken: "Database::sync returns and has done nothing.",
        survives_tests: false,
    },
    Mutant {
        name: "open changes pin nothing",
        mechanism: "versions",
        broken: "A version forgets that it reads blocks which an open transaction replaced before it was made.",
        survives_tests: true,
    },
    Mutant {
        name: "versions in use are forgotten",
        mechanism: "versions",
        broken: "A checkpoint does not know which versions somebody still reads.",
        survives_tests: false,
    },
    Mutant {
        name: "a new name is not covered",
        mechanism: "versions",
        broken: "Readers see what an open transaction has called a stream.",
        survives_tests: true,
    },
    Mutant {
        name: "bytes that are hung in are not counted",
        mechanism: "trees",
        broken: "The nodes above a subtree that is joined in do not count its bytes.",
        survives_tests: false,
    },
    Mutant {
        name: "checksums of nodes are not looked at",
        mechanism: "verified reads",
        broken: "A node is decoded, whatever its checksum is.",
        survives_tests: true,
    },
    Mutant {
        name: "a cached node answers for its block",
        mechanism: "verified reads",
        broken: "A block that was used again is read as what it held before.",
        survives_tests: false,
    },
    Mutant {
        name: "headers of batches are not summed",
        mechanism: "verified reads",
        broken: "A header that names the right log and place is believed.",
        survives_tests: true,
    },
    Mutant {
        name: "a short write begins again",
        mechanism: "transfers",
        broken: "The rest of a write that was cut short goes to where it began.",
        survives_tests: true,
    },
    Mutant {
        name: "a stream is claimed after its check",
        mechanism: "ownership",
        broken: "Who looks for a stream checks that it is nobody's, lets others go first, and takes it.",
        survives_tests: true,
    },
    Mutant {
        name: "a checkpoint that fails keeps its latch",
        mechanism: "errors",
        broken: "Whoever calls anything after a failed checkpoint waits for ever.",
        survives_tests: true,
    },
    Mutant {
        name: "a failed log does not say its name",
        mechanism: "errors",
        broken: "The error of a write or sync of the log names another file.",
        survives_tests: true,
    },
];
