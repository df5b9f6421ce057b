//! The bytes of undo entries and of the transaction table in a checkpoint.
//!
//! An undo entry, all numbers varints unless said:
//!
//! | field | |
//! |---|---|
//! | LSN | |
//! | LSN of the entry below, plus 1 | 0 if there is none |
//! | kind | 1 byte: see the constants below |
//! | stream, fields of the kind | a byte string is a length and the bytes, a tree is a [`TreeRoot`] |
//! | length of all the above | 4 bytes, little-endian |
//!
//! The table: the number of open transactions, for each id, top LSN plus 1 and the tree of its undo stack; then the
//! number of dead stacks with top LSN and tree; then the number of dead trees, and those.

use crate::base::{Lsn, StreamId, TxnId};
use crate::catalog::Name;
use crate::format::record::MAX_NAME_BYTES;
use crate::format::stride::Stride;
use crate::format::tree_root::TreeRoot;
use crate::format::varint::{decode_varint, encode_varint};
use crate::format::wire::{Reader, WireError};
use crate::tree::{Rope, Tree};

use super::{Change, Graveyard, Table, UndoEntry, UndoStack};

const SPLICE_BYTES: u8 = 1;
const SPLICE_TREE: u8 = 2;
const STRIDED_WRITE: u8 = 3;
const STRIDED_REMOVE: u8 = 4;
const STRIDED_INSERT: u8 = 5;
const ADD: u8 = 6;
const TAKE: u8 = 7;
const RENAME: u8 = 8;

