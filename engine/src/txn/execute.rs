//! Running operations: apply, log, remember the inverse, in one step that either happens or does not.

use crate::base::{Lsn, Result, StreamId, TxnId};
use crate::env::Env;
use crate::format::record::{Body, Bulk, MAX_RECORD_OVERHEAD, Operation, Payload, Record, record_bytes};
use crate::format::stride::Stride;

use super::{Change, Core};

/// Strided calls are cut into operations whose hulls are at most this long, so that none holds much memory.
const MAX_HULL_BYTES: u64 = 4 << 20;

impl<E: Env> Core<E> {
    /// Runs one operation of an open transaction. After an error nothing has happened.
    pub fn execute(&mut self, txn: TxnId, operation: Operation<'_>) -> Result<()> {
        self.make_writable()?;
        let change = Change::from(&operation);
        let record = Record { txn, commits: false, body: Body::Operation(operation) };
        let applied = self.reserve_log(&record).and_then(|()| self.apply(Some(txn), change));
        let inverse = applied.inspect_err(|_| self.abandon(&record))?;
        let lsn = self.append(&record);
        self.dirty_bytes += inverse.bytes_held();
        let state = self.table.state(txn);
        state.undo.push(lsn, inverse);
        state.logged = true;
        self.bury_deaths();
        Ok(())
    }

    /// Runs one operation as a transaction of its own, durable when this returns. The stream and the names that it
    /// touches belong to nobody.
    pub fn execute_committed(&mut self, operation: Operation<'_>) -> Result<()> {
        self.make_writable()?;
        let change = Change::from(&operation);
        let stream = change.stream();
        let record = Record { txn: self.take_txn_id(), commits: true, body: Body::Operation(operation) };
        let mark = self.deaths.mark();
        let applied = self.reserve_log(&record).and_then(|()| {
            let inverse = self.apply(None, change)?;
            self.catalog.settle(&self.store, stream, &mut self.deaths)?;
            Ok(inverse)
        });
        let inverse = applied.inspect_err(|_| {
            self.catalog.forget_change(stream);
            self.deaths.forget_since(mark);
            self.abandon(&record);
        })?;
        self.append(&record);
        self.graveyard.extend(inverse.into_tree());
        self.bury_deaths();
        self.last_commit = self.next_lsn();
        self.make_version();
        self.flush()
    }

    /// Replaces a range of `stream` by `bytes`, in as many operations as its length needs.
    pub fn splice(
        &mut self,
        txn: TxnId,
        stream: StreamId,
        offset: u64,
        delete_len: u64,
        bytes: &[u8],
    ) -> Result<()> {
        self.make_writable()?;
        let portion = self.max_payload_bytes();
        self.all_or_nothing(txn, |core| {
            let (first, rest) = bytes.split_at(bytes.len().min(portion));
            let insert = core.payload(first)?;
            core.execute(txn, Operation::Splice { stream, offset, delete_len, insert })?;
            let mut offset = offset + first.len() as u64;
            for piece in rest.chunks(portion) {
                let insert = core.payload(piece)?;
                core.execute(txn, Operation::Splice { stream, offset, delete_len: 0, insert })?;
                offset += piece.len() as u64;
            }
            Ok(())
        })
    }

    /// As `splice`, as a transaction of its own, for payloads of one operation.
    pub fn splice_committed(
        &mut self,
        stream: StreamId,
        offset: u64,
        delete_len: u64,
        bytes: &[u8],
    ) -> Result<()> {
        self.make_writable()?;
        let insert = self.payload(bytes)?;
        self.execute_committed(Operation::Splice { stream, offset, delete_len, insert })
    }

