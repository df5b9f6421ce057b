//! Readers of durable versions: each sees one state of the commit order, and what it has seen must last.

use std::fmt::Debug;

use numstore::Error;

use crate::model::{Answer, History, Model, Step, Streams};

use super::answer::agrees;
use super::{Finding, describe_difference};

/// Which states a reader may be looking at; every answer narrows that down.
#[derive(Clone, Debug)]
pub struct Durable {
    candidates: Vec<usize>,
}

impl Durable {
    /// A reader that begins now.
    pub fn new(history: &History) -> Durable {
        Durable { candidates: history.candidates().collect() }
    }

    /// Takes an answer into account. What the reader was shown must last from now on.
    ///
    /// # Errors
    /// If no state that this reader may see gives that answer.
    pub fn check(
        &mut self,
        history: &mut History,
        asked: &impl Debug,
        step: &Step,
        got: &Result<Answer, Error>,
    ) -> Result<(), Finding> {
        let fits =
            |at: &usize| agrees(got.as_ref().map_err(Error::code), &Model::read(history.state(*at), step));
        let fitting: Vec<usize> = self.candidates.iter().copied().filter(fits).collect();
        let Some(&first) = fitting.first() else {
            let newest = Model::read(history.newest(), step);
            let states = self.candidates.len();
            let what = format!(
                "{asked:?} answered {got:?}, as none of the {states} states would that it may see; the newest: {newest:?}"
            );
            return Err(Finding::new("durable read", what));
        };
        self.candidates = fitting;
        history.shown(first);
        Ok(())
    }
}

/// Judges what a reader of durable versions and a transaction see where nobody else has anything open or deferred.
///
/// # Errors
/// If that is not the same.
pub fn check_views(durable: &Streams, current: &Streams) -> Result<(), Finding> {
    if durable == current {
        return Ok(());
    }
    let difference = describe_difference(durable, current);
    Err(Finding::new("reading", format!("a transaction does not see the durable version: {difference}")))
}
