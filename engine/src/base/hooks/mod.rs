//! Hooks for the simulator: points that a run should reach, and bugs that it must find.
//!
//! - `reached!` notes that a rare state came up. Without the feature `sim-hooks` it is nothing.
//! - `mutant!` is a planted bug: false, unless the feature `mutants` is on and the bug was selected.
//!
//! Both take a name out of one list, [`MARKERS`] or [`MUTANTS`]; one that is not in it does not compile.

mod collector;
mod markers;
mod mutants;
mod selected;

pub use collector::{CAPACITY, Collector, current, install, mark};
pub use markers::MARKERS;
pub use mutants::{MUTANTS, Mutant};
pub use selected::{is_selected, select};

/// Notes that the running history came by here, or came by and met the condition.
macro_rules! reached {
    ($name:literal) => {{
        const MARKER: usize = $crate::base::hooks::marker($name);
        $crate::base::hooks::mark(MARKER);
    }};
    ($name:literal, $condition:expr) => {
        if cfg!(feature = "sim-hooks") && $condition {
            reached!($name);
        }
    };
}

/// Whether the bug of this name is planted in this process.
macro_rules! mutant {
    ($name:literal) => {{
        const MUTANT: usize = $crate::base::hooks::mutant($name);
        cfg!(feature = "mutants") && $crate::base::hooks::is_selected(MUTANT)
    }};
}

/// The place of a marker in [`MARKERS`].
pub const fn marker(name: &str) -> usize {
    let mut at = 0;
    while at < MARKERS.len() {
        if is_same(MARKERS[at], name) {
            return at;
        }
        at += 1;
    }
    panic!("no marker has this name")
}

/// The place of a bug in [`MUTANTS`].
pub const fn mutant(name: &str) -> usize {
    let mut at = 0;
    while at < MUTANTS.len() {
        if is_same(MUTANTS[at].name, name) {
            return at;
        }
        at += 1;
    }
    panic!("no mutant has this name")
}

/// Whether two names are equal, for the compiler.
pub const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
