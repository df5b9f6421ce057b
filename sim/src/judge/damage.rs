//! A disk that damages what it holds: bits rot, writes land elsewhere, syncs lie. Damage is repaired or reported, and
//! what is answered all the same is right.
//!
//! 1. Who reads everything is shown one of the states that may be there, with gaps where an error says `Corruption`.
//! 2. After a betrayal the database may also be refused as a whole: its log is gone, or its superblocks are.
//! 3. What can be read to its end and has a clean audit is whole, and is relied on from then on.

use numstore::Error;

use crate::model::Streams;

use super::Finding;

/// What came of reading everything that a damaged database shows.
#[derive(Debug)]
pub struct Salvage {
    /// What the list of streams answered.
    pub list: Result<(), Error>,
    /// What each stream answered that it listed, or that is in one of the states.
    pub streams: Vec<(String, Result<Vec<u8>, Error>)>,
}

impl Salvage {
    /// Whether everything answered. That a stream is not there is an answer.
    pub fn is_complete(&self) -> bool {
        let answers = |got: &Result<Vec<u8>, Error>| matches!(got, Ok(_) | Err(Error::NoSuchStream { .. }));
        self.list.is_ok() && self.streams.iter().all(|(_, got)| answers(got))
    }
}

/// What came of opening a database whose disk has betrayed it.
#[derive(Debug)]
pub enum Betrayed {
    /// It was not opened.
    Refused(Error),
    /// It was, and read.
    Open {
        /// What was read.
        salvage: Salvage,
        /// If all of it could be: whether an audit is clean.
        audit: Option<Result<bool, Error>>,
    },
}

/// Judges what can be read of a damaged database that was in one of `states`.
///
/// # Errors
/// What is answered wrongly, or an error that is none for damage.
pub fn check_salvage(salvage: &Salvage, states: &[Streams]) -> Result<(), Finding> {
    if let Err(e) = &salvage.list {
        check_detected(e)?;
    }
    let mut fitting: Vec<&Streams> = states.iter().collect();
    for (name, got) in &salvage.streams {
        match got {
            Ok(read) => fitting.retain(|state| state.get(name).is_some_and(|bytes| **bytes == *read)),
            Err(Error::NoSuchStream { .. }) => fitting.retain(|state| !state.contains_key(name)),
            Err(e) => check_detected(e)?,
        }
        if fitting.is_empty() {
            return Err(Finding::new("rot", format!("stream {name:?} is read wrongly")));
        }
    }
    Ok(())
}

/// Judges an opening after a betrayal, of a database that may be in any of `states`. Whether it is whole.
///
/// # Errors
/// As [`check_salvage`].
pub fn check_betrayal(betrayed: &Betrayed, states: &[Streams]) -> Result<bool, Finding> {
    match betrayed {
        Betrayed::Refused(Error::LogMissing { .. } | Error::NotADatabase { .. }) => Ok(false),
        Betrayed::Refused(e) => check_detected(e).map(|()| false),
        Betrayed::Open { salvage, audit } => {
            check_salvage(salvage, states)?;
            match audit {
                None => Ok(false),
                Some(Ok(is_clean)) => Ok(*is_clean),
                Some(Err(e)) => check_detected(e).map(|()| false),
            }
        }
    }
}

/// Judges the error that damage is answered with.
///
/// # Errors
/// If it is another one than that for damage.
pub fn check_detected(e: &Error) -> Result<(), Finding> {
    match e {
        Error::Corruption { .. } => Ok(()),
        other => Err(Finding::new("rot", format!("damage is answered with {other}"))),
    }
}
