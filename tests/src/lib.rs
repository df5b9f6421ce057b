//! What the modules of the integration test and the measurements share: option sets, a simulated machine, the real one
//! with hooks on its disk, the editing traces, noise.
//!
//! Not here: anything that a single module needs; and the judges, which stand beside the tests that use them.

mod delegating;
mod failing;
mod forge;
mod group_commit;
mod history;
mod lab;
mod stress;
mod trace;

use std::path::PathBuf;

use numstore::Options;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use delegating::{Call, DelegatingDisk, DelegatingEnv, DelegatingFile, Hook};
pub use failing::{FailingEnv, Refusals, SPACE};
pub use forge::{Forge, Link, Run};
pub use group_commit::{GroupCommit, count_calls};
pub use history::{History, compensations};
pub use lab::{Crash, Image, Lab};
pub use stress::{Rounds, Stress};
pub use trace::{Patch, Trace};

/// The random numbers of a test: the same in every run.
pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// `len` bytes that look random and depend on `seed` alone.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng(seed).fill_bytes(&mut bytes);
    bytes
}

/// Options under which a few kilobytes make a tall tree and a few hundred edits fill several log segments.
pub fn small() -> Options {
    Options::new().leaf_bytes(256).fanout(4).bulk_bytes(8 << 10).log_segment_bytes(16 << 10)
}

/// Multiplies how many cases a property test runs; `NUMSTORE_TEST_FACTOR` is set by the nightly run.
pub fn cases(cases: u32) -> u32 {
    let factor = std::env::var("NUMSTORE_TEST_FACTOR").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    cases.saturating_mul(factor)
}

/// Whether the tests that mostly do not crash may crash; `NUMSTORE_TEST_CRASHES=none` says no.
pub fn may_crash() -> bool {
    std::env::var("NUMSTORE_TEST_CRASHES").map_or(true, |text| text != "none")
}

/// The root of the repository.
pub fn workspace_root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
