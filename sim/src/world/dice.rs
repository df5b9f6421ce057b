//! The one source of choices: drawn from the seed, or replayed from a record.
//!
//! 1. A draw depends on the seed, the concern, the turn and its number within the turn alone, so a draw more in one place
//!    shifts nothing elsewhere. A turn is one act of a run.
//! 2. Zero is the benign choice: no fault, nothing done by what was struck, the first task.

use std::fmt;

/// What a random stream is for. Each concern of a seed draws from its own stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Concern {
    /// Which operations run, on what.
    Workload,
    /// Which task runs next.
    Schedule,
    /// What survives a power loss.
    Disk,
    /// When crashes are ordered.
    Crashes,
    /// What transfers and calls that a crash or a fault strikes still do.
    Faults,
    /// How much time passes.
    Clock,
    /// The identities that the engine asks for.
    Identity,
    /// What a seed is like.
    Swarm,
}

impl Concern {
    /// The concerns of the world, whose draws a record keeps. What the others draw becomes part of the acts.
    pub const RECORDED: [Concern; 5] =
        [Concern::Schedule, Concern::Disk, Concern::Faults, Concern::Clock, Concern::Identity];

    /// Its name in a record.
    pub fn word(self) -> &'static str {
        match self {
            Concern::Workload => "workload",
            Concern::Schedule => "schedule",
            Concern::Disk => "disk",
            Concern::Crashes => "crashes",
            Concern::Faults => "faults",
            Concern::Clock => "clock",
            Concern::Identity => "identity",
            Concern::Swarm => "swarm",
        }
    }
}

/// One choice: `value` of `0..bound`; a bound of 0 stands for all of 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Draw {
    /// How many values there were.
    pub bound: u64,
    /// The one that was taken.
    pub value: u64,
}

impl Draw {
    /// Whether the value is one of those that there are.
    pub fn is_valid(self) -> bool {
        self.bound == 0 || self.value < self.bound
    }
}

impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.value, self.bound)
    }
}

/// Where the draws of a turn come from.
#[derive(Clone, Default, Debug)]
pub enum Source {
    /// From the seed.
    #[default]
    Seed,
    /// From a record that must fit to the last draw.
    Strict(Vec<Draw>),
    /// From a record as far as it fits; else what is benign.
    Lenient(Vec<Draw>),
}

/// What was drawn in a turn.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Turn {
    /// The draws, if they are recorded.
    pub draws: Vec<Draw>,
    /// How a strict record did not fit.
    pub misfit: Option<String>,
}

/// A source of choices for one concern.
#[derive(Clone, Debug)]
pub struct Dice {
    concern: Concern,
    seed: u64,
    /// Of this turn.
    key: u64,
    /// Draws of this turn.
    drawn: u64,
    source: Source,
    records: bool,
    turn: Turn,
}

/// The increment of splitmix64.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice {
    /// The stream of `concern` under `seed`, in turn 0.
    pub fn new(seed: u64, concern: Concern) -> Dice {
        let seed = mix(mix(seed) ^ (concern as u64 + 1));
        let (source, turn) = (Source::Seed, Turn::default());
        Dice { concern, seed, key: mix(seed), drawn: 0, source, records: false, turn }
    }

    /// A stream beside this one that depends on the seed, the concern and the name alone.
    pub fn aside(&self, name: &str) -> Dice {
        let key = name.bytes().fold(self.seed, |key, byte| mix(key ^ u64::from(byte)));
        Dice { key, drawn: 0, source: Source::Seed, records: false, turn: Turn::default(), ..self.clone() }
    }

    /// Begins a turn.
    pub fn begin_turn(&mut self, number: u64, source: Source, records: bool) {
        self.key = mix(self.seed ^ mix(number));
        self.drawn = 0;
        self.source = source;
        self.records = records;
        self.turn = Turn::default();
    }

    /// Ends a turn; the next one goes on from the seed if it is not begun otherwise.
    pub fn end_turn(&mut self) -> Turn {
        if let Source::Strict(draws) = &self.source
            && self.turn.misfit.is_none()
            && draws.len() as u64 > self.drawn
        {
            let surplus = draws.len() as u64 - self.drawn;
            self.turn.misfit = Some(format!("{surplus} choices for {} are left over", self.concern.word()));
        }
        std::mem::take(&mut self.turn)
    }

    /// One of `bound` values, 0 for all of 64 bits.
    fn draw(&mut self, bound: u64) -> u64 {
        let n = self.drawn;
        self.drawn += 1;
        let value = match &self.source {
            Source::Seed => self.keyed(n, bound),
            Source::Strict(draws) => match draws.get(n as usize) {
                Some(draw) if draw.bound == bound && draw.is_valid() => draw.value,
                found => {
                    let found = *found.unwrap_or(&Draw { bound: u64::MAX, value: 0 });
                    self.misfit(n, bound, found)
                }
            },
            Source::Lenient(draws) => match draws.get(n as usize) {
                Some(draw) if bound == 0 || draw.value < bound => draw.value,
                _ => self.benign(n, bound),
            },
        };
        if self.records {
            self.turn.draws.push(Draw { bound, value });
        }
        value
    }

    /// True so many times of a hundred. What is recorded is yes or no, which no odds are needed for to read.
    pub fn weighted(&mut self, percent: u64) -> bool {
        if let (Source::Seed, n) = (&self.source, self.drawn) {
            self.drawn += 1;
            let value = u64::from(self.keyed(n, 100) >= 100 - percent.min(100));
            if self.records {
                self.turn.draws.push(Draw { bound: 2, value });
            }
            return value == 1;
        }
        self.draw(2) == 1
    }

    fn keyed(&self, n: u64, bound: u64) -> u64 {
        let bits = mix(self.key.wrapping_add(n.wrapping_mul(GAMMA)));
        if bound == 0 { bits } else { ((u128::from(bits) * u128::from(bound)) >> 64) as u64 }
    }

    /// What is chosen where nothing is recorded. Two identities are never the same.
    fn benign(&self, n: u64, bound: u64) -> u64 {
        if self.concern == Concern::Identity { self.keyed(n, bound) } else { 0 }
    }

    fn misfit(&mut self, n: u64, bound: u64, found: Draw) -> u64 {
        let concern = self.concern.word();
        let what = match found.bound {
            u64::MAX => format!("choice {n} for {concern}, one of {bound}, is missing"),
            _ => format!("choice {n} for {concern} is one of {bound}, and {found} is recorded"),
        };
        self.turn.misfit.get_or_insert(what);
        self.benign(n, bound)
    }

    /// A number in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 { 0 } else { self.draw(bound) }
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// An index into a sequence of `len` things.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// True `times` times `of`; the high numbers mean true, so that 0 means that nothing special happens.
    pub fn chance(&mut self, times: u64, of: u64) -> bool {
        times > 0 && self.below(of) >= of.saturating_sub(times)
    }

    /// One of `from`, which must not be empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.draw(0)
    }

    /// `len` bytes without a pattern, all of them out of one draw.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut word = self.bits();
        let mut bytes = Vec::with_capacity(len + 7);
        while bytes.len() < len {
            word = word.wrapping_add(GAMMA);
            bytes.extend_from_slice(&mix(word).to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

/// Scrambles a number (the finaliser of splitmix64).
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(GAMMA);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
