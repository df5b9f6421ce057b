//! The modes of a lock: which exclude which, and what two of them make together.
//!
//! Two ways of reading the table of compatibility differ, as in Gray and Reuter: an update lock (U) is granted beside
//! readers that are there, but once it is held nobody else comes in. Its holder reads, knows that nobody else will write,
//! and when it upgrades to X it waits for a number of readers that only shrinks.
//!
//! Rights grow along `IS < IX < SIX < X` and `IS < S < U < SIX < X`. So U and IX make SIX: the holder writes parts and
//! reads the rest. Gray and Reuter make it X, which would lock a whole stream for one range. The price: beside SIX new
//! intentions to read are let in, and beside U they are not.

use std::fmt;

/// How a target is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Intention to read parts.
    IS,
    /// Intention to write parts.
    IX,
    /// To read it all.
    S,
    /// To read it all and write parts.
    SIX,
    /// To read it all, and perhaps to write it after a look.
    U,
    /// To write it all.
    X,
}

use Mode::{IS, IX, S, SIX, U, X};

/// How many modes there are.
pub const MODES: usize = 6;

/// All modes, in the order of the tables.
pub const ALL: [Mode; MODES] = [IS, IX, S, SIX, U, X];

/// A row for each mode held, a column for each mode asked for.
const COMPATIBLE: [[bool; MODES]; MODES] = {
    const Y: bool = true;
    const N: bool = false;
    [
        // IS IX S SIX U X
        [Y, Y, Y, Y, Y, N],
        [Y, Y, N, N, N, N],
        [Y, N, Y, N, Y, N],
        [Y, N, N, N, N, N],
        [N, N, N, N, N, N],
        [N, N, N, N, N, N],
    ]
};

/// The least mode with the rights of both.
const SUPREMUM: [[Mode; MODES]; MODES] = [
    [IS, IX, S, SIX, U, X],
    [IX, IX, SIX, SIX, SIX, X],
    [S, SIX, S, SIX, U, X],
    [SIX, SIX, SIX, SIX, SIX, X],
    [U, SIX, U, SIX, U, X],
    [X, X, X, X, X, X],
];

impl Mode {
    /// Whether `asked` is granted to one transaction while another holds `self`.
    pub fn admits(self, asked: Mode) -> bool {
        COMPATIBLE[self as usize][asked as usize]
    }

    /// Whether two requests must keep their order: granted the wrong way round, one would refuse the other.
    pub fn conflicts(self, other: Mode) -> bool {
        !(self.admits(other) && other.admits(self))
    }

    /// The least mode with the rights of both.
    #[must_use]
    pub fn supremum(self, other: Mode) -> Mode {
        SUPREMUM[self as usize][other as usize]
    }

    /// Whether `self` has all rights of `other`, at the same target.
    pub fn includes(self, other: Mode) -> bool {
        self.supremum(other) == self
    }

    /// What must be held on the targets above. U announces a write: its upgrade shall not wait higher up.
    #[must_use]
    pub fn intention(self) -> Mode {
        match self {
            IS | S => IS,
            IX | SIX | U | X => IX,
        }
    }

    /// Whether `self` on a target gives `asked` on all that is below it.
    pub fn covers_below(self, asked: Mode) -> bool {
        match self {
            X => true,
            S | SIX | U => matches!(asked, IS | S),
            IS | IX => false,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            IS => "IS",
            IX => "IX",
            S => "S",
            SIX => "SIX",
            U => "U",
            X => "X",
        })
    }
}
