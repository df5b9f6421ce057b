//! A first real file.
use numstore::*;
#[test]
fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ns");
    {
        let db = Database::open(&path).unwrap();
        db.create("s").unwrap();
        db.append("s", b"hello world").unwrap();
        db.insert("s", 5, b", wide").unwrap();
        assert_eq!(db.read("s", ..).unwrap(), b"hello, wide world");
        let big: Vec<u8> = (0..3_000_000u32).map(|i| (i * 7 >> 3) as u8).collect();
        db.insert("s", 3, &big).unwrap();
        assert_eq!(db.read("s", 3..3_000_003).unwrap(), big);
        let tx = db.begin().unwrap();
        let s = tx.stream("s").unwrap();
        s.remove(10..2_000_000).unwrap();
        s.insert(4, b"xx").unwrap();
        assert_eq!(db.len("s").unwrap(), 3_000_017);
        db.checkpoint().unwrap();
        tx.rollback().unwrap();
        assert_eq!(db.read("s", 3..3_000_003).unwrap(), big);
        let v = db.verify().unwrap();
        assert!(v.is_clean(), "{v:?}");
        db.close().unwrap();
    }
    let db = Database::open(&path).unwrap();
    assert_eq!(db.len("s").unwrap(), 3_000_017);
    let v = db.verify().unwrap();
    assert!(v.is_clean(), "{v:?}");
    println!("{v:?} {:?}", db.stats());
}
