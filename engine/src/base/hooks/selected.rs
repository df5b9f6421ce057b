//! Which planted bug is on: one in the whole process, or none.

#[cfg(feature = "mutants")]
mod chosen {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::base::hooks::MUTANTS;

    /// Nothing was selected yet: the environment may say what.
    const ASK: usize = usize::MAX;
    const NONE: usize = usize::MAX - 1;

    static CHOSEN: AtomicUsize = AtomicUsize::new(ASK);

    pub(super) fn get() -> usize {
        match CHOSEN.load(Ordering::Relaxed) {
            ASK => {
                let name = std::env::var("NUMSTORE_MUTANT").unwrap_or_default();
                set(MUTANTS.iter().position(|mutant| mutant.name == name));
                CHOSEN.load(Ordering::Relaxed)
            }
            chosen => chosen,
        }
    }

    pub(super) fn set(mutant: Option<usize>) {
        CHOSEN.store(mutant.unwrap_or(NONE), Ordering::Relaxed);
    }
}

#[cfg(not(feature = "mutants"))]
mod chosen {
    pub(super) fn get() -> usize {
        usize::MAX
    }

    pub(super) fn set(_: Option<usize>) {}
}

/// Whether this bug is the selected one. Tests of other packages select by the variable `NUMSTORE_MUTANT`.
#[inline]
pub fn is_selected(mutant: usize) -> bool {
    chosen::get() == mutant
}

/// Plants one bug, and none other, from now on.
pub fn select(mutant: Option<usize>) {
    chosen::set(mutant);
}
