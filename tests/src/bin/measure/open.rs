//! What is read when a database that was closed is opened, by its length.

use numstore::{BLOCK_BYTES, Options, Result};

use crate::disk::CountingEnv;

const STREAMS: u64 = 100;

pub fn open() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for len in [1 << 20, 1 << 30] {
        let path = dir.path().join(format!("{len}.ns"));
        let db = Options::new().open(&path)?;
        let bytes = vec![7; (len / STREAMS) as usize];
        for stream in 0..STREAMS {
            let name = format!("stream {stream}");
            db.create(&name)?;
            db.append(&name, &bytes)?;
        }
        db.close()?;

        let env = CountingEnv::default();
        let db = Options::new().create(false).open_in(env.clone(), &path)?;
        let (calls, bytes) = env.hook().calls_and_bytes();
        let blocks = bytes.div_ceil(BLOCK_BYTES as u64);
        let file_bytes = db.stats().file_bytes;
        println!("a file of {file_bytes} bytes: {calls} reads, {bytes} bytes, {blocks} blocks");
        db.read("stream 50", ..1)?;
        let (calls, bytes) = env.hook().calls_and_bytes();
        println!("  and with the first byte of a stream: {calls} reads, {bytes} bytes");
        db.close()?;
    }
    Ok(())
}
