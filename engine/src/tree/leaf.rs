//! A leaf in memory: its bytes as a short list of pieces of shared buffers.
//!
//! A small edit in a leaf of 64 KiB must not copy 64 KiB: it splits a piece and puts a small one between. When the
//! list grows past [`MAX_PIECES`], small neighbours are copied together, as people edit where they edited before; if that
//! does not help, the leaf is copied into one buffer, which costs a memcpy every so many edits.

use std::sync::Arc;

use crate::cache::Home;

/// More pieces than this are copied into one.
const MAX_PIECES: usize = 24;
/// Fewer than this are left when small neighbours were copied together, or all are.
const FEW_PIECES: usize = 12;
/// A piece at the end of its own buffer is extended in place up to this size, and small neighbours are copied together up to
/// it.
const EXTENDABLE_BYTES: usize = 4096;

/// The bytes of a leaf.
#[derive(Clone, Default, Debug)]
pub struct Leaf {
    pieces: Vec<Piece>,
    len: usize,
    /// Where a checkpoint puts it.
    pub(super) home: Home,
}

#[derive(Clone, Debug)]
struct Piece {
    buffer: Arc<Vec<u8>>,
    start: usize,
    len: usize,
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.len]
    }

    fn slice(&self, start: usize, len: usize) -> Piece {
        Piece { buffer: Arc::clone(&self.buffer), start: self.start + start, len }
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
        let pieces = if len == 0 { vec![] } else { vec![Piece { buffer: Arc::clone(buffer), start, len }] };
        Leaf { pieces, len, home: Home::default() }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes, piece by piece.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(Piece::bytes)
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
        match &self.pieces[..] {
            [piece] if piece.len == piece.buffer.len() => self.clone(),
            _ => Leaf::new(self.to_vec()),
        }
    }

    /// Calls `sink` with the bytes of `start..end`, in order, in as many slices as there are pieces.
    pub fn visit(&self, start: usize, end: usize, sink: &mut impl FnMut(&[u8])) {
        let mut at = 0;
        for piece in &self.pieces {
            let (from, to) = (start.max(at), end.min(at + piece.len));
            if from < to {
                sink(&piece.bytes()[from - at..to - at]);
            }
            at += piece.len;
            if at >= end {
                break;
            }
        }
    }

    /// Replaces `delete_len` bytes at `offset` by `insert`; returns what was there.
    pub fn splice(&mut self, offset: usize, delete_len: usize, insert: &[u8]) -> Vec<u8> {
        let mut removed = Vec::with_capacity(delete_len);
        if delete_len > 0 {
            self.visit(offset, offset + delete_len, &mut |bytes| removed.extend_from_slice(bytes));
            self.remove(offset, delete_len);
        }
        if !insert.is_empty() {
            self.insert(offset, insert);
        }
        self.keep_short();
        removed
    }

    /// Cuts the leaf in two at `offset`; `self` keeps the left part.
    pub fn split_off(&mut self, offset: usize) -> Leaf {
        let at = self.boundary(offset);
        let pieces = self.pieces.split_off(at);
        let right = Leaf { pieces, len: self.len - offset, home: Home::default() };
        self.len = offset;
        right
    }

    /// Appends `other`.
    pub fn append(&mut self, other: Leaf) {
        self.len += other.len;
        self.pieces.extend(other.pieces);
        self.keep_short();
    }

    /// Copies pieces together if there are too many.
    fn keep_short(&mut self) {
        if self.pieces.len() <= MAX_PIECES {
            return;
        }
        let mut pieces: Vec<Piece> = Vec::with_capacity(MAX_PIECES + 2);
        for piece in self.pieces.drain(..) {
            match pieces.last_mut() {
                Some(last) if last.len + piece.len <= EXTENDABLE_BYTES => last.append(&piece),
                _ => pieces.push(piece),
            }
        }
        self.pieces = pieces;
        if self.pieces.len() >= FEW_PIECES {
            *self = Leaf::new(self.to_vec());
        }
    }

    fn remove(&mut self, offset: usize, len: usize) {
        if self.remove_at_edge(offset, len) {
            return;
        }
        let from = self.boundary(offset);
        let to = self.boundary(offset + len);
        self.pieces.drain(from..to);
        self.len -= len;
    }

    /// Removes what is the beginning or the end of a piece, and not all of it. Whether it was.
    fn remove_at_edge(&mut self, offset: usize, len: usize) -> bool {
        let mut start = 0;
        for piece in &mut self.pieces {
            let end = start + piece.len;
            if offset < end {
                let is_edge =
                    (offset == start && offset + len < end) || (offset > start && offset + len == end);
                if is_edge && offset == start {
                    piece.start += len;
                }
                if is_edge {
                    piece.len -= len;
                    self.len -= len;
                }
                return is_edge;
            }
            start = end;
        }
        false
    }

    fn insert(&mut self, offset: usize, bytes: &[u8]) {
        let at = self.boundary(offset);
        self.len += bytes.len();
        if at > 0 && self.pieces[at - 1].try_extend(bytes) {
            return;
        }
        let piece = Piece { buffer: Arc::new(bytes.to_vec()), start: 0, len: bytes.len() };
        self.pieces.insert(at, piece);
    }

    /// The index of the piece that starts at `offset`, made by splitting one if need be.
    fn boundary(&mut self, offset: usize) -> usize {
        let mut start = 0;
        for at in 0..self.pieces.len() {
            if start == offset {
                return at;
            }
            let len = self.pieces[at].len;
            if offset < start + len {
                let head = offset - start;
                let tail = self.pieces[at].slice(head, len - head);
                self.pieces[at].len = head;
                self.pieces.insert(at + 1, tail);
                return at + 1;
            }
            start += len;
        }
        self.pieces.len()
    }
}

impl Piece {
    /// Appends `bytes` in place, if the piece is in a small buffer that nobody shares.
    fn try_extend(&mut self, bytes: &[u8]) -> bool {
        let end = self.start + self.len;
        if end + bytes.len() > EXTENDABLE_BYTES {
            return false;
        }
        let Some(buffer) = Arc::get_mut(&mut self.buffer) else { return false };
        // What was removed behind the piece is nobody's.
        buffer.truncate(end);
        buffer.extend_from_slice(bytes);
        self.len += bytes.len();
        true
    }

    /// Appends what `other` holds.
    fn append(&mut self, other: &Piece) {
        if !self.try_extend(other.bytes()) {
            let mut buffer = Vec::with_capacity(EXTENDABLE_BYTES);
            buffer.extend_from_slice(self.bytes());
            buffer.extend_from_slice(other.bytes());
            *self = Piece { start: 0, len: buffer.len(), buffer: Arc::new(buffer) };
        }
    }
}
