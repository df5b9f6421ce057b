//! `numstore`: byte streams whose middle is as cheap as their end, from the shell.
//!
//! Here: parsing, dispatch and the exit code. Each command is a file in `commands`; the tour is in `tour`,
//! sessions in `session`.

mod args;
mod commands;
mod failure;
mod input;
mod output;
mod range;
mod session;
mod size;
mod tour;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    survive_file_size_limit();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let output = Output::new(args.json);
    match commands::run(args.command, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output.report(&failure),
    }
}

/// Makes a write beyond the limit on the length of files (`ulimit -f`) fail like any other, where the system would end
/// the process by SIGXFSZ.
#[cfg(unix)]
fn survive_file_size_limit() {
    let noticed = std::sync::Arc::default();
    // Where no handler can be had, the limit ends the process, which a database survives.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, noticed);
}

#[cfg(not(unix))]
fn survive_file_size_limit() {}

/// Answers a command line that does not parse; help and version are answered here too, and are no failure.
fn usage(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|arg| arg == "--json");
    if json && error.use_stderr() {
        let text = error.render().to_string();
        let text = text.trim_end().trim_start_matches("error: ").to_owned();
        return Output::new(true).report(&Failure::Usage(text));
    }
    // A reader that went away does not want to hear about it.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::EXIT_USAGE))
}
