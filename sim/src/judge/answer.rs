//! Every answer of the engine is the model's.

use std::fmt::Debug;

use numstore::{Error, ErrorCode};

use crate::model::{Answer, Expected};

use super::Finding;

/// Whether what came back is what the model expects; of an error its code.
pub(super) fn agrees(got: Result<&Answer, ErrorCode>, expected: &Expected) -> bool {
    match (got, expected) {
        (Ok(got), Ok(expected)) => got == expected,
        (Err(got), Err(codes)) => codes.contains(&got),
        _ => false,
    }
}

/// Compares an answer with the model's; `asked` says what was asked.
///
/// # Errors
/// What is wrong with it.
pub fn check_answer(
    asked: &impl Debug,
    got: &Result<Answer, Error>,
    expected: &Expected,
) -> Result<(), Finding> {
    if agrees(got.as_ref().map_err(Error::code), expected) {
        return Ok(());
    }
    let what = match (got, expected) {
        (Ok(Answer::Bytes(got)), Ok(Answer::Bytes(expected))) => {
            let at = got.0.iter().zip(&expected.0).position(|(a, b)| a != b);
            let at = at.unwrap_or(got.0.len().min(expected.0.len()));
            format!("{asked:?} answered {got:?} instead of {expected:?}, different from byte {at} on")
        }
        (Ok(got), Ok(expected)) => format!("{asked:?} answered {got:?} instead of {expected:?}"),
        (Err(got), Ok(_)) => format!("{asked:?} was refused: {got}"),
        (Ok(got), Err(codes)) => format!("{asked:?} answered {got:?} instead of an error {codes:?}"),
        (Err(got), Err(codes)) => {
            format!("{asked:?} failed with {:?} ({got}) instead of {codes:?}", got.code())
        }
    };
    Err(Finding::new("answer", what))
}

/// Judges the error of a call that commits nothing: nothing of it can be in doubt.
///
/// # Errors
/// If something is.
pub fn check_doubt(asked: &impl Debug, error: &Error) -> Result<(), Finding> {
    match error.code() {
        ErrorCode::InDoubt => {
            Err(Finding::new("answer", format!("what commits nothing is in doubt: {asked:?}: {error}")))
        }
        _ => Ok(()),
    }
}
