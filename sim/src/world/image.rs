//! The bytes of one file, as sparse pages, so that a file of a tebibyte costs what is written into it.
//!
//! 1. A page that is not there reads as zeros; a page of zeros is not kept.
//! 2. No byte at or behind `len` is other than zero.
//! 3. Pages are shared between images and copied when written.
//! 4. Where something was laid out, a page that is not there reads as that says, until it is written or cleared.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::trace::Trace;

/// Bytes in a page.
pub(crate) const PAGE: u64 = 4096;
/// Bytes in a sector, the unit that a power loss keeps or loses.
pub(crate) const SECTOR: u64 = 512;

pub(crate) type Page = [u8; PAGE as usize];
/// The bytes of one sector.
pub(crate) type Sector = [u8; SECTOR as usize];

/// Pages that are worked out when somebody reads them.
pub(crate) trait Layout: Send + Sync {
    /// The bytes of a page.
    fn page(&self, page: u64) -> Page;
}

/// A layout, and the pages for which it still holds.
type Laid = (Range<u64>, Arc<dyn Layout>);

/// A file's content and length.
#[derive(Clone, Default)]
pub(crate) struct Image {
    pages: BTreeMap<u64, Arc<Page>>,
    laid: Vec<Laid>,
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
                None => match self.laid_out(page) {
                    Some(bytes) => buf[done..done + take].copy_from_slice(&bytes[within..within + take]),
                    None => buf[done..done + take].fill(0),
                },
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
            self.laid = cut_out(&self.laid, &(first_whole..end_whole));
            let dead: Vec<u64> = self.pages.range(first_whole..end_whole).map(|(&page, _)| page).collect();
            for page in dead {
                self.pages.remove(&page);
            }
        }
        for page in [range.start / PAGE, end_whole] {
            let from = range.start.max(page * PAGE);
            let to = range.end.min((page + 1) * PAGE);
            let whole = (first_whole..end_whole).contains(&page);
            if from < to && !whole && (self.pages.contains_key(&page) || self.laid_out(page).is_some()) {
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
        for (&page, bytes) in other.pages.range(range.clone()) {
            self.pages.insert(page, Arc::clone(bytes));
        }
        if !(self.laid.is_empty() && other.laid.is_empty()) {
            self.laid = cut_out(&self.laid, &range);
            let taken = other.laid.iter().map(|(pages, layout)| (meet(pages, &range), Arc::clone(layout)));
            self.laid.extend(taken.filter(|(pages, _)| !pages.is_empty()));
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

    /// Puts a layout under these pages, and grows the file to their end. Nothing else is there.
    pub(crate) fn lay_out(&mut self, pages: Range<u64>, layout: Arc<dyn Layout>) {
        self.clear(pages.start * PAGE..pages.end * PAGE);
        self.len = self.len.max(pages.end * PAGE);
        self.laid.push((pages, layout));
    }

    /// Adds the whole content to a hash. What was laid out counts as not there.
    pub(crate) fn trace(&self, trace: &mut Trace) {
        trace.word(self.len);
        for (page, bytes) in &self.pages {
            trace.word(*page);
            trace.bytes(&bytes[..]);
        }
    }

    fn is_laid(&self, page: u64) -> bool {
        self.laid.iter().any(|(pages, _)| pages.contains(&page))
    }

    fn laid_out(&self, page: u64) -> Option<Page> {
        let laid = self.laid.iter().find(|(pages, _)| pages.contains(&page));
        laid.map(|(_, layout)| layout.page(page))
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
            let laid = if self.pages.contains_key(&page) { None } else { self.laid_out(page) };
            let zeros = laid.is_none() && part.iter().all(|&byte| byte == 0) && !self.is_laid(page);
            if zeros && (take == PAGE as usize || !self.pages.contains_key(&page)) {
                self.pages.remove(&page);
            } else {
                let slot =
                    self.pages.entry(page).or_insert_with(|| Arc::new(laid.unwrap_or([0; PAGE as usize])));
                Arc::make_mut(slot)[within..within + take].copy_from_slice(part);
            }
            done += take;
        }
    }
}

/// What is left of layouts without these pages.
fn cut_out(laid: &[Laid], gone: &Range<u64>) -> Vec<Laid> {
    let left = |(pages, layout): &Laid| {
        let before = pages.start..pages.end.min(gone.start);
        let behind = pages.start.max(gone.end)..pages.end;
        [before, behind].map(|pages| (pages, Arc::clone(layout)))
    };
    laid.iter().flat_map(left).filter(|(pages, _)| !pages.is_empty()).collect()
}

fn meet(a: &Range<u64>, b: &Range<u64>) -> Range<u64> {
    a.start.max(b.start)..a.end.min(b.end)
}

/// The page of `offset`, the place inside it, and how many of `want` bytes fit.
fn place(offset: u64, want: usize) -> (u64, usize, usize) {
    let within = (offset % PAGE) as usize;
    (offset / PAGE, within, want.min(PAGE as usize - within))
}
