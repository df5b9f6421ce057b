//! Where a file is to end, for those who move what lies behind.

use crate::base::BlockId;

/// What is taken off the end of the file, and how much may be looked at for it.
#[derive(Clone, Copy, Debug)]
pub struct Vacating {
    /// No node is to reach behind this block.
    pub end: BlockId,
    left: u64,
}

impl Vacating {
    /// As far as `visits_max` inner nodes and streams lead.
    pub fn new(end: BlockId, visits_max: u64) -> Vacating {
        Vacating { end, left: visits_max }
    }

    /// Counts a visit. Whether there is one left for it.
    pub fn visit(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// Whether some of what lies behind may have been overlooked, since it took too many visits.
    pub fn is_over(&self) -> bool {
        self.left == 0
    }
}
