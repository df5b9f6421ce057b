//! `docs/FORMAT.md` against the code.
//!
//! Why: a description of the bytes on disk that has drifted is worse than none. How: the page states each constant in
//! a table row as ``| `NAME` | value | …``; the engine lists the same constants in `inspect`. Each
//! list must hold all of the other, with equal values.

use std::collections::BTreeMap;

use tests::workspace_root;

/// The rows of the page whose first cell is one upper-case name in backticks and whose second is a number.
fn documented() -> BTreeMap<String, u64> {
    let path = workspace_root().join("docs/FORMAT.md");
    let page = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut constants = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`'));
        let (Some(name), Some(value)) = (cells.next(), cells.next()) else { continue };
        let is_constant = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if let (true, Some(value)) = (is_constant, number(value)) {
            assert!(constants.insert(name.to_owned(), value).is_none(), "{name} is stated twice");
        }
    }
    constants
}

/// `4096`, `65 536`, `65,536`, `0x4e53`.
fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | ',' | '_')).collect();
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

#[test]
fn the_documented_constants_are_those_of_the_code() {
    let code: BTreeMap<String, u64> = numstore::inspect::FORMAT_CONSTANTS
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    assert!(code.len() >= 5, "the engine lists its constants");
    assert_eq!(documented(), code);
}
