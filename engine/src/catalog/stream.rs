//! Names, and what the catalog says of a stream.

use crate::base::{Error, Result, SharedBytes};
use crate::format::record::MAX_NAME_BYTES;
use crate::format::tree_root::{TREE_ROOT_BYTES, TreeRoot};
use crate::format::wire::{Reader, WireError};
use crate::map::{MapKey, MapValue};
use crate::tree::Tree;

/// A stream's name: UTF-8, 1 to 1024 bytes.
pub type Name = SharedBytes;

/// The name in `text`.
///
/// # Errors
/// [`Error::BadName`] if it is empty or too long.
pub fn check_name(text: &str) -> Result<Name> {
    if text.is_empty() || text.len() > MAX_NAME_BYTES {
        return Err(Error::BadName { bytes: text.len() });
    }
    Ok(Name::from(text.as_bytes()))
}

/// A name for people to read.
pub fn shown(name: &Name) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// A stream.
#[derive(Clone, Debug)]
pub struct StreamRecord {
    /// Its name.
    pub name: Name,
    /// Its bytes.
    pub tree: Tree,
}

impl MapValue for StreamRecord {
    type Summary = ();
    const MAX_BYTES: usize = <Name as MapKey>::MAX_BYTES + TREE_ROOT_BYTES;

    fn encoded_bytes(&self) -> usize {
        counted_bytes(&self.name)
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        self.name.encode_into(out);
        self.tree
            .disk_form()
            .expect("invariant: a flush writes trees before the entries that hold them")
            .encode_into(out);
    }

    fn decode(from: &mut Reader<'_>) -> Result<StreamRecord, WireError> {
        let name = Name::decode(from)?;
        Ok(StreamRecord { name, tree: Tree::from_disk_form(&TreeRoot::decode(from)?) })
    }

    fn check(from: &mut Reader<'_>) -> Result<usize, WireError> {
        let name = Name::read_order(from)?;
        if name.is_empty() || std::str::from_utf8(name).is_err() {
            return Err(WireError("a stream's name is not one"));
        }
        TreeRoot::decode(from)?;
        Ok(counted_bytes(name))
    }

    fn summary(&self) {}
}

/// What an entry for a stream of this name is taken to need: no more when its tree has been written or has grown.
fn counted_bytes(name: &[u8]) -> usize {
    2 + name.len() + TREE_ROOT_BYTES
}
