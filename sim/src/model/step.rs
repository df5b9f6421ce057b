//! What a transaction can do.

use super::edit::Edit;

/// One operation inside a transaction, or a transaction of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "names of streams, as in the operations of the same names of the engine")]
pub enum Step {
    Create {
        name: String,
    },
    Drop {
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Exists {
        name: String,
    },
    List,
    Edit {
        name: String,
        edit: Edit,
    },
    Savepoint,
    /// To the savepoint at this place among those that still exist.
    RollbackTo {
        index: usize,
    },
}
