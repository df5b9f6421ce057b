//! What every workload has at hand: a folder, the scale of the run, the stores loaded with the same bytes, and a place
//! for its numbers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Result;
use crate::content::{Content, Draw, Edit};
use crate::disk::Disk;
use crate::engines::{Reader, Store, StoreKind, Text, stores};
use crate::harness::{Round, run_rounds};
use crate::model::Model;
use crate::results::Results;

/// How much is done in a round.
#[derive(Clone, Debug)]
pub struct Scale {
    pub rounds: usize,
    /// Durable single insertions.
    pub commits: usize,
    /// Durable single insertions of each peer whose bytes are counted.
    pub counted: usize,
    /// How often they are counted.
    pub count_rounds: usize,
    /// Insertions in one transaction.
    pub batch: usize,
    /// Insertions in a long series of such transactions.
    pub sustained: usize,
    /// Durable single insertions of NumStore's between checkpoints whose bytes are counted.
    pub per_checkpoint: usize,
    /// How many such checkpoints: more than one, or what new segments of its log cost would be shared by too few.
    pub checkpoints: usize,
    /// Random reads.
    pub reads: usize,
    /// Insertions that make a stream an edited one.
    pub edits: usize,
    /// Insertions until a crash, at most.
    pub crash_after: usize,
    /// How long threads run.
    pub window: Duration,
    /// Transactions of a trace that are made durable one by one.
    pub trace_commits: usize,
}

impl Scale {
    /// What numbers worth keeping need.
    pub fn full() -> Scale {
        Scale {
            rounds: 5,
            commits: 1_000,
            counted: 1_024,
            count_rounds: 3,
            batch: 1_000,
            sustained: 600_000,
            per_checkpoint: 20_000,
            checkpoints: 5,
            reads: 200_000,
            edits: 12_000,
            crash_after: 500_000,
            window: Duration::from_millis(1_500),
            trace_commits: 5_000,
        }
    }

    /// The whole set at 64 MiB in under two minutes.
    pub fn quick() -> Scale {
        Scale {
            rounds: 3,
            commits: 60,
            counted: 256,
            count_rounds: 1,
            sustained: 20_000,
            per_checkpoint: 1_000,
            checkpoints: 2,
            reads: 20_000,
            crash_after: 50_000,
            window: Duration::from_millis(250),
            trace_commits: 40,
            ..Scale::full()
        }
    }
}

/// One workload at one size.
pub struct Context<'a> {
    pub workload: &'static str,
    pub size: u64,
    pub scale: &'a Scale,
    pub disk: &'a Disk,
    /// Of this workload alone.
    pub dir: &'a Path,
    pub results: &'a mut Results,
}

impl Context<'_> {
    /// A new, empty folder.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        fresh_folder(self.dir, name)
    }

    /// Measures the rounds and keeps what they give.
    pub fn measure(&mut self, round: impl FnMut(usize) -> Result<Round>) -> Result<()> {
        self.measure_rounds(self.scale.rounds, round)
    }

    /// As [`Context::measure`], `count` rounds.
    pub fn measure_rounds(&mut self, count: usize, round: impl FnMut(usize) -> Result<Round>) -> Result<()> {
        let rounds = run_rounds(count, round)?;
        self.results.add(self.workload, self.size, rounds);
        Ok(())
    }

    /// Compares what a store holds with the model.
    pub fn verify(&mut self, name: &str, store: &dyn Store, model: &Model) -> Result<()> {
        self.note_verified(name, verify_store(store, model))
    }

    /// Compares what a text holds with the model.
    pub fn verify_text(&mut self, name: &str, text: &dyn Text, model: &Model) -> Result<()> {
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        text.visit(&mut |part| found.extend_from_slice(part));
        model.visit(|part| expected.extend_from_slice(part));
        self.note_verified(name, if found == expected { Ok(()) } else { Err("wrong bytes".into()) })
    }

    /// Counts an engine whose bytes were compared with what they should be.
    pub fn note_verified(&mut self, name: &str, compared: Result<()>) -> Result<()> {
        self.results.verified += 1;
        compared
            .map_err(|error| format!("{name} does not hold what {} put there: {error}", self.workload).into())
    }
}

/// A new, empty folder in `dir`.
pub fn fresh_folder(dir: &Path, name: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    if path.exists() {
        fs::remove_dir_all(&path)?;
    }
    fs::create_dir(&path)?;
    Ok(path)
}

