//! Whether writing is still allowed: known to whoever has the core's latch, and seen by others.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::env::{AtomicWord, Platform};

/// Why nothing may be written any more, if so.
pub struct Health<P: Platform> {
    cause: Option<String>,
    sign: Arc<Sign<P>>,
}

/// Up when a database is poisoned, for good; seen without a latch.
pub struct Sign<P: Platform> {
    word: P::AtomicU32,
}

impl<P: Platform> Default for Health<P> {
    fn default() -> Health<P> {
        Health { cause: None, sign: Arc::new(Sign { word: P::AtomicU32::new(0) }) }
    }
}

impl<P: Platform> Health<P> {
    /// Allows no write from now on; the first cause stays.
    pub fn poison(&mut self, cause: impl FnOnce() -> String) {
        self.cause.get_or_insert_with(cause);
        self.sign.raise();
    }

    /// Why nothing may be written.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// That writing is allowed.
    ///
    /// # Errors
    /// [`Error::Poisoned`] otherwise.
    pub fn check(&self) -> Result<()> {
        self.cause.as_ref().map_or(Ok(()), |cause| Err(Error::Poisoned { cause: cause.clone() }))
    }

    /// What others may look at.
    pub fn sign(&self) -> Arc<Sign<P>> {
        Arc::clone(&self.sign)
    }
}

impl<P: Platform> Sign<P> {
    /// Something has failed of which whoever has the core's latch next will know.
    pub fn raise(&self) {
        self.word.store_release(1);
    }

    /// Whether something has failed. Who has to be sure asks under the latch.
    pub fn is_up(&self) -> bool {
        self.word.load_acquire() != 0
    }
}
