//! A leaf in memory: a piece table.
//!
//! A small edit in a leaf of 64 KiB must not copy 64 KiB. What a leaf was when it was read stays as it is in its buffer; what
//! edits bring is appended to another one; and a list of pieces of the two says what the leaf is now. An edit costs two
//! pieces and a copy of its own bytes. A clone, which every version forces, costs a copy of the list, and the next edit
//! one of what was added. Leaves that are put together keep their buffers, up to [`BUFFERS`].
//!
//! When there are more than [`MAX_PIECES`], or more than [`MAX_ADDED_BYTES`] were added, all is copied into one buffer: a
//! memcpy every so many edits.

use std::sync::Arc;

use crate::cache::Home;

/// A leaf that gets more pieces is copied into one buffer.
const MAX_PIECES: usize = 128;
/// A leaf to which edits have added more bytes is copied into one buffer.
const MAX_ADDED_BYTES: usize = 16 << 10;
/// A leaf that would have pieces of more buffers is copied into one.
const BUFFERS: usize = 8;
/// A leaf that others were appended to is copied if its buffers have more than so many times its bytes.
const MOST_PINNED: usize = 3;
/// The last buffer is for what edits bring.
const ADDED: u8 = 7;
/// What is added gets so much room to grow, at least.
const ADDED_ROOM_BYTES: usize = 128;

/// The bytes of a leaf.
#[derive(Default, Debug)]
pub struct Leaf {
    /// Leaves that were one may share any of them, so only who has [`ADDED`] alone appends to it.
    buffers: [Option<Arc<Vec<u8>>>; BUFFERS],
    pieces: Vec<Piece>,
    len: usize,
    /// A piece before the last edit, for the next one is often near, and the bytes of all pieces in front of it: who changes
    /// one of these sets both to zero.
    near: (usize, usize),
    /// Where a checkpoint puts it.
    pub(super) home: Home,
}

/// A range of one of the buffers.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    len: u32,
    buffer: u8,
}

impl Piece {
    fn new(buffer: u8, start: usize, len: usize) -> Piece {
        let len = u32::try_from(len).expect("invariant: a node is small");
        Piece { start, len, buffer }
    }

    fn len(self) -> usize {
        self.len as usize
    }

    fn end(self) -> usize {
        self.start + self.len()
    }

    /// The first `len` bytes.
    fn head(self, len: usize) -> Piece {
        Piece::new(self.buffer, self.start, len)
    }

    /// What follows them.
    fn tail(self, len: usize) -> Piece {
        Piece::new(self.buffer, self.start + len, self.len() - len)
    }
}

/// A place in a leaf: in front of the byte `within` of the piece `at`, or behind the last piece.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    within: usize,
}

impl Clone for Leaf {
    fn clone(&self) -> Leaf {
        // Who clones is about to edit, which takes two pieces.
        let mut pieces = Vec::with_capacity(self.pieces.len() + 2);
        pieces.extend_from_slice(&self.pieces);
        Leaf {
            buffers: self.buffers.clone(),
            pieces,
            len: self.len,
            near: self.near,
            home: self.home.clone(),
        }
    }
}

impl Leaf {
    /// A leaf that holds `bytes`.
    pub fn new(bytes: Vec<u8>) -> Leaf {
        let len = bytes.len();
        Leaf::of_buffer(&Arc::new(bytes), 0, len)
    }