/// Appends `entry` and its length. Trees in it are written.
pub(super) fn encode_entry(entry: &UndoEntry, out: &mut Vec<u8>) {
    let start = out.len();
    encode_varint(entry.lsn.0, out);
    encode_varint(entry.below.map_or(0, |lsn| lsn.0 + 1), out);
    encode_change(&entry.change, out);
    let length = u32::try_from(out.len() - start).expect("invariant: an undo entry is far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
}

/// Reads an entry without its length.
pub(super) fn decode_entry(bytes: &[u8]) -> Result<UndoEntry, WireError> {
    let mut from = Reader::new(bytes);
    let lsn = Lsn(decode_varint(&mut from)?);
    let below = decode_varint(&mut from)?.checked_sub(1).map(Lsn);
    let change = decode_change(&mut from)?;
    if from.remaining() != 0 {
        return Err(WireError("an undo entry with something behind it"));
    }
    Ok(UndoEntry { lsn, below, change })
}

fn encode_change(change: &Change, out: &mut Vec<u8>) {
    let mut head = |kind: u8, numbers: &[u64]| {
        out.push(kind);
        encode_varint(change.stream().0, out);
        numbers.iter().for_each(|&number| encode_varint(number, out));
    };
    let numbers = |stride: &Stride| [stride.start, stride.size, stride.stride, stride.count];
    match change {
        Change::Splice { offset, delete_len, insert: Rope::Bytes(bytes), .. } => {
            head(SPLICE_BYTES, &[*offset, *delete_len]);
            encode_bytes(bytes, out);
        }
        Change::Splice { offset, delete_len, insert: Rope::Tree(tree), .. } => {
            head(SPLICE_TREE, &[*offset, *delete_len]);
            encode_tree(tree, out);
        }
        Change::StridedWrite { stride, bytes, .. } => {
            head(STRIDED_WRITE, &numbers(stride));
            encode_bytes(bytes, out);
        }
        Change::StridedRemove { stride, .. } => head(STRIDED_REMOVE, &numbers(stride)),
        Change::StridedInsert { stride, bytes, .. } => {
            head(STRIDED_INSERT, &numbers(stride));
            encode_bytes(bytes, out);
        }
        Change::Add { name, tree, .. } => {
            head(ADD, &[]);
            encode_bytes(name, out);
            encode_tree(tree, out);
        }
        Change::Take { .. } => head(TAKE, &[]),
        Change::Rename { to, .. } => {
            head(RENAME, &[]);
            encode_bytes(to, out);
        }
    }
}

fn decode_change(from: &mut Reader<'_>) -> Result<Change, WireError> {
    let kind = from.u8()?;
    let stream = StreamId(decode_varint(from)?);
    Ok(match kind {
        SPLICE_BYTES | SPLICE_TREE => {
            let (offset, delete_len) = (decode_varint(from)?, decode_varint(from)?);
            let insert = if kind == SPLICE_BYTES {
                Rope::Bytes(decode_bytes(from)?.to_vec())
            } else {
                Rope::Tree(decode_tree(from)?)
            };
            Change::Splice { stream, offset, delete_len, insert }
        }
        STRIDED_WRITE => {
            Change::StridedWrite { stream, stride: decode_stride(from)?, bytes: decode_bytes(from)?.to_vec() }
        }
        STRIDED_REMOVE => Change::StridedRemove { stream, stride: decode_stride(from)? },
        STRIDED_INSERT => Change::StridedInsert {
            stream,
            stride: decode_stride(from)?,
            bytes: decode_bytes(from)?.to_vec(),
        },
        ADD => Change::Add { stream, name: decode_name(from)?, tree: decode_tree(from)? },
        TAKE => Change::Take { stream },
        RENAME => Change::Rename { stream, to: decode_name(from)? },
        _ => return Err(WireError("an undo entry of an unknown kind")),
    })
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn decode_bytes<'a>(from: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let len = usize::try_from(decode_varint(from)?).map_err(|_| WireError("a length beyond memory"))?;
    from.bytes(len)
}

fn decode_name(from: &mut Reader<'_>) -> Result<Name, WireError> {
    let bytes = decode_bytes(from)?;
    if bytes.is_empty() || bytes.len() > MAX_NAME_BYTES || std::str::from_utf8(bytes).is_err() {
        return Err(WireError("a stream's name is not one"));
    }
    Ok(bytes.into())
}

fn encode_tree(tree: &Tree, out: &mut Vec<u8>) {
    tree.disk_form().expect("invariant: trees in entries are written first").encode_into(out);
}

fn decode_tree(from: &mut Reader<'_>) -> Result<Tree, WireError> {
    Ok(Tree::from_disk_form(&TreeRoot::decode(from)?))
}

fn decode_stride(from: &mut Reader<'_>) -> Result<Stride, WireError> {
    let stride = Stride {
        start: decode_varint(from)?,
        size: decode_varint(from)?,
        stride: decode_varint(from)?,
        count: decode_varint(from)?,
    };
    if stride.check().is_err() {
        return Err(WireError("an impossible stride"));
    }
    Ok(stride)
}

fn decode_stack(from: &mut Reader<'_>) -> Result<UndoStack, WireError> {
    let top = decode_varint(from)?.checked_sub(1).map(Lsn);
    let spilled = decode_tree(from)?;
    if top.is_none() != spilled.is_empty() {
        return Err(WireError("an undo stack that contradicts itself"));
    }
    Ok(UndoStack::from_spilled(spilled, top))
}

/// The transactions that logged something and are open, and the graveyard, as a checkpoint captured them.
pub struct CapturedTable {
    open: Vec<(TxnId, CapturedStack)>,
    dead_stacks: Vec<CapturedStack>,
    dead_trees: Vec<Tree>,
}

struct CapturedStack {
    top: Option<Lsn>,
    spilled: Tree,
}

impl CapturedStack {
    fn of(stack: &UndoStack) -> CapturedStack {
        assert!(stack.recent().is_empty(), "a checkpoint spills before it captures");
        CapturedStack { top: stack.top(), spilled: stack.spilled().clone() }
    }
}

impl CapturedTable {
    /// The table as it is now.
    pub fn of(table: &Table, graveyard: &Graveyard) -> CapturedTable {
        let open = table.active().count();
        let left_out = usize::from(open > 1 && mutant!("one transaction is not in the table"));
        let lost = mutant!("dead undo stacks are not in the table");
        let dead_stacks = graveyard.stacks().take(if lost { 0 } else { usize::MAX });
        CapturedTable {
            open: table
                .active()
                .skip(left_out)
                .map(|(id, state)| (id, CapturedStack::of(&state.undo)))
                .collect(),
            dead_stacks: dead_stacks.map(CapturedStack::of).collect(),
            dead_trees: graveyard.trees().collect(),
        }
    }

    /// The length of the encoding, which is known before all trees are written.
    pub fn encoded_bytes(&self) -> usize {
        self.encode_with(Tree::reserved_form).len()
    }

    /// The encoding, once all trees are written. Nothing at all is no bytes at all.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(Tree::disk_form)
    }

    fn encode_with(&self, form: impl Fn(&Tree) -> Option<TreeRoot>) -> Vec<u8> {
        let mut out = Vec::new();
        if self.open.is_empty() && self.dead_stacks.is_empty() && self.dead_trees.is_empty() {
            return out;
        }
        let tree = |tree: &Tree, out: &mut Vec<u8>| {
            form(tree).expect("invariant: it was captured, or written").encode_into(out);
        };
        let stack = |stack: &CapturedStack, out: &mut Vec<u8>| {
            encode_varint(stack.top.map_or(0, |lsn| lsn.0 + 1), out);
            tree(&stack.spilled, out);
        };
        encode_varint(self.open.len() as u64, &mut out);
        for (id, undo) in &self.open {
            encode_varint(id.0, &mut out);
            stack(undo, &mut out);
        }
        encode_varint(self.dead_stacks.len() as u64, &mut out);
        self.dead_stacks.iter().for_each(|dead| stack(dead, &mut out));
        encode_varint(self.dead_trees.len() as u64, &mut out);
        self.dead_trees.iter().for_each(|dead| tree(dead, &mut out));
        out
    }
}

/// The open transactions, newest last, and the graveyard that a checkpoint wrote.
pub fn decode_table(bytes: &[u8]) -> Result<(Vec<(TxnId, UndoStack)>, Graveyard), WireError> {
    let mut from = Reader::new(bytes);
    let mut open = Vec::new();
    if bytes.is_empty() {
        return Ok((open, Graveyard::default()));
    }
    for _ in 0..decode_varint(&mut from)? {
        let id = TxnId(decode_varint(&mut from)?);
        open.push((id, decode_stack(&mut from)?));
    }
    let mut graveyard = Graveyard::default();
    for _ in 0..decode_varint(&mut from)? {
        graveyard.bury_stack(decode_stack(&mut from)?);
    }
    for _ in 0..decode_varint(&mut from)? {
        graveyard.extend([decode_tree(&mut from)?]);
    }
    if from.remaining() != 0 {
        return Err(WireError("a transaction table with something behind it"));
    }
    Ok((open, graveyard))
}
