//! A simulated machine with one database on it, that can be killed and unplugged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use numstore::inspect::{self, LogEntry};
use numstore::{Database, Options, Result};
use sim::world::{Persist, SimEnv, World};

/// How a run ends without being asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crash {
    /// The process dies; what it wrote stays visible, durable or not.
    Kill,
    /// The machine loses power; of what was not synced, any part may be lost.
    PowerLoss,
}

/// The files of a machine, by name.
pub type Image = BTreeMap<String, Vec<u8>>;

/// A simulated machine with one database on it.
pub struct Lab {
    world: World,
    options: Options,
}

const DIRECTORY: &str = "/db";
const DATABASE: &str = "x.ns";

impl Lab {
    /// A fresh machine; `seed` decides what its crashes lose, `options` how the database is opened. Nobody waits for
    /// locks, and nothing is done in the background, since tests have one task.
    pub fn new(seed: u64, options: Options) -> Lab {
        Lab { world: World::new(seed), options: options.lock_timeout(Duration::ZERO).background(false) }
    }

    /// A fresh machine with `image` durable on its disk.
    pub fn with_image(options: Options, image: &Image) -> Lab {
        let lab = Lab::new(0, options);
        for (name, bytes) in image {
            lab.world.overwrite(Path::new(DIRECTORY).join(name), 0, bytes);
        }
        lab
    }

    /// The path of the database.
    pub fn path(&self) -> PathBuf {
        Path::new(DIRECTORY).join(DATABASE)
    }

    /// The machine itself.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What a process on the machine sees of it.
    pub fn env(&self) -> SimEnv {
        self.world.env()
    }

    /// Opens the database, recovering it if need be.
    pub fn try_open(&self) -> Result<Database<SimEnv>> {
        self.options.clone().open_in(self.env(), self.path())
    }

    /// Opens the database and expects no error.
    pub fn open(&self) -> Database<SimEnv> {
        self.try_open().unwrap_or_else(|e| panic!("the database opens: {e}"))
    }

    /// Opens the database and expects a clean audit.
    pub fn open_and_verify(&self) -> Database<SimEnv> {
        let db = self.open();
        let found = db.verify().expect("an audit");
        assert!(found.is_clean(), "the audit after opening finds {:#?}", found.problems);
        db
    }

    /// Ends every process on the machine; handles that are still held fail from now on.
    pub fn crash(&self, crash: Crash) {
        match crash {
            Crash::Kill => self.world.kill(),
            Crash::PowerLoss => self.world.power_loss(Persist::Swarm),
        }
    }

    /// The records of the log that is on the disk now, oldest first.
    pub fn log(&self) -> Vec<LogEntry> {
        inspect::read_log(&self.env(), self.path()).expect("a readable log")
    }

    /// All files as a reader sees them now.
    pub fn image(&self) -> Image {
        let read = |(path, _): (PathBuf, u64)| {
            let bytes = self.world.read_file(&path).expect("a listed file");
            (path.file_name().expect("a file has a name").to_string_lossy().into_owned(), bytes)
        };
        self.world.files().into_iter().map(read).collect()
    }
}
