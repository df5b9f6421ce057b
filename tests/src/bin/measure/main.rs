//! Figures that the documentation states, measured in one run each: `cargo run --release -p tests --bin measure -- WHAT`.
//!
//! `commits`: commits of many threads, against a raw group commit of the same bytes.
//! `names`: opening one of many streams by name, against opening one of a thousand.
//! `fill`: how full leaves are after random and after sequential insertions.
//! `growth`: nodes and log bytes of a small insertion, by the length of the stream, up to 1 TiB.
//! `records`: log bytes of small insertions, and of removing 1 GiB, taking that back and committing it.
//! `stall`: the longest wait of a writer beside a checkpoint, against raw syncs beside as much writing.
//! `open`: what is read when a database is opened, by its length.

#![expect(clippy::print_stdout, reason = "figures are for people to read")]

mod commits;
mod disk;
mod fill;
mod growth;
mod names;
mod open;
mod records;
mod stall;

use numstore::Result;

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("commits") => commits::commits(),
        Some("names") => names::names(),
        Some("fill") => fill::fill(),
        Some("growth") => growth::growth(),
        Some("records") => records::records(),
        Some("stall") => stall::stall(),
        Some("open") => open::open(),
        _ => {
            eprintln!("measure commits | names | fill | growth | records | stall | open");
            std::process::exit(2);
        }
    }
}
