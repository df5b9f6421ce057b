//! Everything that can go wrong at a small scope: every short workload, a crash at every I/O call of it, everything that a power
//! loss may leave, and a crash at every I/O call of the recovery from that.
//!
//! 1. Workloads are all sequences of up to so many operations from a list. A crash strikes in the last one or behind it only:
//!    what strikes before is the business of a shorter sequence.
//! 2. Of the changes that no sync covered a power loss leaves nothing, all, all but one, one alone, all but two, two alone, or
//!    all and one of them torn; after a crash in a recovery nothing, all, or all but one.
//! 3. The same files under the same promises are looked at once.
//! 4. A search that is to end early ends behind a few whole workloads; the same number of images is the same workloads, whatever
//!    threads there are. Long workloads come in an order in which those of a part begin and end with everything.

mod fates;
mod report;
mod search;
mod workloads;

pub use report::Report;
pub use search::{Progress, Scope, search};
pub use workloads::{alphabet, count};
