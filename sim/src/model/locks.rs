//! Who holds which locks, as plain lists: what the engine must grant to a task that does not wait, and what it must refuse.
//!
//! 1. A name that is looked up is held for reading, one that is made, dropped or changed for writing, until the
//!    transaction ends.
//! 2. So is a range of a stream's points: its bytes, and behind them its end. What shifts bytes takes all from there to
//!    the end; what depends on the length takes the end.
//!    What is read for a change to come is held for update: beside those who read it already, and nobody else comes in.
//! 3. Each of these says at the database whether there is a writer; a list of all streams excludes writers.

use std::collections::BTreeMap;

use numstore::ErrorCode;

use super::edit::{Edit, Elements};

/// Points of a stream, the last one included; the end is the point `u64::MAX`.
type Points = (u64, u64);

const END: Points = (u64::MAX, u64::MAX);

/// How something is held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Access {
    /// Beside others who read.
    Read,
    /// Beside those who read it before, and no others.
    Update,
    /// By one alone.
    Write,
}

/// What one transaction holds.
#[derive(Clone, Default, Debug)]
struct Held {
    names: BTreeMap<String, Access>,
    ranges: Vec<(String, Points, Access)>,
    writes: bool,
    lists: bool,
}

/// All locks, by transaction.
#[derive(Clone, Default, Debug)]
pub struct Locks {
    held: BTreeMap<u64, Held>,
}

type Refused = Vec<ErrorCode>;

impl Locks {
    /// Whether another transaction than `txn` has `name` for itself.
    pub fn is_busy(&self, txn: u64, name: &str) -> bool {
        self.others(txn).any(|held| held.names.get(name) == Some(&Access::Write))
    }

    /// Takes a name.
    pub fn name(&mut self, txn: u64, name: &str, access: Access) -> Result<(), Refused> {
        self.announce(txn, access)?;
        let clash = |held: &Held| held.names.get(name).is_some_and(|other| clashes(*other, access));
        if self.others(txn).any(clash) {
            return busy();
        }
        let mine = self.own(txn).names.entry(name.to_owned()).or_insert(access);
        if access == Access::Write {
            *mine = access;
        }
        Ok(())
    }

    /// Takes the whole database for reading.
    pub fn list(&mut self, txn: u64) -> Result<(), Refused> {
        if self.others(txn).any(|held| held.writes) {
            return busy();
        }
        self.own(txn).lists = true;
        Ok(())
    }

    /// Takes what `edit` takes of the stream called `name`, which has `len` bytes.
    pub fn edit(&mut self, txn: u64, name: &str, edit: &Edit, len: u64) -> Result<(), Refused> {
        let mut take = |points, access| self.range(txn, name, points, access);
        match edit {
            Edit::Len => take(END, Access::Read),
            Edit::Read { from, to } if to < from => take((*from, u64::MAX), Access::Read),
            Edit::Read { from, to } => take(points(*from, *to), Access::Read),
            Edit::ReadForUpdate { from, to } if to < from => take((*from, u64::MAX), Access::Update),
            Edit::ReadForUpdate { from, to } => take(points(*from, *to), Access::Update),
            Edit::ReadStrided(elements) => take(hull(elements), Access::Read),
            Edit::Insert { at, .. } => take((*at, u64::MAX), Access::Write),
            Edit::Append { .. } => {
                take(END, Access::Write)?;
                take((len, u64::MAX), Access::Write)
            }
            Edit::Write { at, data } => {
                let data = data.0.len() as u64;
                take(points(*at, at.saturating_add(data)), Access::Write)?;
                if *at <= len && data > len - at { take((*at, u64::MAX), Access::Write) } else { Ok(()) }
            }
            Edit::Remove { from, .. } | Edit::Cut { from, .. } => take((*from, u64::MAX), Access::Write),
            Edit::Truncate { len } => take((*len, u64::MAX), Access::Write),
            Edit::Splice { at, delete, data } => {
                let overwrites = *delete == data.0.len() as u64;
                let range =
                    if overwrites { points(*at, at.saturating_add(*delete)) } else { (*at, u64::MAX) };
                take(range, Access::Write)
            }
            Edit::WriteStrided(elements, _) => take(hull(elements), Access::Write),
            Edit::RemoveStrided(elements) => take((elements.start, u64::MAX), Access::Write),
        }
    }

    /// The transaction has ended.
    pub fn release(&mut self, txn: u64) {
        self.held.remove(&txn);
    }

    fn range(&mut self, txn: u64, name: &str, points: Points, access: Access) -> Result<(), Refused> {
        if self.has_range(txn, name, points, access) {
            return Ok(());
        }
        self.announce(txn, access)?;
        let overlaps = |other: &Points| other.0 <= points.1 && points.0 <= other.1;
        let clash = |(of, other, how): &(String, Points, Access)| {
            of == name && overlaps(other) && clashes(*how, access)
        };
        if self.others(txn).flat_map(|held| &held.ranges).any(clash) {
            return busy();
        }
        self.own(txn).ranges.push((name.to_owned(), points, access));
        Ok(())
    }

    /// Whether `txn` has all of `points` at least so.
    fn has_range(&self, txn: u64, name: &str, points: Points, access: Access) -> bool {
        let own = self.held.get(&txn).into_iter().flat_map(|held| &held.ranges);
        let own = own.filter(|(of, _, how)| of == name && *how >= access);
        let mut own: Vec<Points> = own.map(|(_, points, _)| *points).collect();
        own.sort_unstable();
        let mut next = Some(points.0);
        for (first, last) in own {
            if next.is_some_and(|next| first <= next && last >= next) {
                next = last.checked_add(1);
            }
        }
        next.is_none_or(|next| next > points.1)
    }

    /// Says at the database what is coming. That stays, even if what comes is refused.
    fn announce(&mut self, txn: u64, access: Access) -> Result<(), Refused> {
        if access != Access::Read {
            if self.others(txn).any(|held| held.lists) {
                return busy();
            }
            self.own(txn).writes = true;
        }
        Ok(())
    }

    fn own(&mut self, txn: u64) -> &mut Held {
        self.held.entry(txn).or_default()
    }

    fn others(&self, txn: u64) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(move |(other, _)| **other != txn).map(|(_, held)| held)
    }
}

fn busy() -> Result<(), Refused> {
    Err(vec![ErrorCode::Busy])
}

/// Whether one who asks is refused what another one holds.
fn clashes(held: Access, asked: Access) -> bool {
    held != Access::Read || asked == Access::Write
}

/// What a look at `from..to` depends on: at least on whether the stream goes so far.
fn points(from: u64, to: u64) -> Points {
    (from, to.max(from.saturating_add(1)).saturating_sub(1).max(from))
}

fn hull(elements: &Elements) -> Points {
    elements.end().map_or((elements.start, u64::MAX), |end| points(elements.start, end))
}
