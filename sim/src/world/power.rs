//! A power loss on one file: every unit, of one sector or eight, that a pending change touched takes one of its versions.
//!
//! 1. A unit that no pending change touched keeps its durable bytes.
//! 2. Units choose independently; the plan of the crash correlates them.
//! 3. The length chooses independently of the data; what of a gap was never written holds zeros or stale bytes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::dice::Dice;
use super::image::{Image, PAGE, SECTOR, Sector};
use super::inode::{Change, Inode, Pending};
use super::persist::{Plan, Tears};

/// Stale sectors put into one gap, at most; gaps may be huge.
const STALE_MAX: u64 = 256;

/// Bytes of files that are gone, which show up again in gaps.
#[derive(Default)]
pub(crate) struct Stale {
    sectors: Vec<Sector>,
    /// The files that went last, newest first.
    files: VecDeque<Image>,
}

/// What a power loss did to one file.
#[derive(Default, Debug)]
pub(crate) struct Damage {
    /// Units that had more than one version.
    pub(crate) undecided: u64,
    /// Of those, how many did not take the newest.
    pub(crate) lost: u64,
    /// Of those, how many were torn inside.
    pub(crate) torn: u64,
}

impl Stale {
    const SECTORS: usize = 256;
    const FILES: usize = 3;

    /// Remembers `image`, or a part of it.
    pub(crate) fn collect(&mut self, image: Image) {
        for page in image.some_pages(16) {
            for sector in page.chunks_exact(SECTOR as usize) {
                self.sectors.push(sector.try_into().expect("invariant: chunks of a sector"));
            }
        }
        let surplus = self.sectors.len().saturating_sub(Self::SECTORS);
        self.sectors.drain(..surplus);
        self.files.push_front(image);
        self.files.truncate(Self::FILES);
    }

    /// Where a gap gets its bytes from: a file whose blocks became this one's, or anywhere.
    fn source(&self, dice: &mut Dice) -> Option<&Image> {
        (!self.files.is_empty() && dice.chance(1, 2)).then(|| &self.files[dice.index(self.files.len())])
    }

    fn draw(&self, dice: &mut Dice) -> Sector {
        match self.sectors.is_empty() || dice.chance(1, 4) {
            true => garbage(dice),
            false => *dice.pick(&self.sectors),
        }
    }
}

impl Inode {
    /// Decides the fate of every pending change; afterwards the file is as it will be found.
    pub(crate) fn power_loss(&mut self, id: u64, plan: &mut Plan, stale: &Stale, dice: &mut Dice) -> Damage {
        let pending = std::mem::take(&mut self.pending);
        let touched = touched_units(&self.durable, &pending, plan.unit);
        let mut damage = Damage::default();
        let mut chosen: BTreeMap<u64, Option<u64>> = BTreeMap::new();
        for (&unit, touching) in &touched {
            let version = plan.version(id, unit * plan.unit * SECTOR / PAGE, touching, dice);
            chosen.insert(unit, version.checked_sub(1).map(|newest| touching[newest]));
            damage.undecided += 1;
            damage.lost += u64::from(version < touching.len());
        }
        let len = final_len(&self.durable, &pending, plan, dice);
        let mut found = self.durable.clone();
        let mut replay = self.durable.clone();
        for Pending { seq, change } in &pending {
            let units = units_of(change, &replay, plan.unit);
            change.apply(&mut replay);
            for unit in units {
                if chosen.get(&unit) == Some(&Some(*seq)) {
                    found.take_sectors(&replay, unit * plan.unit..(unit + 1) * plan.unit);
                }
            }
        }
        damage.torn = tear(&mut found, &self.durable, &replay, &touched, plan, dice);
        let grown = len > self.durable.len();
        reached!("a file has a new length and nothing of what was written there", grown && damage.lost > 0);
        if plan.stale && grown {
            let gap = self.durable.len().div_ceil(SECTOR)..len.div_ceil(SECTOR);
            let unwritten = gap.filter(|s| chosen.get(&(s / plan.unit)).is_none_or(Option::is_none));
            reached!("a gap behind the old end of a file holds stale bytes");
            let source = stale.source(dice);
            for sector in unwritten.take(STALE_MAX as usize) {
                // A whole superblock at the beginning would be a database that somebody has put there.
                match source.filter(|_| sector >= PAGE / SECTOR) {
                    Some(image) => found.take_sectors(image, sector..sector + 1),
                    None => found.set_sector(sector, &stale.draw(dice)),
                }
            }
        }
        reached!(
            "a file lost its end and with it what was written there",
            !found.sectors_from(len).is_empty()
        );
        found.clear_behind(len);
        self.visible = found.clone();
        self.durable = found;
        damage
    }