    /// A leaf that holds `len` bytes of a shared buffer.
    pub fn of_buffer(buffer: &Arc<Vec<u8>>, start: usize, len: usize) -> Leaf {
        let pieces = if len == 0 { vec![] } else { vec![Piece::new(0, start, len)] };
        let mut buffers: [Option<Arc<Vec<u8>>>; BUFFERS] = Default::default();
        buffers[0] = Some(Arc::clone(buffer));
        Leaf { buffers, pieces, len, near: (0, 0), home: Home::default() }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes, piece by piece.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| self.bytes_of(*piece))
    }

    /// All bytes in one vector.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len);
        self.chunks().for_each(|chunk| out.extend_from_slice(chunk));
        out
    }

    /// The same bytes in one piece, without a copy if they are alone in a buffer: one that they share would stay in memory
    /// with them.
    pub fn in_one_piece(&self) -> Leaf {
        match self.pieces[..] {
            [piece] if piece.len() == self.buffer(piece).len() => self.clone(),
            _ => Leaf::new(self.to_vec()),
        }
    }

    /// Calls `sink` with the bytes of `start..end`, in order, in as many slices as there are pieces.
    pub fn visit(&self, start: usize, end: usize, sink: &mut impl FnMut(&[u8])) {
        let mut at = 0;
        for chunk in self.chunks() {
            let (from, to) = (start.max(at), end.min(at + chunk.len()));
            if from < to {
                sink(&chunk[from - at..to - at]);
            }
            at += chunk.len();
            if at >= end {
                break;
            }
        }
    }

    /// Replaces `delete_len` bytes at `offset` by `insert`; returns what was there.
    pub fn splice(&mut self, offset: usize, delete_len: usize, insert: &[u8]) -> Vec<u8> {
        let from = self.seek(offset);
        let to = self.find(from, delete_len);
        let removed = self.copy_between(from, to, delete_len);
        self.len = self.len - delete_len + insert.len();
        if delete_len > 0 || !self.goes_on(from, insert) {
            self.replace(from, to, insert);
        }
        self.keep_short();
        removed
    }

    /// Cuts the leaf in two at `offset`; `self` keeps the left part.
    pub fn split_off(&mut self, offset: usize) -> Leaf {
        let Place { at, within } = self.find(Place { at: 0, within: 0 }, offset);
        let mut pieces = self.pieces[at..].to_vec();
        self.pieces.truncate(at);
        if within > 0 {
            self.pieces.push(pieces[0].head(within));
            pieces[0] = pieces[0].tail(within);
        }
        let len = self.len - offset;
        let mut right =
            Leaf { buffers: self.buffers.clone(), pieces, len, near: (0, 0), home: Home::default() };
        self.near = (0, 0);
        self.len = offset;
        self.forget_buffers();
        right.forget_buffers();
        right
    }

    /// Appends `other`.
    pub fn append(&mut self, other: &Leaf) {
        if let Some(places) = self.places_for(other) {
            let moved = |piece: &Piece| Piece { buffer: places[usize::from(piece.buffer)], ..*piece };
            self.pieces.extend(other.pieces.iter().map(moved));
            self.len += other.len;
            self.keep_short();
            if self.buffers.iter().flatten().map(|buffer| buffer.len()).sum::<usize>()
                > MOST_PINNED * self.len
            {
                *self = Leaf::new(self.to_vec());
            }
        } else {
            let bytes = self.chunks().chain(other.chunks()).collect::<Vec<_>>().concat();
            *self = Leaf::new(bytes);
        }
    }

    /// Takes the buffers of `other`; where each of them is now. `None` if there are too many, and nothing is done.
    fn places_for(&mut self, other: &Leaf) -> Option<[u8; BUFFERS]> {
        let (mut buffers, mut places) = (self.buffers.clone(), [0; BUFFERS]);
        for (buffer, place) in other.buffers.iter().zip(&mut places) {
            let Some(buffer) = buffer else { continue };
            let is_same =
                |own: &Option<Arc<Vec<u8>>>| own.as_ref().is_some_and(|own| Arc::ptr_eq(own, buffer));
            let has_place = |at: &u8| is_same(&buffers[usize::from(*at)]);
            let is_free = |at: &u8| buffers[usize::from(*at)].is_none();
            let at = (0..=ADDED).find(has_place).or_else(|| (0..ADDED).find(is_free))?;
            buffers[usize::from(at)] = Some(Arc::clone(buffer));
            *place = at;
        }
        self.buffers = buffers;
        Some(places)
    }

    /// Drops the buffers of which there is no piece.
    fn forget_buffers(&mut self) {
        for (at, buffer) in (0..=ADDED).zip(&mut self.buffers) {
            if !self.pieces.iter().any(|piece| piece.buffer == at) {
                *buffer = None;
            }
        }
    }

    fn buffer(&self, piece: Piece) -> &[u8] {
        self.buffers[usize::from(piece.buffer)].as_ref().expect("invariant: no buffer of a piece is dropped")
    }

    fn bytes_of(&self, piece: Piece) -> &[u8] {
        &self.buffer(piece)[piece.start..piece.end()]
    }

    /// The place in front of the byte at `offset`, where an edit follows.
    fn seek(&mut self, offset: usize) -> Place {
        let (at, start) = if offset < self.near.1 { (0, 0) } else { self.near };
        let place = self.find(Place { at, within: 0 }, offset - start);
        // The edit may change the piece in front of the place, and none before that.
        self.near = place
            .at
            .checked_sub(1)
            .map_or((0, 0), |before| (before, offset - place.within - self.pieces[before].len()));
        place
    }

    /// The `len` bytes between two places.
    fn copy_between(&self, from: Place, to: Place, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len);
        for (at, piece) in self.pieces.iter().enumerate().take(to.at + 1).skip(from.at) {
            let start = if at == from.at { from.within } else { 0 };
            let end = if at == to.at { to.within } else { piece.len() };
            out.extend_from_slice(&self.bytes_of(*piece)[start..end]);
        }
        out
    }

    /// The place `distance` bytes behind another.
    fn find(&self, from: Place, distance: usize) -> Place {
        let mut within = from.within + distance;
        for (at, piece) in self.pieces.iter().enumerate().skip(from.at) {
            if within < piece.len() {
                return Place { at, within };
            }
            within -= piece.len();
        }
        Place { at: self.pieces.len(), within: 0 }
    }

    /// Puts a piece that holds `insert` in the place of what lies between `from` and `to`.
    fn replace(&mut self, from: Place, to: Place, insert: &[u8]) {
        let nothing = Piece::new(ADDED, 0, 0);
        let (mut new, mut count) = ([nothing; 3], 0);
        let mut keep = |piece: Piece| {
            new[count] = piece;
            count += 1;
        };
        if from.within > 0 {
            keep(self.pieces[from.at].head(from.within));
        }
        let kept_tail = (to.within > 0).then(|| self.pieces[to.at].tail(to.within));
        if !insert.is_empty() {
            keep(Piece::new(ADDED, self.add(insert), insert.len()));
        }
        kept_tail.map(&mut keep);
        let end = to.at + usize::from(kept_tail.is_some());
        // By hand: `Vec::splice`, which knows neither length beforehand, takes three times as long.
        let (room, old_len) = (end - from.at, self.pieces.len());
        if count > room {
            self.pieces.resize(old_len + count - room, nothing);
        }
        self.pieces.copy_within(end..old_len, from.at + count);
        self.pieces.truncate(old_len + count - room);
        self.pieces[from.at..from.at + count].copy_from_slice(&new[..count]);
    }

    /// Lets the piece in front of `place` have `insert` as well, if it ends with what was added last.
    fn goes_on(&mut self, place: Place, insert: &[u8]) -> bool {
        if place.within > 0 || place.at == 0 {
            return false;
        }
        let before = self.pieces[place.at - 1];
        let goes_on = before.buffer == ADDED && before.end() == self.added_bytes();
        if goes_on {
            self.add(insert);
            self.pieces[place.at - 1] = Piece::new(ADDED, before.start, before.len() + insert.len());
        }
        goes_on
    }

    fn added_bytes(&self) -> usize {
        self.buffers[usize::from(ADDED)].as_ref().map_or(0, |added| added.len())
    }

    /// Appends to what was added; returns where.
    fn add(&mut self, bytes: &[u8]) -> usize {
        let shared = self.buffers[usize::from(ADDED)].get_or_insert_default();
        let start = shared.len();
        if let Some(own) = Arc::get_mut(shared) {
            own.extend_from_slice(bytes);
        } else {
            let mut own = Vec::with_capacity(start + bytes.len() + ADDED_ROOM_BYTES);
            own.extend_from_slice(shared);
            own.extend_from_slice(bytes);
            *shared = Arc::new(own);
        }
        start
    }

    /// Copies all into one buffer if there are too many pieces, or too much was added.
    fn keep_short(&mut self) {
        if self.pieces.len() > MAX_PIECES || self.added_bytes() > MAX_ADDED_BYTES {
            *self = Leaf::new(self.to_vec());
        }
    }
}
