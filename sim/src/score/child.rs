//! One hunt, from inside its process: runs seeds until one is found wrong, and says so on the standard output.
//!
//! A line `seed N` before each seed, so that whoever reads along knows where an abort came from; then `killed`, with
//! the seed, the judge and what it said, or `survived`.

use std::io::Write;
use std::ops::Range;
use std::process::exit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use numstore::hooks::{MUTANTS, select};

use crate::runner::run_seed_without;
use crate::world::Without;

/// A seed that takes longer than this hangs.
const SEED_MAX: Duration = Duration::from_secs(30);

/// Runs `seeds` with the bug called `mutant`, and ends the process.
pub fn hunt(mutant: &str, seeds: Range<u64>, without: Without) -> ! {
    let Some(number) = MUTANTS.iter().position(|known| known.name == mutant) else {
        eprintln!("no bug is called {mutant:?}");
        exit(2)
    };
    select(Some(number));
    watch();
    for seed in seeds {
        BEGAN.store(seed, Ordering::Relaxed);
        say(&format!("seed {seed}"));
        if let Some(finding) = run_seed_without(seed, without, None).finding {
            say(&format!("killed\t{seed}\t{}\t{}", finding.judge, finding.what.replace(['\t', '\n'], " ")));
            exit(1);
        }
    }
    say("survived");
    exit(0)
}

/// The seed that runs.
static BEGAN: AtomicU64 = AtomicU64::new(u64::MAX);

/// Ends the process when a seed takes too long: a bug may loop without any I/O.
fn watch() {
    std::thread::spawn(|| {
        let mut last = (u64::MAX, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let seed = BEGAN.load(Ordering::Relaxed);
            if seed != last.0 {
                last = (seed, Instant::now());
            } else if last.1.elapsed() > SEED_MAX && seed != u64::MAX {
                say(&format!("killed\t{seed}\thang\tthe seed has not ended after {} s", SEED_MAX.as_secs()));
                exit(1);
            }
        }
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
