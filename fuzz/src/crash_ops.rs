//! Operations, faults, crashes and rot: the bytes are a record of a run, and the run is judged as any other.

use sim::runner::{Conduct, Fidelity, conduct_log};
use sim::script::Log;

/// Runs whatever run `input` is a record of; what it does not say is benign.
///
/// # Panics
/// With what was found wrong.
pub fn crash_ops(input: &[u8]) {
    let log = Log::from_any_bytes(input);
    if let Some(finding) = conduct_log(&log, Fidelity::Lenient, Conduct::default()).finding {
        panic!("{finding}\n{log}");
    }
}
