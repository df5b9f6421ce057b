//! Which streams there are: names to ids, ids to trees, as they are now and as they were at commits.
//!
//! [`Catalog`] is the current state, with the changes of open transactions in it; it owns its blocks. A [`Version`]
//! is what one commit left, for snapshots; it only pins blocks. [`Store`] is what both read through.
//!
//! Invariants:
//! 1. A name leads to a stream, and that stream carries this name; and the other way round.
//! 2. The tree of a stream that is in `changing` supersedes the one in the map; only the former owns blocks.
//! 3. A version holds nothing uncommitted: what open transactions changed is covered by its overlay.

mod current;
mod overlay;
mod store;
mod stream;
mod version;

pub use current::{Catalog, Maps};
pub use overlay::Overlay;
pub use store::{FileOf, Store};
pub use stream::{Name, StreamRecord, check_name, shown};
pub use version::Version;
