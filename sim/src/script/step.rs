//! Steps of scripts, by name.
#![expect(missing_docs, reason = "the operations of the same names of the engine")]

use std::ops::Range;

use crate::model::{Bytes, Edit, Elements, Step};

pub fn create(name: &str) -> Step {
    Step::Create { name: name.to_owned() }
}

pub fn drop_stream(name: &str) -> Step {
    Step::Drop { name: name.to_owned() }
}

pub fn rename(from: &str, to: &str) -> Step {
    Step::Rename { from: from.to_owned(), to: to.to_owned() }
}

pub fn exists(name: &str) -> Step {
    Step::Exists { name: name.to_owned() }
}

pub fn list() -> Step {
    Step::List
}

pub fn savepoint() -> Step {
    Step::Savepoint
}

/// To the savepoint at this place among those that still exist.
pub fn rollback_to(index: usize) -> Step {
    Step::RollbackTo { index }
}

fn edit(name: &str, edit: Edit) -> Step {
    Step::Edit { name: name.to_owned(), edit }
}

fn bytes(data: &[u8]) -> Bytes {
    Bytes(data.to_vec())
}

pub fn len(name: &str) -> Step {
    edit(name, Edit::Len)
}

pub fn read(name: &str, range: Range<u64>) -> Step {
    edit(name, Edit::Read { from: range.start, to: range.end })
}

pub fn read_for_update(name: &str, range: Range<u64>) -> Step {
    edit(name, Edit::ReadForUpdate { from: range.start, to: range.end })
}

pub fn insert(name: &str, at: u64, data: &[u8]) -> Step {
    edit(name, Edit::Insert { at, data: bytes(data) })
}

pub fn append(name: &str, data: &[u8]) -> Step {
    edit(name, Edit::Append { data: bytes(data) })
}

pub fn write(name: &str, at: u64, data: &[u8]) -> Step {
    edit(name, Edit::Write { at, data: bytes(data) })
}

pub fn remove(name: &str, range: Range<u64>) -> Step {
    edit(name, Edit::Remove { from: range.start, to: range.end })
}

pub fn cut(name: &str, range: Range<u64>) -> Step {
    edit(name, Edit::Cut { from: range.start, to: range.end })
}

pub fn truncate(name: &str, len: u64) -> Step {
    edit(name, Edit::Truncate { len })
}

pub fn splice(name: &str, at: u64, delete: u64, data: &[u8]) -> Step {
    edit(name, Edit::Splice { at, delete, data: bytes(data) })
}

/// `count` elements of `size` bytes from byte `start`, one of every `stride`.
pub fn elements(start: u64, size: u64, stride: u64, count: u64) -> Elements {
    Elements { start, size, stride, count }
}

pub fn read_strided(name: &str, elements: Elements) -> Step {
    edit(name, Edit::ReadStrided(elements))
}

pub fn write_strided(name: &str, elements: Elements, data: &[u8]) -> Step {
    edit(name, Edit::WriteStrided(elements, bytes(data)))
}

pub fn remove_strided(name: &str, elements: Elements) -> Step {
    edit(name, Edit::RemoveStrided(elements))
}

/// Bytes without repetition that begin with `word`.
pub fn pattern(word: u32, len: usize) -> Vec<u8> {
    Bytes::patterned(word, len).0
}
