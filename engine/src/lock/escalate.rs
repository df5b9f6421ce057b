//! Escalation: many spans of one transaction become few, at the price of bytes that it does not need.
//!
//! First the smallest gaps between its spans are filled, until half of the spans that are allowed are left. Only a
//! transaction that goes on and on gets the whole stream: by then it has touched so much that others would hardly pass.
//!
//! Nobody pays at once: a gap in which another one holds or wants something that excludes the filling is left open, and
//! so is the stream. If too many spans remain, that is put up with until half as many more have come. So the cost for
//! each span is bounded, O(log n) on average.

use crate::base::{StreamId, TxnId};

use super::queue::Ask;
use super::{LockTable, Mode, Target};

/// After so many times of fewer and wider spans the next try is for the stream.
const WIDENINGS_BEFORE_STREAM: u32 = 4;

impl LockTable {
    /// Makes the spans of `txn` in `stream` fewer, if they are too many.
    pub(super) fn escalate(&mut self, txn: TxnId, stream: StreamId) {
        let own = self.own_stream(txn, stream).expect("invariant: who got a range holds its stream");
        let count = own.spans.len();
        if count <= self.ranges_max.max(own.patience) {
            return;
        }
        let goes_on = own.widenings >= WIDENINGS_BEFORE_STREAM;
        let is_done = (goes_on && self.take_stream(txn, stream)) || self.widen(txn, stream);
        if !is_done {
            self.take_stream(txn, stream);
        }
        let half = self.ranges_max / 2;
        let ranges_max = self.ranges_max;
        let owned = self.txns.get_mut(&txn).and_then(|owned| owned.streams.get_mut(&stream));
        let own = owned.expect("invariant: an escalation gives up no stream");
        let left = own.spans.len();
        reached!("too many ranges are put up with, since others are in the way", left > ranges_max);
        own.patience = if left > ranges_max { left + half } else { 0 };
        self.counters.escalations += u64::from(left < count);
    }

    /// Fills gaps, the smallest first. Whether few enough spans are left.
    fn widen(&mut self, txn: TxnId, stream: StreamId) -> bool {
        let owned = self.txns.get_mut(&txn).and_then(|owned| owned.streams.get_mut(&stream));
        let own = owned.expect("invariant: who got a range holds its stream");
        let locks = self.streams.get_mut(&stream).expect("invariant: a stream that is held has locks");
        let mut joints = own.spans.joints();
        joints.sort_unstable_by_key(|(gap, _)| (gap.points_len(), gap.start()));
        own.widenings += 1;
        for (gap, mode) in joints {
            if own.spans.len() <= self.ranges_max.div_ceil(2) {
                break;
            }
            if locks.is_free(txn, gap, mode) || mutant!("gaps are filled over what others have") {
                reached!("a gap between ranges is filled with exclusive bytes", mode == Mode::X);
                own.spans.add(gap, mode, |edit| locks.edit(txn, edit));
            } else {
                reached!("a gap between ranges is left open for others");
            }
        }
        own.spans.len() <= self.ranges_max
    }

    /// Takes the whole stream in place of the spans, if nobody holds or wants it otherwise. Of those who wait for a
    /// range none is in the way then, since they hold intentions.
    fn take_stream(&mut self, txn: TxnId, stream: StreamId) -> bool {
        let whole =
            self.queue(&Target::Stream(stream)).expect("invariant: a stream that is held has a queue");
        let held = whole.held(txn).expect("invariant: who got a range holds its stream");
        let own = self.own_stream(txn, stream).expect("invariant: who got a range holds its stream");
        // U on the whole would come to SIX, which does not cover ranges in U.
        let writes = own.spans.iter().any(|(_, mode)| mode != Mode::S);
        let mode = held.supremum(if writes { Mode::X } else { Mode::S });
        if !whole.others_admit(Some(held), mode) || whole.waiters_conflict(mode) {
            return false;
        }
        reached!("a lock on a stream replaces those on its ranges");
        let rank = whole.rank(txn).expect("invariant: who got a range holds its stream");
        self.install_stream(Ask { txn, mode, rank }, stream);
        true
    }
}