    /// Overwrites the elements of `stride`, which was checked, with `bytes`.
    pub fn write_strided(
        &mut self,
        txn: TxnId,
        stream: StreamId,
        stride: &Stride,
        bytes: &[u8],
    ) -> Result<()> {
        self.make_writable()?;
        let pieces = self.stride_pieces(stride);
        self.all_or_nothing(txn, |core| {
            let mut rest = bytes;
            for piece in pieces {
                let len = usize::try_from(piece.size * piece.count)
                    .expect("invariant: as long as the bytes in hand");
                let (head, tail) = rest.split_at(len);
                rest = tail;
                if piece.count == 1 {
                    core.splice(txn, stream, piece.start, piece.size, head)?;
                } else {
                    core.execute(txn, Operation::StridedWrite { stream, stride: piece, bytes: head.into() })?;
                }
            }
            Ok(())
        })
    }

    /// Removes the elements of `stride`, which was checked.
    pub fn remove_strided(&mut self, txn: TxnId, stream: StreamId, stride: &Stride) -> Result<()> {
        self.make_writable()?;
        let pieces = self.stride_pieces(stride);
        self.all_or_nothing(txn, |core| {
            // From the end, so that the places of the others stay as they are.
            for piece in pieces.rev() {
                if piece.count == 1 {
                    core.splice(txn, stream, piece.start, piece.size, &[])?;
                } else {
                    core.execute(txn, Operation::StridedRemove { stream, stride: piece })?;
                }
            }
            Ok(())
        })
    }

    /// Cuts a stride into strides that each make one operation of bounded size.
    fn stride_pieces(&mut self, stride: &Stride) -> impl DoubleEndedIterator<Item = Stride> + use<E> {
        let stride = *stride;
        let inline = self.max_inline_bytes() as u64;
        let period = stride.size.saturating_mul(stride.stride);
        let sparse = period > self.store.geometry.leaf_bytes as u64;
        let by_hull = if sparse { 1024 } else { MAX_HULL_BYTES / period };
        let each = (inline / 2 / stride.size).min(by_hull).max(1);
        (0..stride.count.div_ceil(each)).map(move |piece| {
            let first = piece * each;
            let start = if first == 0 { stride.start } else { stride.start + first * period };
            Stride { start, count: each.min(stride.count - first), ..stride }
        })
    }

    /// Runs several operations so that after an error none of them has happened.
    pub fn all_or_nothing<R>(&mut self, txn: TxnId, run: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        let top = self.table.state(txn).undo.top();
        let outcome = run(self);
        if outcome.is_err() {
            while self.undo_one(txn, top)? {}
        }
        outcome
    }

    /// A transaction id that was never used.
    pub fn take_txn_id(&mut self) -> TxnId {
        let txn = self.next_txn;
        self.next_txn.0 += 1;
        txn
    }

    /// A stream id that was never used.
    pub fn take_stream_id(&mut self) -> StreamId {
        let stream = self.next_stream;
        self.next_stream.0 += 1;
        stream
    }

    pub(super) fn append(&mut self, record: &Record<'_>) -> Lsn {
        // A batch that names extents is written only after they were synced.
        self.unsynced_bulk |= bulk_of(record).is_some();
        let before = self.next_lsn();
        let lsn = self.log().append(record);
        self.counters.log_bytes += self.next_lsn().0 - before.0;
        lsn
    }

    /// Makes sure that the log can take `record`, and the end of its transaction, without more disk space: a full disk
    /// is found here, where an operation can be refused.
    fn reserve_log(&mut self, record: &Record<'_>) -> Result<()> {
        self.log().check_record(record)?;
        let bytes = record_bytes(record) + MAX_RECORD_OVERHEAD;
        let reserved = self.log().reserve(bytes as u64);
        reserved.map_err(|e| if e.is_failed_sync() { self.poison(e) } else { e })
    }

    /// `record` will never be in the log: its extents are free again.
    fn abandon(&mut self, record: &Record<'_>) {
        for extent in bulk_of(record).map_or(&[][..], |bulk| &bulk.extents) {
            self.space.give_back(*extent);
        }
    }
}

fn bulk_of<'r>(record: &'r Record<'_>) -> Option<&'r Bulk> {
    match &record.body {
        Body::Operation(Operation::Splice { insert: Payload::Bulk(bulk), .. }) => Some(bulk),
        _ => None,
    }
}
