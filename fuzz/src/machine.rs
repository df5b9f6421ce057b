//! A simulated machine with files put on it.

use std::collections::BTreeMap;
use std::path::Path;

use numstore::env::{Disk, DiskFile, Env, OpenMode, read_exact_at, write_all_at};
use sim::testing::{SimEnv, World};

/// The files of a machine, by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// The path of the database on every machine.
pub(crate) const DATABASE: &str = "/db/x.ns";
const DIRECTORY: &str = "/db";

/// A machine with `image` durable on its disk.
pub(crate) fn boot(image: &Image) -> World {
    let world = World::new(0);
    let env = world.env();
    for (name, bytes) in image {
        let mode = OpenMode { write: true, create_new: true, ..OpenMode::default() };
        let file = env.disk().open(&Path::new(DIRECTORY).join(name), mode).expect("a new file");
        write_all_at(&file, bytes, 0).expect("room for the image");
        file.sync().expect("a durable image");
    }
    env.disk().sync_dir(Path::new(DIRECTORY)).expect("durable names");
    world
}

/// The files of the machine that `env` runs on.
pub(crate) fn image_of(env: &SimEnv) -> Image {
    let directory = Path::new(DIRECTORY);
    let names = env.disk().list(directory).expect("a directory");
    let read = |name: String| {
        let file = env.disk().open(&directory.join(&name), OpenMode::default()).expect("a listed file");
        let mut bytes = vec![0; usize::try_from(file.len().expect("a length")).expect("a small file")];
        read_exact_at(&file, &mut bytes, 0).expect("readable bytes");
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}
