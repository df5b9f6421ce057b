//! Runs of free blocks as values of a map: 8 bytes each, summarised by the longest.

use crate::format::wire::{Reader, WireError};
use crate::map::{MapSummary, MapValue};

/// How many blocks a run has, never 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunLength(pub u64);

/// The length of the longest of some runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunSummary {
    /// In blocks.
    pub longest: u64,
}

impl MapValue for RunLength {
    type Summary = RunSummary;
    const MAX_BYTES: usize = 8;
    fn encoded_bytes(&self) -> usize {
        8
    }
    fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }
    fn decode(from: &mut Reader<'_>) -> Result<RunLength, WireError> {
        match from.u64()? {
            0 => Err(WireError("a run of free blocks is empty")),
            blocks => Ok(RunLength(blocks)),
        }
    }
    fn check(from: &mut Reader<'_>) -> Result<usize, WireError> {
        RunLength::decode(from).map(|run| run.encoded_bytes())
    }
    fn summary(&self) -> RunSummary {
        RunSummary { longest: self.0 }
    }
}

impl MapSummary for RunSummary {
    const BYTES: usize = 8;
    fn combine(self, other: RunSummary) -> RunSummary {
        RunSummary { longest: self.longest.max(other.longest) }
    }
    fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.longest.to_le_bytes());
    }
    fn decode(from: &mut Reader<'_>) -> Result<RunSummary, WireError> {
        Ok(RunSummary { longest: from.u64()? })
    }
}
