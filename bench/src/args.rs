//! The command line.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::Result;
use crate::context::Scale;
use crate::workloads::{ALL, Sizes, Workload};

const MIB: u64 = 1 << 20;

/// Measures NumStore, raw files and other engines in one run.
#[derive(Parser, Debug)]
#[command(version)]
pub struct Args {
    /// Which workloads; all of them if none is named.
    workload: Vec<String>,
    /// Lengths of the stream, such as 1MiB,64MiB,1GiB,16GiB; 64 MiB, and 1 GiB without --quick.
    #[arg(long, value_delimiter = ',', value_parser = parse_size)]
    size: Vec<u64>,
    /// Few rounds at 64 MiB, less than two minutes in all.
    #[arg(long)]
    quick: bool,
    /// How many rounds.
    #[arg(long)]
    rounds: Option<usize>,
    /// Writes all numbers to this file.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Writes a page with plots to this file.
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Where to measure; the folder for temporary files if not said.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Compares the ratios with those in this file.
    #[arg(long)]
    pub recorded: Option<PathBuf>,
    /// Writes the ratios to the file of --recorded.
    #[arg(long, requires = "recorded")]
    pub record: bool,
}

impl Args {
    /// The workloads that were asked for, in the order in which they run.
    pub fn workloads(&self) -> Result<Vec<&'static Workload>> {
        static KNOWN: [Workload; ALL.len()] = ALL;
        if let Some(unknown) =
            self.workload.iter().find(|name| KNOWN.iter().all(|known| known.name != **name))
        {
            let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
            return Err(format!("there is no workload '{unknown}'; there are: {}", names.join(" ")).into());
        }
        let is_wanted =
            |known: &&Workload| self.workload.is_empty() || self.workload.iter().any(|n| n == known.name);
        Ok(KNOWN.iter().filter(is_wanted).collect())
    }

    /// At which sizes a workload is to run.
    pub fn sizes(&self, workload: &Workload) -> Vec<u64> {
        let defaults = if self.quick { vec![64 * MIB] } else { vec![64 * MIB, 1024 * MIB] };
        match workload.sizes {
            Sizes::Own(size) => vec![size],
            _ if !self.size.is_empty() => self.size.clone(),
            Sizes::Each => defaults,
            Sizes::FromSmall => [vec![MIB], defaults].concat(),
        }
    }

    /// How much is done in a round, and how many there are.
    pub fn scale(&self) -> Scale {
        let scale = if self.quick { Scale::quick() } else { Scale::full() };
        Scale { rounds: self.rounds.unwrap_or(scale.rounds).max(1), ..scale }
    }

    /// Where to measure.
    pub fn dir(&self) -> PathBuf {
        self.dir.as_deref().map_or_else(std::env::temp_dir, Path::to_owned)
    }
}

/// `64MiB`: a number and a power of 1,024, of at least 64 KiB.
fn parse_size(text: &str) -> std::result::Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let parsed = units.iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(1 << shift)
    });
    parsed.filter(|size| *size >= 64 << 10).ok_or_else(|| format!("'{text}' is no size such as 64MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::try_parse_from(std::iter::once("bench").chain(line.split_whitespace())).unwrap()
    }

    #[test]
    fn sizes_are_lists_of_powers() {
        assert_eq!(args("--size 1MiB,16GiB").size, [MIB, 16 << 30]);
        for wrong in ["1", "1MB", "xMiB", "1KiB", "99999999999999GiB"] {
            parse_size(wrong).unwrap_err();
        }
    }

    #[test]
    fn workloads_are_taken_by_name() {
        let named = args("space scan --quick");
        let names: Vec<&str> = named.workloads().unwrap().iter().map(|workload| workload.name).collect();
        assert_eq!(names, ["scan", "space"]);
        assert_eq!(args("").workloads().unwrap().len(), ALL.len());
        assert!(args("nothing").workloads().is_err());
    }

    #[test]
    fn quick_is_one_size_unless_others_are_named() {
        let scan = ALL.iter().find(|workload| workload.name == "scan").unwrap();
        assert_eq!(args("--quick").sizes(scan), [64 * MIB]);
        assert_eq!(args("").sizes(scan), [64 * MIB, 1024 * MIB]);
        assert_eq!(args("--quick --size 1MiB").sizes(scan), [MIB]);
        assert_eq!(args("--rounds 9").scale().rounds, 9);
    }
}
