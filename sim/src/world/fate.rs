//! What a power loss leaves, chosen change by change and not drawn; and machines that begin with that.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::World;
use super::image::{Image, SECTOR};
use super::inode::{Change, Inode};
use super::names::NameChange;
use super::trace::Trace;

/// How a write is torn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Torn {
    /// Its first half lasts, in whole sectors.
    Front,
    /// Its second half lasts, in whole sectors.
    Back,
    /// It ends inside its first sector.
    Inside,
}

impl Torn {
    /// Every way.
    pub const ALL: [Torn; 3] = [Torn::Front, Torn::Back, Torn::Inside];
    /// Of a sector that is torn inside, so much lasts.
    const INSIDE_BYTES: usize = 100;

    fn part(self, offset: u64, data: &[u8]) -> Change {
        let half = (data.len() / 2).next_multiple_of(SECTOR as usize).min(data.len());
        match self {
            Torn::Front => Change::write(offset, &data[..half]),
            Torn::Back => Change::write(offset + half as u64, &data[half..]),
            Torn::Inside => Change::write(offset, &data[..Torn::INSIDE_BYTES.min(data.len())]),
        }
    }
}

/// What a power loss does to what no sync covered; what is not named lasts.
#[derive(Clone, Default, Debug)]
pub struct Fate {
    /// The changes that are lost.
    pub lost: BTreeSet<u64>,
    /// The one that is torn.
    pub torn: Option<(u64, Torn)>,
}

/// A change that no sync covered.
#[derive(Clone, Copy, Debug)]
pub struct Undecided {
    /// Its place in the order of all changes.
    pub change: u64,
    /// Whether it is a write, which can be torn.
    pub tears: bool,
}

/// The files of a machine that is off.
#[derive(Clone, Default)]
pub struct Platter(Vec<(PathBuf, Image)>);

impl Platter {
    /// A hash of all names and bytes.
    pub fn sum(&self) -> u64 {
        let mut trace = Trace::new();
        for (name, image) in &self.0 {
            trace.bytes(name.as_os_str().as_encoded_bytes());
            image.trace(&mut trace);
        }
        trace.value()
    }
}

impl World {
    /// A machine that is switched on with these files, all durable.
    pub fn on(seed: u64, platter: &Platter) -> World {
        let world = World::new(seed);
        let mut state = world.shared.lock();
        for (name, image) in &platter.0 {
            let id = state.find_or_create(name);
            let inode = state.inode(id);
            (inode.durable, inode.visible) = (image.clone(), image.clone());
        }
        drop(state);
        world
    }

    /// What a power loss would have to decide now, in the order in which it was done.
    pub fn undecided(&self) -> Vec<Undecided> {
        let state = self.shared.lock();
        let names = state.names.pending_seqs().map(|change| Undecided { change, tears: false });
        let data = state.inodes.values().flat_map(|inode| &inode.pending).map(|pending| Undecided {
            change: pending.seq,
            tears: matches!(pending.change, Change::Write { .. }),
        });
        let mut all: Vec<Undecided> = names.chain(data).collect();
        all.sort_by_key(|undecided| undecided.change);
        all
    }

    /// What a power loss would leave now.
    pub fn settled(&self, fate: &Fate) -> Platter {
        let state = self.shared.lock();
        let names = state.names.settled(|change| !fate.lost.contains(&change));
        let files =
            names.into_iter().filter_map(|(name, id)| Some((name, state.inodes.get(&id)?.settled(fate))));
        Platter(files.collect())
    }
}

impl Inode {
    fn settled(&self, fate: &Fate) -> Image {
        let mut found = self.durable.clone();
        for pending in self.pending.iter().filter(|pending| !fate.lost.contains(&pending.seq)) {
            match (&pending.change, fate.torn) {
                (Change::Write { offset, data }, Some((torn, form))) if torn == pending.seq => {
                    form.part(*offset, data).apply(&mut found);
                }
                (change, _) => change.apply(&mut found),
            }
        }
        found
    }
}

impl super::names::Names {
    /// The names that last, and where they lead.
    fn settled(&self, keeps: impl Fn(u64) -> bool) -> Vec<(PathBuf, u64)> {
        let mut names = self.durable().clone();
        let kept = self.pending().iter().filter(|(change, _)| keeps(*change));
        kept.for_each(|(_, change): &(u64, NameChange)| change.apply(&mut names));
        names.into_iter().collect()
    }
}
