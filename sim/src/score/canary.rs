//! The alarm itself: a campaign that finds something must be heard.

use std::process::Command;

/// A bug that the first few seeds find.
const BUG: &str = "a batch is not synced";

/// Whether a campaign with a bug ends with a non-zero code and says which seed to replay.
pub(super) fn rings() -> bool {
    let campaign = std::env::current_exe().and_then(|program| {
        let arguments = ["campaign", "--seeds", "0..20", "--no-corpus"];
        Command::new(program).args(arguments).env("NUMSTORE_MUTANT", BUG).output()
    });
    campaign.is_ok_and(|output| {
        let said = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = said.lines().collect();
        let named = lines.iter().any(|line| line.starts_with("seed ") && line.contains(" failed: "));
        let replayed = lines.iter().any(|line| line.contains(" replay "));
        !output.status.success() && named && replayed
    })
}
