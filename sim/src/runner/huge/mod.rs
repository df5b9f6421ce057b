//! Streams of up to a tebibyte under crashes, on a machine of their own.
//!
//! 1. What they begin with is forged: leaves full of one byte that nobody wrote. All edits are real, and far apart.
//! 2. After each crash the state is one of the commit order, with all that was acknowledged. Nobody reads all of it: what
//!    differs among the candidates is compared, with what is around it, and samples of what nobody has touched.
//! 3. Everything follows from the act's numbers, so that a log needs no choices for it; or it is written out step by step.
//!
//! - `machine`: the machine, its database, and each step on it
//! - `drawn`: which steps a seed leads to
//! - `steps`: steps as words; `edits`: what is done to a stream
//! - `state`: what the streams should hold; `looks`: where that is compared with what they hold

mod drawn;
mod edits;
mod looks;
mod machine;
mod state;
mod steps;

#[cfg(test)]
mod tests;

use numstore::hooks::install;

use crate::judge::Finding;
use crate::world::Without;

use super::stage::{Done, Stage};
use machine::HugeMachine;
use steps::RecordedStep;

/// The streams, and what their leaves are full of.
const STREAMS: [(&str, u8); 2] = [("zeros", 0), ("ones", 1)];

impl Stage {
    /// Streams of so many leaves, on another machine, with about so many operations.
    pub(super) fn huge(&mut self, seed: u64, leaves_log2: u64, operations: u64) -> Result<Done, Finding> {
        self.on_another_machine(leaves_log2, move |machine| machine.run(seed, operations), seed)
    }

    /// The same with steps that are written out.
    pub(super) fn huge_steps(&mut self, leaves_log2: u64, steps: &str) -> Result<Done, Finding> {
        let steps: Result<Vec<RecordedStep>, String> = steps.split(';').map(str::parse).collect();
        let Ok(steps) = steps else { return Ok(Done::Skipped) };
        self.on_another_machine(leaves_log2, move |machine| machine.follow(&steps), 0)
    }

    fn on_another_machine(
        &mut self,
        leaves_log2: u64,
        run: impl FnOnce(&mut HugeMachine) -> Result<String, Finding> + Send + 'static,
        seed: u64,
    ) -> Result<Done, Finding> {
        if std::mem::replace(&mut self.huge_is_done, true) {
            return Ok(Done::Skipped);
        }
        let markers = install(None);
        let (mine, without) = (markers.clone(), self.world.switched_off());
        // A machine has its thread to itself.
        let run = move || {
            install(mine);
            let mut machine = HugeMachine::new(seed, without, leaves_log2);
            let ended = run(&mut machine);
            let sum = machine.end();
            install(None);
            ended.map(|summary| format!("  {summary}, trace {sum:016x}"))
        };
        let ended = std::thread::spawn(run).join();
        install(markers);
        match ended {
            Ok(summary) => self.world.note(&summary?),
            Err(_) => return Err(Finding::new("panic", "with streams of a gigabyte and more")),
        }
        Ok(Done::Performed)
    }
}

/// What `huge SEED LEAVES_LOG2 OPERATIONS` does, step by step.
pub(crate) fn huge_steps(seed: u64, leaves_log2: u64, operations: u64, without: Without) -> Vec<String> {
    let run = move || {
        let mut machine = HugeMachine::new(seed, without, leaves_log2);
        // What it finds is found again by who follows the steps.
        let _ = machine.run(seed, operations);
        let words = machine.recorded.iter().map(RecordedStep::to_string).collect();
        machine.end();
        words
    };
    std::thread::spawn(run).join().unwrap_or_default()
}
