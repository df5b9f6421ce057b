//! Transfers where files have only a position: seek, then read or write, under a lock.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
#[expect(clippy::disallowed_types, reason = "below the latches of the engine")]
use std::sync::{Mutex, PoisonError};

use crate::env::disk::append_read;

/// Positioned transfers on a file.
#[derive(Debug)]
#[expect(clippy::disallowed_types, reason = "below the latches of the engine")]
pub(in crate::env::real) struct Transfers {
    file: File,
    /// Held from a seek to the end of its transfer. Guards nothing else, so poison is ignored.
    position: Mutex<()>,
}

#[expect(clippy::disallowed_types, reason = "below the latches of the engine")]
impl Transfers {
    pub(in crate::env::real) fn new(file: File) -> Transfers {
        Transfers { file, position: Mutex::new(()) }
    }

    pub(in crate::env::real) fn file(&self) -> &File {
        &self.file
    }

    fn at<T>(&self, offset: u64, transfer: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        let _position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        (&self.file).seek(SeekFrom::Start(offset))?;
        transfer(&self.file)
    }

    pub(in crate::env::real) fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.at(offset, |mut file| file.read(buf))
    }

    pub(in crate::env::real) fn read_more_at(
        &self,
        buf: &mut Vec<u8>,
        len: usize,
        offset: u64,
    ) -> io::Result<usize> {
        append_read(buf, len, |new| self.read_at(new, offset))
    }

    pub(in crate::env::real) fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.at(offset, |mut file| file.write(buf))
    }

    pub(in crate::env::real) fn read_vectored_at(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        offset: u64,
    ) -> io::Result<usize> {
        self.at(offset, |mut file| file.read_vectored(bufs))
    }

    pub(in crate::env::real) fn write_vectored_at(
        &self,
        bufs: &[IoSlice<'_>],
        offset: u64,
    ) -> io::Result<usize> {
        self.at(offset, |mut file| file.write_vectored(bufs))
    }
}

#[cfg(test)]
mod tests {
    use super::Transfers;

    #[test]
    fn transfers_land_where_they_should() {
        let file = Transfers::new(tempfile::tempfile().unwrap());
        std::thread::scope(|scope| {
            for n in 0..4u8 {
                let file = &file;
                scope.spawn(move || {
                    for round in 0..100 {
                        let offset = u64::from(n) + 4 * round;
                        assert_eq!(file.write_at(&[n], offset).unwrap(), 1);
                        let mut back = [9];
                        assert_eq!(file.read_at(&mut back, offset).unwrap(), 1);
                        assert_eq!(back, [n]);
                    }
                });
            }
        });
        assert_eq!(file.file().metadata().unwrap().len(), 400);
    }
}
