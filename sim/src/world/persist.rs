//! What a power loss keeps: choices for single sectors, correlated by one strategy for the whole crash.

use std::collections::BTreeMap;

use super::dice::Dice;
use super::faults::FaultKind;
use super::odds::Odds;

/// What lasts of the changes that no sync covered, when the power fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Persist {
    /// Nothing.
    None,
    /// Everything.
    All,
    /// The oldest changes, this many of a hundred.
    Prefix(u64),
    /// The newest changes, this many of a hundred, and every length.
    Suffix(u64),
    /// The newest change alone.
    OnlyLast,
    /// All changes but one, drawn at random.
    AllButOne,
    /// Each sector for itself, any of its versions.
    Random,
    /// Each page as a whole, or each of its sectors for itself.
    PageThenSector,
    /// Nothing whole: what was under way is torn.
    Torn,
    /// One of the above, drawn at random, for data, lengths and names apart; torn sectors and stale gaps now and then.
    Swarm,
}

/// Which changes of one kind last.
#[derive(Clone, Debug)]
pub(crate) enum Strategy {
    None,
    All,
    /// Those before this place in the order.
    Before(u64),
    /// Those from this place on.
    From(u64),
    /// All but this one.
    AllBut(u64),
    /// Any version, of each sector.
    Random,
    PageThenSector,
}

/// Which of the undecided sectors of a file are torn inside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tears {
    /// This many, at most.
    Few(u64),
    /// Each, with this chance in a hundred.
    Share(u64),
}

/// All choices that a crash makes up front.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) data: Strategy,
    pub(crate) lengths: Strategy,
    pub(crate) names: Strategy,
    /// Which sectors are torn inside.
    pub(crate) tears: Tears,
    /// Whether gaps hold stale bytes, not zeros.
    pub(crate) stale: bool,
    /// Sectors that last or are lost together: the disk's atomic unit.
    pub(crate) unit: u64,
    pages: BTreeMap<(u64, u64), u64>,
}

impl Plan {
    /// Draws the choices; `seqs` are the places of all pending changes.
    pub(crate) fn draw(persist: Persist, seqs: &[u64], odds: &Odds, dice: &mut Dice) -> Plan {
        let data = Strategy::draw(persist, seqs, dice);
        let swarm = persist == Persist::Swarm;
        let other = |dice: &mut Dice| match swarm && dice.chance(1, 3) {
            true => Strategy::draw(Persist::Swarm, seqs, dice),
            false => data.clone(),
        };
        let all_last = |kind: FaultKind, dice: &mut Dice| swarm && !dice.weighted(odds.of(kind));
        let lengths = match persist {
            // A file that lasts only up to where it was would have lost what is newest.
            Persist::Suffix(_) => Strategy::All,
            _ if all_last(FaultKind::LostLengths, dice) => Strategy::All,
            _ => other(dice),
        };
        let names = if all_last(FaultKind::NameLoss, dice) { Strategy::All } else { other(dice) };
        let tears = match persist {
            Persist::Swarm if dice.weighted(odds.of(FaultKind::Tears)) => match dice.chance(1, 2) {
                false => Tears::Few(dice.between(1, 3)),
                true => Tears::Share(*dice.pick(&[20, 50, 100])),
            },
            Persist::Torn => Tears::Share(100),
            _ => Tears::Few(0),
        };
        let stale = swarm && dice.weighted(odds.of(FaultKind::StaleGaps));
        if stale && dice.chance(1, 2) {
            // Files have grown, and what was written there is gone: all of it is stale.
            let (data, lengths) = (Strategy::None, Strategy::All);
            return Plan { data, lengths, names, tears, stale, unit: 1, pages: BTreeMap::new() };
        }
        Plan { data, lengths, names, tears, stale, unit: 1, pages: BTreeMap::new() }
    }

    /// Which version a unit in page `page` of a file takes, of those that the changes `touching` made:
    /// 0 is the durable one, `n` the one after the n-th change.
    pub(crate) fn version(&mut self, file: u64, page: u64, touching: &[u64], dice: &mut Dice) -> usize {
        if !matches!(self.data, Strategy::PageThenSector) {
            return self.data.version(touching, dice);
        }
        match *self.pages.entry((file, page)).or_insert_with(|| dice.below(3)) {
            0 => 0,
            1 => touching.len(),
            _ => Strategy::Random.version(touching, dice),
        }
    }
}

impl Strategy {
    fn draw(persist: Persist, seqs: &[u64], dice: &mut Dice) -> Strategy {
        let last = seqs.last().copied().unwrap_or(0);
        let percent =
            |of: u64| seqs.get(seqs.len() * of.min(100) as usize / 100).copied().unwrap_or(u64::MAX);
        match persist {
            Persist::None | Persist::Torn => Strategy::None,
            Persist::All => Strategy::All,
            Persist::Prefix(of) => Strategy::Before(percent(of)),
            Persist::Suffix(of) => Strategy::From(percent(100 - of.min(100))),
            Persist::OnlyLast => Strategy::From(last),
            Persist::AllButOne if seqs.is_empty() => Strategy::All,
            Persist::AllButOne => Strategy::AllBut(*dice.pick(seqs)),
            Persist::Random => Strategy::Random,
            Persist::PageThenSector => Strategy::PageThenSector,
            Persist::Swarm => {
                let share = dice.below(101);
                let choices = [
                    Persist::None,
                    Persist::All,
                    Persist::Prefix(share),
                    Persist::Suffix(share),
                    Persist::OnlyLast,
                    Persist::AllButOne,
                    Persist::Random,
                    Persist::PageThenSector,
                ];
                let choice = *dice.pick(&choices);
                Strategy::draw(choice, seqs, dice)
            }
        }
    }

    /// How many of the changes `touching` one thing, in order, it shows.
    pub(crate) fn version(&self, touching: &[u64], dice: &mut Dice) -> usize {
        let all = touching.len();
        let last = touching.last().copied().unwrap_or(0);
        match self {
            Strategy::None => 0,
            Strategy::All => all,
            Strategy::Before(seq) => touching.iter().filter(|&s| s < seq).count(),
            Strategy::From(seq) => {
                if last >= *seq {
                    all
                } else {
                    0
                }
            }
            Strategy::AllBut(seq) => {
                if last == *seq {
                    all - 1
                } else {
                    all
                }
            }
            Strategy::Random | Strategy::PageThenSector => dice.index(all + 1),
        }
    }

    /// Whether a change that stands alone lasts.
    pub(crate) fn keeps(&self, seq: u64, dice: &mut Dice) -> bool {
        self.version(&[seq], dice) == 1
    }
}
