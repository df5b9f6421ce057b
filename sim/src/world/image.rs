//! The bytes of one file, as sparse pages, so that a file of a tebibyte costs what is written into it.
//!
//! 1. A page that is not there reads as zeros; a page of zeros is not kept.
//! 2. No byte at or behind `len` is other than zero.
//! 3. Pages are shared between images and copied when written.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Bytes in a page.
pub(crate) const PAGE: u64 = 4096;
/// Bytes in a sector, the unit that a power loss keeps or loses.
pub(crate) const SECTOR: u64 = 512;

type Page = [u8; PAGE as usize];
/// The bytes of one sector.
pub(crate) type Sector = [u8; SECTOR as usize];

/// A file's content and length.
#[derive(Clone, Default)]
pub(crate) struct Image {
    pages: BTreeMap<u64, Arc<Page>>,
    len: u64,
}

impl Image {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `buf` from `offset`; what lies behind the end reads as zeros.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) {
        let mut done = 0;
        while done < buf.len() {
            let (page, within, take) = place(offset + done as u64, buf.len() - done);
            match self.pages.get(&page) {
                Some(bytes) => buf[done..done + take].copy_from_slice(&bytes[within..within + take]),
                None => buf[done..done + take].fill(0),
            }
            done += take;
        }
    }

    /// Puts `data` at `offset`, growing the file if need be.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) {
        self.put(offset, data);
        self.len = self.len.max(offset + data.len() as u64);
    }

    /// Puts zeros into the range, growing the file if need be.
    pub(crate) fn write_zeros(&mut self, range: Range<u64>) {
        self.clear(range.clone());
        self.len = self.len.max(range.end);
    }

    /// Puts zeros into the range without changing the length.
    pub(crate) fn clear(&mut self, range: Range<u64>) {
        let first_whole = range.start.div_ceil(PAGE);
        let end_whole = range.end / PAGE;
        if first_whole < end_whole {
            let dead: Vec<u64> = self.pages.range(first_whole..end_whole).map(|(&page, _)| page).collect();
            for page in dead {
                self.pages.remove(&page);
            }
        }
        for page in [range.start / PAGE, end_whole] {
            let from = range.start.max(page * PAGE);
            let to = range.end.min((page + 1) * PAGE);
            let whole = (first_whole..end_whole).contains(&page);
            if from < to && !whole && self.pages.contains_key(&page) {
                self.put(from, &vec![0; (to - from) as usize]);
            }
        }
    }

    /// Cuts the file, or grows it with zeros.
    pub(crate) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.clear(len..self.len.next_multiple_of(PAGE));
        }
        self.len = len;
    }

    /// Takes over the length and the pages `range` of `other`.
    pub(crate) fn adopt(&mut self, other: &Image, range: Range<u64>) {
        let dead: Vec<u64> = self.pages.range(range.clone()).map(|(&page, _)| page).collect();
        for page in dead {
            self.pages.remove(&page);
        }
        for (&page, bytes) in other.pages.range(range) {
            self.pages.insert(page, Arc::clone(bytes));
        }
        self.len = other.len;
    }

    /// Sets the length and forgets every page, and part of a page, behind it, wherever it came from.
    pub(crate) fn clear_behind(&mut self, len: u64) {
        self.clear(len..1 << 63);
        self.len = len;
    }

    /// Replaces a sector without changing the length; the caller cuts what lies behind the end.
    pub(crate) fn set_sector(&mut self, index: u64, bytes: &Sector) {
        self.put(index * SECTOR, bytes);
    }

    /// The sectors at or behind byte `from` that hold anything.
    pub(crate) fn sectors_from(&self, from: u64) -> Vec<u64> {
        let per_page = PAGE / SECTOR;
        self.pages
            .range(from / PAGE..)
            .flat_map(|(&page, _)| page * per_page..(page + 1) * per_page)
            .filter(|&sector| (sector + 1) * SECTOR > from)
            .collect()
    }

    /// Up to `limit` of the pages, for the pool of stale bytes.
    pub(crate) fn some_pages(&self, limit: usize) -> impl Iterator<Item = Arc<Page>> {
        self.pages.values().take(limit).cloned()
    }

    /// Takes these sectors from `other`, without changing the length.
    pub(crate) fn take_sectors(&mut self, other: &Image, sectors: Range<u64>) {
        let mut bytes = vec![0; ((sectors.end - sectors.start) * SECTOR) as usize];
        other.read(sectors.start * SECTOR, &mut bytes);
        self.put(sectors.start * SECTOR, &bytes);
    }

    /// Replaces bytes without changing the length; the caller cuts what lies behind the end.
    pub(crate) fn put(&mut self, offset: u64, data: &[u8]) {
        let mut done = 0;
        while done < data.len() {
            let (page, within, take) = place(offset + done as u64, data.len() - done);
            let part = &data[done..done + take];
            let zeros = part.iter().all(|&byte| byte == 0);
            if zeros && (take == PAGE as usize || !self.pages.contains_key(&page)) {
                self.pages.remove(&page);
            } else {
                let slot = self.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE as usize]));
                Arc::make_mut(slot)[within..within + take].copy_from_slice(part);
            }
            done += take;
        }
    }
}

/// The page of `offset`, the place inside it, and how many of `want` bytes fit.
fn place(offset: u64, want: usize) -> (u64, usize, usize) {
    let within = (offset % PAGE) as usize;
    (offset / PAGE, within, want.min(PAGE as usize - within))
}
