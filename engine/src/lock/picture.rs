//! The table for people: every lock, who holds it, who waits for it and for whom.

use std::fmt;

use crate::base::{StreamId, TxnId};

use super::queue::Queue;
use super::{LockTable, Mode, Target};

/// A lock, or a request for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockInfo {
    /// What is locked.
    pub target: Target,
    /// How.
    pub mode: Mode,
    /// By whom.
    pub txn: TxnId,
    /// For whom the request waits, by id; `None` if the lock is held.
    pub waits_for: Option<Vec<TxnId>>,
}

/// All locks: the database, the names, the streams with their ranges; for each those who hold it, then those who wait in
/// the order of the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// One line each.
    pub locks: Vec<LockInfo>,
}

impl LockTable {
    /// What the table looks like now. Cost: all of it.
    pub fn picture(&self) -> Picture {
        let mut locks = Vec::new();
        self.add_queue(&Target::Database, &self.database, &mut locks);
        for (name, queue) in &self.names {
            self.add_queue(&Target::Name(name.clone()), queue, &mut locks);
        }
        let mut streams: Vec<StreamId> = self.streams.keys().copied().collect();
        streams.sort_unstable();
        for stream in streams {
            let of_stream = &self.streams[&stream];
            self.add_queue(&Target::Stream(stream), &of_stream.whole, &mut locks);
            for entry in of_stream.held() {
                let target = Target::Range(stream, entry.span);
                locks.push(LockInfo { target, mode: entry.mode, txn: entry.txn, waits_for: None });
            }
            for entry in of_stream.waiting() {
                locks.push(self.waiting(Target::Range(stream, entry.span), entry.mode, entry.txn));
            }
        }
        Picture { locks }
    }

    fn add_queue(&self, target: &Target, queue: &Queue, locks: &mut Vec<LockInfo>) {
        for (txn, holder) in queue.holders() {
            locks.push(LockInfo { target: target.clone(), mode: holder.mode, txn, waits_for: None });
        }
        for ask in queue.waiters() {
            locks.push(self.waiting(target.clone(), ask.mode, ask.txn));
        }
    }

    fn waiting(&self, target: Target, mode: Mode, txn: TxnId) -> LockInfo {
        let waits_for = self.blockers(txn).into_iter().map(|blocker| blocker.txn).collect();
        LockInfo { target, mode, txn, waits_for: Some(waits_for) }
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let targets: Vec<String> = self.locks.iter().map(|lock| lock.target.to_string()).collect();
        let ids: Vec<String> = self.locks.iter().map(|lock| lock.txn.to_string()).collect();
        let width = |head: &str, cells: &[String]| {
            cells.iter().map(|cell| cell.chars().count()).fold(head.len(), usize::max)
        };
        let (target_width, id_width) = (width("target", &targets), width("txn", &ids));
        writeln!(f, "{:target_width$}  mode  {:>id_width$}  state", "target", "txn")?;
        for (lock, target) in self.locks.iter().zip(&targets) {
            write!(f, "{target:target_width$}  {:4}  {:>id_width$}  ", lock.mode, lock.txn)?;
            match &lock.waits_for {
                None => f.write_str("holds")?,
                Some(others) => {
                    let others: Vec<String> = others.iter().map(TxnId::to_string).collect();
                    write!(f, "waits for {}", others.join(", "))?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
