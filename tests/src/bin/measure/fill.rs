//! How full leaves are after random and after sequential insertions.

use numstore::{Database, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub fn fill() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (what, random) in [("sequential", false), ("random", true)] {
        let db = Database::open(dir.path().join(format!("{what}.ns")))?;
        db.create("s")?;
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let tx = db.begin()?;
        let stream = tx.stream("s")?;
        let mut len = 0;
        for _ in 0..640_000 {
            let at = if random { rng.random_range(0..=len) } else { len };
            stream.insert(at, &[7; 100])?;
            len += 100;
        }
        tx.commit()?;
        db.checkpoint()?;
        let found = db.verify()?;
        println!(
            "{what}: {} bytes, {} % of their blocks, {} % of the largest leaves, height {}",
            found.bytes, found.leaf_fill_percent, found.node_fill_percent, found.height
        );
    }
    Ok(())
}
