//! Where bytes come from: a file, standard input, or the command line itself; read in pieces.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::args::Source;
use crate::failure::{Failure, Result};

/// How much is read and handed to the engine at a time.
pub const PIECE_BYTES: usize = 8 << 20;

/// An opened source of bytes.
pub struct Input {
    from: Box<dyn Read>,
    name: PathBuf,
}

impl Input {
    /// Opens what the arguments name; `-` and nothing mean standard input.
    pub fn open(source: &Source) -> Result<Input> {
        if let Some(text) = &source.text {
            return Ok(Input { from: Box::new(io::Cursor::new(text.clone())), name: "--text".into() });
        }
        match source.file.as_deref() {
            None => Ok(Input { from: Box::new(io::stdin()), name: "standard input".into() }),
            Some(path) if path == Path::new("-") => {
                Ok(Input { from: Box::new(io::stdin()), name: "standard input".into() })
            }
            Some(path) => {
                let file = File::open(path).map_err(|e| Failure::file("open", path, e))?;
                Ok(Input { from: Box::new(file), name: path.to_owned() })
            }
        }
    }

    /// Hands the bytes to `take` in pieces of [`PIECE_BYTES`]; returns how many there were.
    pub fn for_each_piece(mut self, mut take: impl FnMut(u64, &[u8]) -> Result) -> Result<u64> {
        let mut total = 0;
        let mut piece = Vec::new();
        loop {
            piece.clear();
            let read = (&mut self.from).take(PIECE_BYTES as u64).read_to_end(&mut piece);
            read.map_err(|e| Failure::file("read", &self.name, e))?;
            if piece.is_empty() {
                return Ok(total);
            }
            take(total, &piece)?;
            total += piece.len() as u64;
        }
    }
}
