//! The tables of modes, each written out once more, and the laws that they keep.

use super::super::mode::ALL;
use super::*;

#[test]
fn compatibility_is_this_table() {
    // A row for each mode held, a column for each mode asked for.
    let expected = "
               IS   IX   S    SIX  U    X
        IS     yes  yes  yes  yes  yes  no
        IX     yes  yes  no   no   no   no
        S      yes  no   yes  no   yes  no
        SIX    yes  no   no   no   no   no
        U      no   no   no   no   no   no
        X      no   no   no   no   no   no
    ";
    for (held, asked, cell) in cells(expected) {
        assert_eq!(held.admits(asked), cell == "yes", "{held} held, {asked} asked");
    }
}

#[test]
fn the_table_grants_what_the_matrix_admits() {
    for held in ALL {
        for asked in ALL {
            for target in [STREAM, name("a"), DATABASE] {
                let mut t = Tester::new();
                t.gets(1, &target, held);
                if held.admits(asked) {
                    t.gets(2, &target, asked);
                } else {
                    t.waits(2, &target, asked, &[1]);
                    assert_eq!(t.end(1), [2]);
                }
            }
        }
    }
}

#[test]
fn suprema_are_this_table() {
    let expected = "
               IS   IX   S    SIX  U    X
        IS     IS   IX   S    SIX  U    X
        IX     IX   IX   SIX  SIX  SIX  X
        S      S    SIX  S    SIX  U    X
        SIX    SIX  SIX  SIX  SIX  SIX  X
        U      U    SIX  U    SIX  U    X
        X      X    X    X    X    X    X
    ";
    for (held, asked, cell) in cells(expected) {
        assert_eq!(held.supremum(asked).to_string(), cell, "{held} and {asked}");
    }
}

/// The cells of a table whose rows and columns are all modes in order.
fn cells(table: &str) -> Vec<(Mode, Mode, &str)> {
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let rows: Vec<&Vec<&str>> = rows.iter().filter(|row| !row.is_empty()).collect();
    assert_eq!((rows.len(), rows[0].len()), (7, 6));
    let mut cells = Vec::new();
    for (row, held) in rows[1..].iter().zip(ALL) {
        assert_eq!((row.len(), row[0]), (7, held.to_string().as_str()));
        cells.extend(row[1..].iter().zip(ALL).map(|(cell, asked)| (held, asked, *cell)));
    }
    cells
}

#[test]
fn the_supremum_is_the_least_mode_with_both_rights() {
    for a in ALL {
        assert!(a.includes(a));
        for b in ALL {
            let both = a.supremum(b);
            assert_eq!(both, b.supremum(a));
            assert!(both.includes(a) && both.includes(b));
            for c in ALL {
                assert_eq!(a.supremum(b).supremum(c), a.supremum(b.supremum(c)));
                assert!(
                    !(c.includes(a) && c.includes(b)) || c.includes(both),
                    "{c} has both rights of {both}"
                );
            }
        }
    }
}

#[test]
fn more_rights_exclude_more() {
    for (more, less) in ALL.iter().flat_map(|more| ALL.map(|less| (*more, less))) {
        if !more.includes(less) {
            continue;
        }
        for other in ALL {
            // The one exception: readers come in beside SIX and not beside U. See the module of modes.
            let is_exempt = (more, less, other) == (SIX, U, IS);
            assert!(!more.admits(other) || less.admits(other) || is_exempt, "{more} {less} {other}");
            assert!(!other.admits(more) || other.admits(less), "{more} {less} {other}");
        }
    }
}

#[test]
fn what_a_mode_covers_below_its_intentions_keep_others_from() {
    for whole in ALL {
        for part in ALL {
            // Whoever could spoil a part that is covered needs an intention that the whole mode excludes.
            for other in ALL.into_iter().filter(|other| other.conflicts(part) && whole.covers_below(part)) {
                let above = other.intention();
                let is_shut_out = above.conflicts(whole);
                let waits_for_part = matches!(part, IS | S) && matches!(other, SIX | U) && other.admits(part);
                assert!(is_shut_out || waits_for_part, "{whole} covers {part}, beside {other}");
            }
        }
    }
    assert_eq!(ALL.map(Mode::intention), [IS, IX, IS, IX, IX, IX]);
}

#[test]
fn a_range_is_read_or_written() {
    for (held, asked) in [(S, S), (S, X), (X, S), (X, X)] {
        let mut t = Tester::new();
        t.gets(1, &bytes(0, 10), held);
        if (held, asked) == (S, S) {
            t.gets(2, &bytes(9, 20), asked);
        } else {
            t.waits(2, &bytes(9, 20), asked, &[1]);
        }
    }
}

#[test]
#[should_panic(expected = "stream 1 [0..10] cannot be locked in SIX")]
fn a_range_knows_no_intentions() {
    let _ = Tester::new().ask(1, &bytes(0, 10), SIX);
}

#[test]
#[should_panic(expected = "transaction 2 asks while it waits")]
fn one_transaction_waits_once() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, X);
    t.waits(2, &STREAM, X, &[1]);
    let _ = t.ask(2, &DATABASE, IS);
}
