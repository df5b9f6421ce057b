//! The spans that one transaction holds in one stream, as few as possible.
//!
//! They are disjoint; where several modes were asked for the strongest wins; neighbours in one mode are one span.

use std::collections::BTreeMap;

use super::intervals::excludes;
use super::{Mode, Span};

/// A span and its mode: S, U or X.
pub type Piece = (Span, Mode);

/// How the set of spans changed.
#[derive(Clone, Copy, Debug)]
pub enum Edit {
    Remove(Span),
    Insert(Span, Mode),
}

/// Disjoint spans, by their first points.
#[derive(Default, Debug)]
pub struct Spans {
    pieces: BTreeMap<u64, Piece>,
}

impl Spans {
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// All of them, by place.
    pub fn iter(&self) -> impl Iterator<Item = Piece> {
        self.pieces.values().copied()
    }

    /// Those that share a point with `span`, by place.
    pub fn overlapping(&self, span: Span) -> impl Iterator<Item = Piece> {
        let before = self.pieces.range(..=span.start()).next_back();
        let before = before.filter(|(_, (piece, _))| piece.overlaps(span));
        let start = before.map_or(span.start(), |(start, _)| *start);
        self.pieces.range(start..=span.last()).map(|(_, piece)| *piece)
    }

    /// Whether all of `span` is held, at least in `mode`.
    pub fn covers(&self, span: Span, mode: Mode) -> bool {
        let mut next = span.start();
        for (piece, held) in self.overlapping(span) {
            if piece.start() > next || !held.includes(mode) {
                return false;
            }
            if piece.last() >= span.last() {
                return true;
            }
            next = piece.last() + 1;
        }
        false
    }

    /// Whether another transaction could not have `mode` on `span`.
    pub fn exclude(&self, span: Span, mode: Mode) -> bool {
        self.overlapping(span).any(|(_, held)| excludes(held, mode))
    }

    /// Whether `mode` on `span` is more than what is held on parts of it.
    pub fn is_upgrade(&self, span: Span, mode: Mode) -> bool {
        self.overlapping(span).any(|(_, held)| !held.includes(mode))
    }

    /// Adds `mode` on `span`; `edit` is told of each change.
    pub fn add(&mut self, span: Span, mode: Mode, mut edit: impl FnMut(Edit)) {
        let mut near = self.overlapping(span.grown());
        let (first, second) = (near.next(), near.next());
        drop(near);
        match (first, second) {
            (None, _) => {
                self.pieces.insert(span.start(), (span, mode));
                return edit(Edit::Insert(span, mode));
            }
            // What most calls come to that lock a suffix: it begins further in front.
            (Some((piece, held)), None) if held == mode => {
                return self.widen(piece, piece.hull(span), mode, edit);
            }
            _ => {}
        }
        let before: Vec<Piece> = self.overlapping(span.grown()).collect();
        let after = painted(&before, span, mode);
        for piece in before.iter().filter(|piece| !has(&after, **piece)) {
            self.pieces.remove(&piece.0.start());
            edit(Edit::Remove(piece.0));
        }
        for piece in after.iter().filter(|piece| !has(&before, **piece)) {
            self.pieces.insert(piece.0.start(), *piece);
            edit(Edit::Insert(piece.0, piece.1));
        }
    }

    fn widen(&mut self, piece: Span, hull: Span, mode: Mode, mut edit: impl FnMut(Edit)) {
        if hull == piece {
            return;
        }
        self.pieces.remove(&piece.start());
        edit(Edit::Remove(piece));
        self.pieces.insert(hull.start(), (hull, mode));
        edit(Edit::Insert(hull, mode));
    }

    /// The gaps that could be filled to make two spans one, and in which mode: between one and the next of a mode, with
    /// nothing but weaker ones in between. By place.
    pub fn joints(&self) -> Vec<Piece> {
        let mut joints = Vec::new();
        // The last one of each mode behind which no stronger one has come, the strongest first.
        let mut open: Vec<Piece> = Vec::new();
        for (span, mode) in self.iter() {
            open.retain(|(_, before)| before.includes(mode));
            let partner = open.pop_if(|(_, before)| *before == mode).map(|(span, _)| span);
            joints.extend(partner.and_then(|partner| partner.gap(span)).map(|gap| (gap, mode)));
            open.push((span, mode));
        }
        joints
    }

    /// Drops what a lock on the whole stream in mode `whole` covers; `edit` is told of each.
    pub fn shed(&mut self, whole: Mode, mut edit: impl FnMut(Edit)) {
        self.pieces.retain(|_, (span, mode)| {
            let stays =
                !whole.covers_below(*mode) && !mutant!("a lock on a stream drops those on its ranges");
            if !stays {
                edit(Edit::Remove(*span));
            }
            stays
        });
    }
}

/// Whether `piece` is in `pieces`, which are in order.
fn has(pieces: &[Piece], piece: Piece) -> bool {
    pieces
        .binary_search_by_key(&piece.0.start(), |(span, _)| span.start())
        .is_ok_and(|at| pieces[at] == piece)
}

/// What becomes of `pieces`, all that touch `span`, when `mode` is added on it.
fn painted(pieces: &[Piece], span: Span, mode: Mode) -> Vec<Piece> {
    let mut after = Vec::with_capacity(pieces.len() + 2);
    // The part of `span` that is not dealt with yet.
    let mut rest = Some(span);
    for &(piece, held) in pieces {
        if held != mode && held.includes(mode) {
            // The stronger one stays; the other goes before it, and behind it.
            if let Some(open) = rest {
                let [before, behind] = open.outside(piece);
                after.extend(before.map(|before| (before, mode)));
                rest = behind;
            }
            after.push((piece, held));
        } else {
            after.extend(piece.outside(span).into_iter().flatten().map(|left| (left, held)));
        }
    }
    after.extend(rest.map(|rest| (rest, mode)));
    after.sort_unstable_by_key(|(span, _)| span.start());
    after.dedup_by(|later, earlier| {
        let merges = later.1 == earlier.1 && earlier.0.grown().overlaps(later.0);
        if merges {
            earlier.0 = earlier.0.hull(later.0);
        }
        merges
    });
    after
}
