//! Panics inside a run are findings with a place, not text on the terminal.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::world::panic_text;

thread_local! {
    /// What the first panic of the current run said and where; nothing outside a run.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
    /// The seed of the current run.
    static SEED: Cell<u64> = const { Cell::new(0) };
}

/// Runs `body`, the run of `seed`.
///
/// A second panic, while the first one unwinds, aborts the process: then the seed is told here, or nobody knows it.
///
/// # Errors
/// What the first panic in it said, and where.
pub(super) fn catch<T>(seed: u64, body: impl FnOnce() -> T) -> Result<T, String> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let ours = CAUGHT.with(|caught| match &mut *caught.borrow_mut() {
                Some(first) => {
                    if first.is_empty() {
                        let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
                        *first = format!("{}{place}", panic_text(info.payload()));
                    } else {
                        let seed = SEED.with(Cell::get);
                        eprintln!("seed {seed} panics again after this panic: {first}");
                    }
                    true
                }
                None => false,
            });
            if !ours || std::env::var_os("RUST_BACKTRACE").is_some() {
                before(info);
            }
        }));
    });
    SEED.with(|current| current.set(seed));
    CAUGHT.with(|caught| *caught.borrow_mut() = Some(String::new()));
    let ended = catch_unwind(AssertUnwindSafe(body));
    let said = CAUGHT.with(|caught| caught.borrow_mut().take()).unwrap_or_default();
    ended.map_err(|_| said)
}
