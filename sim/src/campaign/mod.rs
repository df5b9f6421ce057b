//! Many seeds over a long time: what was done is kept, what was found is told with all that it takes to see it again.
//!
//! ```text
//!   corpus ──► logs of runs that are worth repeating come first
//!   slices ──► [`runner::Campaign`](crate::runner::Campaign), some hundred seeds at a time ──► state, on disk after each
//!   finding ─► a sentence, a command, and its log for the corpus
//!   report ──► for programs (JSON) and for people (one page of HTML)
//! ```

mod corpus;
mod curve;
mod drive;
mod finding;
mod html;
mod page;
mod report;
mod state;

pub use corpus::{Fate, Played, default_dir, logs_in, play, refresh};
pub use drive::{Conditions, Heard, drive, play_corpus};
pub use finding::Found;
pub use page::page;
pub use report::to_json;
pub use state::{HISTORIES_PER_UNDECIDED, Request, State};

/// Which build of the program this is: its version, and the commit if the build was told in `NUMSTORE_BUILD`.
pub fn build() -> String {
    let version = env!("CARGO_PKG_VERSION");
    option_env!("NUMSTORE_BUILD").map_or(version.to_owned(), |commit| format!("{version} ({commit})"))
}

/// The bug that is planted in this process, if one is.
pub fn planted() -> Option<&'static str> {
    let is_on = |at: &usize| cfg!(feature = "mutants") && numstore::hooks::is_selected(*at);
    (0..numstore::hooks::MUTANTS.len()).find(is_on).map(|at| numstore::hooks::MUTANTS[at].name)
}
