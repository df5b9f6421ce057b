//! What happens to huge streams, step by step, as words: `splice 0 5 0 7 100`, the index of the stream first, and what the
//! world chose in it, ` | disk 3 0`. So a test can say all of it.

use std::fmt;
use std::str::FromStr;

use crate::world::{Choices, Concern, Draw};

use super::edits::HugeEdit;

/// One thing that happens. What does not fit, since a crash has struck, is passed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum HugeStep {
    /// A crash strikes in an I/O call, after so many.
    Crash(u64),
    Checkpoint,
    /// A transaction for each stream.
    Begin,
    /// In the transaction of a stream, which has this number.
    Edit(usize, HugeEdit),
    Commit {
        stream: usize,
        sync: bool,
    },
    Rollback(usize),
    /// The process ends, and if it is no kill the power fails.
    Die {
        kill: bool,
    },
    /// An opening that a crash strikes after so many calls, if it makes so many.
    OpenStruck(u64),
    /// What is found is compared, at these places too.
    Open(Vec<u64>),
    /// A proper end, an opening, and the same.
    Close(Vec<u64>),
}

/// A step, and what the world chose in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RecordedStep {
    pub(super) step: HugeStep,
    pub(super) choices: Choices,
}

/// Concerns whose choices are recorded. Time is nothing to huge streams, and identities only have to differ.
const RECORDED: [Concern; 2] = [Concern::Disk, Concern::Faults];

fn numbers(numbers: &[u64]) -> String {
    numbers.iter().map(|number| format!(" {number}")).collect()
}

impl fmt::Display for HugeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HugeStep::Crash(after) => write!(f, "crash {after}"),
            HugeStep::Checkpoint => f.write_str("checkpoint"),
            HugeStep::Begin => f.write_str("begin"),
            HugeStep::Edit(stream, edit) => {
                let (word, list) = edit.to_words();
                write!(f, "{word} {stream}{}", numbers(&list))
            }
            HugeStep::Commit { stream, sync: true } => write!(f, "commit {stream}"),
            HugeStep::Commit { stream, sync: false } => write!(f, "commit-deferred {stream}"),
            HugeStep::Rollback(stream) => write!(f, "rollback {stream}"),
            HugeStep::Die { kill } => f.write_str(if *kill { "kill" } else { "power-loss" }),
            HugeStep::OpenStruck(after) => write!(f, "open-struck {after}"),
            HugeStep::Open(samples) => write!(f, "open{}", numbers(samples)),
            HugeStep::Close(samples) => write!(f, "close{}", numbers(samples)),
        }
    }
}

impl fmt::Display for RecordedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)?;
        for concern in RECORDED {
            if let Some(draws) = self.choices.get(&concern).filter(|draws| !draws.is_empty()) {
                let values: Vec<u64> = draws.iter().map(|draw| draw.value).collect();
                write!(f, " | {}{}", concern.word(), numbers(&values))?;
            }
        }
        Ok(())
    }
}

impl FromStr for HugeStep {
    type Err = String;

    fn from_str(text: &str) -> Result<HugeStep, String> {
        let mut words = text.split_whitespace();
        let word = words.next().unwrap_or_default();
        let list: Result<Vec<u64>, _> = words.map(str::parse).collect();
        let list = list.map_err(|e| format!("{text}: {e}"))?;
        let stream = |at: &u64| *at as usize % 2;
        Ok(match (word, &list[..]) {
            ("crash", [after]) => HugeStep::Crash(*after),
            ("checkpoint", []) => HugeStep::Checkpoint,
            ("begin", []) => HugeStep::Begin,
            ("commit", [at]) => HugeStep::Commit { stream: stream(at), sync: true },
            ("commit-deferred", [at]) => HugeStep::Commit { stream: stream(at), sync: false },
            ("rollback", [at]) => HugeStep::Rollback(stream(at)),
            ("kill", []) => HugeStep::Die { kill: true },
            ("power-loss", []) => HugeStep::Die { kill: false },
            ("open-struck", [after]) => HugeStep::OpenStruck(*after),
            ("open", samples) => HugeStep::Open(samples.to_vec()),
            ("close", samples) => HugeStep::Close(samples.to_vec()),
            (word, [at, rest @ ..]) => {
                let edit = HugeEdit::from_words(word, rest);
                HugeStep::Edit(stream(at), edit.ok_or_else(|| format!("{text} is no step"))?)
            }
            _ => return Err(format!("{text} is no step")),
        })
    }
}

impl FromStr for RecordedStep {
    type Err = String;

    fn from_str(text: &str) -> Result<RecordedStep, String> {
        let mut parts = text.split('|');
        let step = parts.next().unwrap_or_default().parse()?;
        let mut choices = Choices::new();
        for part in parts {
            let mut words = part.split_whitespace();
            let word = words.next().unwrap_or_default();
            let concern = RECORDED.into_iter().find(|concern| concern.word() == word);
            let concern = concern.ok_or_else(|| format!("nothing is chosen for {word}"))?;
            let draws: Result<Vec<Draw>, String> = words
                .map(|value| {
                    Ok(Draw { bound: 0, value: value.parse().map_err(|e| format!("{value}: {e}"))? })
                })
                .collect();
            choices.insert(concern, draws?);
        }
        Ok(RecordedStep { step, choices })
    }
}