/// Compares what a store holds with the model.
pub fn verify_store(store: &dyn Store, model: &Model) -> Result<()> {
    store.snapshot()?.read(&mut |reader| verify_reader(reader, model))
}

/// Compares all that a reader shows with the model.
pub fn verify_reader(reader: &mut dyn Reader, model: &Model) -> Result<()> {
    model.compare(reader.len(), |at, buffer| reader.read_at(at, buffer))
}

/// A store of the fleet.
pub struct Ship {
    pub name: &'static str,
    pub dir: PathBuf,
    pub kind: StoreKind,
    pub store: Box<dyn Store>,
}

/// All stores, loaded with the same bytes and given the same edits, and the model of what they hold.
pub struct Fleet {
    pub ships: Vec<Ship>,
    pub model: Model,
    loaded: u64,
    draw: Draw,
}

impl Fleet {
    /// Loads all stores.
    pub fn load(context: &Context<'_>) -> Result<Fleet> {
        Fleet::load_as(context, "")
    }

    /// As [`Fleet::load`], in folders that end with `suffix`.
    pub fn load_as(context: &Context<'_>, suffix: &str) -> Result<Fleet> {
        let content = Content::new(context.size);
        let mut ships = Vec::new();
        for kind in stores() {
            let dir = context.folder(&format!("{}{suffix}", kind.name))?;
            let mut store = (kind.open)(&dir)?;
            store.load(&content)?;
            ships.push(Ship { name: kind.name, dir, kind, store });
        }
        Ok(Fleet { ships, model: Model::new(content), loaded: context.size, draw: Draw::new(context.size) })
    }

    /// Draws insertions of `bytes` anywhere, and makes them in the model; each store must make them too.
    pub fn insertions(&mut self, count: usize, bytes: usize) -> Vec<Edit> {
        (0..count).map(|_| self.model.insert_anywhere(&mut self.draw, bytes)).collect()
    }

    /// Draws places where `bytes` can be read, in what was loaded and in any file of that length.
    pub fn places(&mut self, count: usize, bytes: usize) -> Vec<u64> {
        (0..count).map(|_| self.draw.place(self.loaded, bytes)).collect()
    }

    /// The stores, each round from another one on.
    pub fn in_turn(&mut self, round: usize) -> impl Iterator<Item = &mut Ship> {
        let count = self.ships.len();
        let (before, after) = self.ships.split_at_mut(round % count);
        after.iter_mut().chain(before)
    }

    /// Compares all stores with the model.
    pub fn verify(&self, context: &mut Context<'_>) -> Result<()> {
        self.ships.iter().try_for_each(|ship| context.verify(ship.name, &*ship.store, &self.model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::Snapshot;

    /// Says yes to every edit and makes none.
    struct Forgetful(Content);

    impl Store for Forgetful {
        fn load(&mut self, _content: &Content) -> Result<()> {
            Ok(())
        }

        fn edit(&mut self, _edits: &[Edit]) -> Result<()> {
            Ok(())
        }

        fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
            Ok(Box::new(Forgetful(self.0.clone())))
        }

        fn close(self: Box<Self>) -> Result<()> {
            Ok(())
        }
    }

    impl Snapshot for Forgetful {
        fn read(mut self: Box<Self>, call: &mut dyn FnMut(&mut dyn Reader) -> Result<()>) -> Result<()> {
            call(&mut *self)
        }
    }

    impl Reader for Forgetful {
        fn len(&self) -> u64 {
            self.0.len
        }

        fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
            self.0.fill(offset, buffer);
            Ok(())
        }

        fn visit(&mut self, _call: &mut dyn FnMut(&[u8])) -> Result<bool> {
            Ok(false)
        }

        fn gather(&mut self, _element: usize, _step: usize) -> Result<Vec<u8>> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn an_engine_that_does_not_do_the_work_is_found() {
        let content = Content::new(100_000);
        let mut model = Model::new(content.clone());
        let mut store = Forgetful(content);
        verify_store(&store, &model).unwrap();
        let mut overwrite = Draw::new(1).insertion(90_000, 50);
        overwrite.deleted = 50;
        store.edit(std::slice::from_ref(&overwrite)).unwrap();
        model.edit(&overwrite);
        let error = verify_store(&store, &model).unwrap_err().to_string();
        assert!(error.contains("wrong bytes"), "{error}");
        model.edit(&Draw::new(2).insertion(90_000, 50));
        let error = verify_store(&store, &model).unwrap_err().to_string();
        assert!(error.contains("100000 bytes where there should be 100050"), "{error}");
    }
}
