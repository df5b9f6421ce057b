//! A simulated machine with one database on it, that can be killed and unplugged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use numstore::env::{Disk, DiskFile, Env, OpenMode, read_exact_at, write_all_at};
use numstore::inspect::{self, LogEntry};
use numstore::{Database, Options, Result};
use sim::testing::{SimEnv, World};

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
    /// A fresh machine; `seed` decides what its crashes lose, `options` how the database is opened.
    pub fn new(seed: u64, options: Options) -> Lab {
        Lab { world: World::new(seed), options }
    }

    /// A fresh machine with `image` durable on its disk.
    pub fn with_image(options: Options, image: &Image) -> Lab {
        let lab = Lab::new(0, options);
        let disk = lab.world.env();
        for (name, bytes) in image {
            let mode = OpenMode { write: true, create_new: true, ..OpenMode::default() };
            let file = disk.disk().open(&Path::new(DIRECTORY).join(name), mode).expect("a new file");
            write_all_at(&file, bytes, 0).expect("room for the image");
            file.sync().expect("a durable image");
        }
        disk.disk().sync_dir(Path::new(DIRECTORY)).expect("durable names");
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
            Crash::PowerLoss => self.world.power_loss(),
        }
    }

    /// The records of the log that is on the disk now, oldest first.
    pub fn log(&self) -> Vec<LogEntry> {
        inspect::read_log(&self.env(), &self.path()).expect("a readable log")
    }

    /// All files as a reader sees them now.
    pub fn image(&self) -> Image {
        let env = self.env();
        let directory = Path::new(DIRECTORY);
        let names = env.disk().list(directory).expect("a directory");
        let read = |name: String| {
            let file = env.disk().open(&directory.join(&name), OpenMode::default()).expect("a listed file");
            let len = usize::try_from(file.len().expect("a length")).expect("a small file");
            let mut bytes = vec![0; len];
            read_exact_at(&file, &mut bytes, 0).expect("readable bytes");
            (name, bytes)
        };
        names.into_iter().map(read).collect()
    }
}
