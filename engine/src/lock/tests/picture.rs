//! The table as people see it.

use super::*;

#[test]
fn a_picture_is_a_tidy_table() {
    let mut t = Tester::new();
    t.gets(10, &bytes(0, 4096), S);
    t.gets(10, &suffix(100_000), X);
    t.gets(2, &name("pictures/a\n"), X);
    t.waits(2, &LENGTH, S, &[10]);
    t.waits(3, &STREAM, S, &[10]);
    t.waits(4, &bytes(200_000, 200_001), X, &[3]);
    t.gets(5, &Target::Stream(StreamId(2)), U);
    let picture = t.table.picture().to_string();
    let expected = r#"
target                  mode  txn  state
database                IX      2  holds
database                IS      3  holds
database                IX      4  holds
database                IX      5  holds
database                IX     10  holds
name "pictures/a\n"     X       2  holds
stream 1                IS      2  holds
stream 1                IX     10  holds
stream 1                S       3  waits for 10
stream 1                IX      4  waits for 3
stream 1 [0..4096]      S      10  holds
stream 1 [100000..end]  X      10  holds
stream 1 [end]          S       2  waits for 10
stream 2                U       5  holds
"#;
    assert_eq!(picture, expected.trim_start(), "\n{picture}");
    assert_eq!(LockTable::default().picture().to_string(), "target  mode  txn  state\n");
}
