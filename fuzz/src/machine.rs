//! A simulated machine with files put on it.

use std::collections::BTreeMap;
use std::path::Path;

use sim::world::World;

/// The files of a machine, by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// The path of the database on every machine.
pub(crate) const DATABASE: &str = "/db/x.ns";
const DIRECTORY: &str = "/db";

/// A machine with `image` durable on its disk.
pub(crate) fn boot(image: &Image) -> World {
    let world = World::new(0);
    for (name, bytes) in image {
        world.overwrite(Path::new(DIRECTORY).join(name), 0, bytes);
    }
    world
}

/// The files of `world`, as its readers see them.
pub(crate) fn image_of(world: &World) -> Image {
    let name = |path: &Path| path.file_name().expect("a file has a name").to_string_lossy().into_owned();
    let read = |path: &Path| world.read_file(path).expect("a listed file");
    world.files().iter().map(|(path, _)| (name(path), read(path))).collect()
}
