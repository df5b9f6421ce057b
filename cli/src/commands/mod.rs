//! The commands, a file each or one for a few that are alike. All go through [`with_db`], but for `log`, `session` and
//! `tour`.

mod cat;
mod compact;
mod cut;
mod edit;
mod log;
mod names;
mod put;
mod stat;
mod verify;

use std::path::Path;

use numstore::{Database, Options};

use crate::args::Command;
use crate::failure::Result;
use crate::output::Output;
use crate::{session, tour};

/// Runs one command.
pub fn run(command: Command, output: &Output) -> Result {
    match command {
        Command::Create(args) => names::create(&args, output),
        Command::Ls(args) => names::ls(&args, output),
        Command::Mv(args) => names::mv(&args, output),
        Command::Drop(args) => names::drop(&args, output),
        Command::Put(args) => put::put(&args, output),
        Command::Cat(args) => cat::cat(&args, output),
        Command::Insert(args) => edit::insert(&args, output),
        Command::Write(args) => edit::write(&args, output),
        Command::Rm(args) => edit::rm(&args, output),
        Command::Truncate(args) => edit::truncate(&args, output),
        Command::Cut(args) => cut::cut(&args, output),
        Command::Stat(args) => stat::stat(&args, output),
        Command::Verify(args) => verify::verify(&args, output),
        Command::Compact(args) => compact::compact(&args, output),
        Command::Session(args) => session::run(&args, output),
        Command::Log(args) => log::log(&args, output),
        Command::Tour(args) => tour::run(&args, output),
        Command::TourWriter(args) => tour::run_writer(&args),
    }
}

/// Opens a database that must be there, runs `body`, and closes it. What `body` left uncommitted is rolled back.
fn with_db<T>(path: &Path, body: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
    let db = Options::new().create(false).open(path)?;
    let result = body(&db);
    let closed = db.close();
    let result = result?;
    closed?;
    Ok(result)
}