    /// A sync that failed: each dirty unit is persisted or not, and nothing is pending. Readers see what was written, or
    /// what of it was persisted; the length stays in both cases.
    pub(crate) fn failed_sync(&mut self, id: u64, plan: &mut Plan, reverts: bool, dice: &mut Dice) {
        let seen = self.visible.clone();
        self.power_loss(id, plan, &Stale::default(), dice);
        if reverts {
            self.visible.set_len(seen.len());
        } else {
            self.visible = seen;
        }
    }
}

/// For each unit, the places of the changes that touch it.
fn touched_units(durable: &Image, pending: &[Pending], unit: u64) -> BTreeMap<u64, Vec<u64>> {
    let mut touched: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut replay = durable.clone();
    for Pending { seq, change } in pending {
        for unit in units_of(change, &replay, unit) {
            touched.entry(unit).or_default().push(*seq);
        }
        change.apply(&mut replay);
    }
    touched
}

/// The units of so many sectors in which a change replaces bytes.
fn units_of(change: &Change, before: &Image, unit: u64) -> Vec<u64> {
    let mut units = sectors_of(change, before);
    if unit > 1 {
        units.iter_mut().for_each(|sector| *sector /= unit);
        units.dedup();
    }
    units
}

/// The sectors whose bytes a change replaces, given the image before it.
fn sectors_of(change: &Change, before: &Image) -> Vec<u64> {
    let over = |range: &Range<u64>| range.start / SECTOR..range.end.div_ceil(SECTOR);
    match change {
        Change::Write { offset, data } => over(&(*offset..offset + data.len() as u64)).collect(),
        Change::Zeros(range) => over(range).collect(),
        Change::Punch(range) => {
            before.sectors_from(range.start).into_iter().filter(|s| s * SECTOR < range.end).collect()
        }
        Change::SetLen(len) if *len < before.len() => before.sectors_from(*len),
        Change::SetLen(_) => Vec::new(),
    }
}

fn final_len(durable: &Image, pending: &[Pending], plan: &Plan, dice: &mut Dice) -> u64 {
    let mut replay = durable.clone();
    let mut lens = vec![durable.len()];
    let mut seqs = Vec::new();
    for Pending { seq, change } in pending {
        change.apply(&mut replay);
        if replay.len() != lens[lens.len() - 1] {
            lens.push(replay.len());
            seqs.push(*seq);
        }
    }
    if seqs.is_empty() { durable.len() } else { lens[plan.lengths.version(&seqs, dice)] }
}

fn garbage(dice: &mut Dice) -> Sector {
    let mut sector = [0; SECTOR as usize];
    sector.copy_from_slice(&dice.bytes(SECTOR as usize));
    sector
}

/// Tears touched units inside: a cut between old and new, zeros, or garbage. Returns how many.
fn tear(
    found: &mut Image,
    old: &Image,
    new: &Image,
    touched: &BTreeMap<u64, Vec<u64>>,
    plan: &Plan,
    dice: &mut Dice,
) -> u64 {
    let units: Vec<u64> = touched.keys().copied().collect();
    let torn: Vec<u64> = match plan.tears {
        Tears::Few(_) if units.is_empty() => Vec::new(),
        Tears::Few(count) => (0..count).map(|_| *dice.pick(&units)).collect(),
        Tears::Share(percent) => units.into_iter().filter(|_| dice.chance(percent, 100)).collect(),
    };
    let bytes = (plan.unit * SECTOR) as usize;
    for &unit in &torn {
        let offset = unit * bytes as u64;
        let version = |image: &Image| {
            let mut version = vec![0; bytes];
            image.read(offset, &mut version);
            version
        };
        // Whatever says what follows stands at the beginning.
        let cut = if dice.chance(1, 2) { dice.index(128) } else { dice.index(bytes) };
        let form = dice.below(4);
        reached!("the beginning of a torn unit is old", form == 0);
        reached!("the end of a torn unit is old", form == 1);
        reached!("a torn unit holds zeros", form == 2);
        reached!("a torn unit holds garbage", form == 3);
        let bytes = match form {
            0 => [&version(old)[..cut], &version(new)[cut..]].concat(),
            1 => [&version(new)[..cut], &version(old)[cut..]].concat(),
            2 => vec![0; bytes],
            _ => dice.bytes(bytes),
        };
        reached!("a unit of 4 KiB was torn inside", plan.unit > 1);
        found.put(offset, &bytes);
    }
    torn.len() as u64
}
