//! Rot: bits that turn over on the disk, where the database must repair them, say so, or at least not lie.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use numstore::Database;

use crate::judge::{Finding, Salvage, check_detected, check_salvage};
use crate::model::Streams;
use crate::script::Rot;
use crate::world::{SimEnv, World};

use super::stage::{BLOCK_BYTES, Done, Down, PATH, Phase, RottenLog, SLOTS_BYTES, Stage};

/// Bytes of a batch's header that are worth a hit.
const BATCH_HEADER: u64 = 80;

impl Stage {
    pub(super) fn rot(&mut self, rot: Rot) -> Done {
        let rotten = match rot {
            Rot::Slot { at, bit } => self.rot_slot(at, bit),
            Rot::Log { back, at, bit } => self.rot_log(back, at, bit),
            Rot::Node { at, bit } => self.rot_node(at, bit),
        };
        if rotten.is_some() { Done::Performed } else { Done::Skipped }
    }

    /// After a proper end one of the superblock's two slots may rot.
    fn rot_slot(&mut self, at: u64, bit: u8) -> Option<()> {
        let fits = matches!(&self.phase, Phase::Down(Down { clean: true, .. }));
        // A slot may be old because its last write landed elsewhere; until an opening the other one is all that there is.
        // After lies a log may lie there that goes on from a state that both slots have lost, and contradicts the last one.
        let has_lied = self.world.counters().lies > 0;
        let spare = self.rotten_slot.is_none() && !self.is_betrayed() && !has_lied;
        if !fits || !spare || at >= SLOTS_BYTES {
            return None;
        }
        self.rotten_slot = Some(self.failures());
        reached!("a bit rotted that a superblock needs", at % BLOCK_BYTES < 512);
        self.flip(Path::new(PATH), at, bit);
        Some(())
    }

    /// A batch rots that is not the last in the log. The database does not open, or it opens as it must; and once the
    /// bit is back it opens.
    fn rot_log(&mut self, back: u64, at: u64, bit: u8) -> Option<()> {
        let Phase::Down(Down { whole_log: true, rotten: None, .. }) = &self.phase else { return None };
        let (path, start, len) = self.batch(back)?;
        let at = start + at % len;
        let byte = self.flip(&path, at, bit);
        let Phase::Down(down) = &mut self.phase else { return None };
        down.rotten = Some(RottenLog { path, at, bit, byte });
        Some(())
    }

    /// Bits rot in the data file, beyond what can be repaired.
    fn rot_node(&mut self, at: u64, bit: u8) -> Option<()> {
        let states = match &self.phase {
            Phase::Down(Down { clean: true, history, .. }) if self.rotten_slot.is_none() => {
                vec![history.newest().clone()]
            }
            Phase::Ruined(states) => states.clone(),
            _ => return None,
        };
        if self.world.crashed() || !(SLOTS_BYTES..self.data_bytes()).contains(&at) {
            return None;
        }
        self.world.disarm();
        self.flip(Path::new(PATH), at, bit);
        self.phase = Phase::Ruined(states);
        Some(())
    }

    /// The rotten bit of the log turns back.
    pub(super) fn mend(&mut self) -> Done {
        let Phase::Down(down) = &mut self.phase else { return Done::Skipped };
        let Some(rotten) = down.rotten.take() else { return Done::Skipped };
        let RottenLog { path, at, bit, byte } = rotten;
        // A file that is gone, or was written again, is not damaged any more.
        let now = self.world.read_file(&path).ok().and_then(|bytes| bytes.get(at as usize).copied());
        if now == Some(byte) {
            self.flip(&path, at, bit);
        }
        Done::Performed
    }

    /// Turns a bit over; returns the byte as it is now.
    fn flip(&self, path: &Path, at: u64, bit: u8) -> u8 {
        self.world.note(&format!("  byte {at} of {} rots", path.display()));
        self.world.flip(path, at, bit);
        let bytes = self.world.read_file(path).unwrap_or_default();
        bytes.get(at as usize).copied().unwrap_or(0)
    }

    /// The batch of the newest log that is `back` before the last but one: where it is, and how long. The last one would
    /// look torn.
    fn batch(&self, back: u64) -> Option<(PathBuf, u64, u64)> {
        let (path, _) = newest_log(&self.world)?;
        let log = self.world.read_file(&path).ok()?;
        let mut batches: Vec<(u64, u64, u64)> = Vec::new();
        for (index, block) in log.chunks_exact(BLOCK_BYTES as usize).enumerate() {
            let number = |at: usize| u64::from_le_bytes(block[at..at + 8].try_into().expect("eight bytes"));
            if block.starts_with(b"NSLB") {
                batches.push((number(32), index as u64 * BLOCK_BYTES, number(56) & 0xffff_ffff));
            }
        }
        batches.sort_unstable();
        let place = (batches.len() as u64).checked_sub(back.saturating_add(2))?;
        let (_, at, bytes) = batches[place as usize];
        Some((path, at, BATCH_HEADER + bytes))
    }

    /// Opens a database that is beyond repair: nothing that is answered may be wrong.
    pub(super) fn read_ruin(&mut self) -> Result<Done, Finding> {
        let Phase::Ruined(states) = &self.phase else { return Ok(Done::Skipped) };
        self.world.relieve();
        match self.geometry.options().open_in(self.world.env(), PATH) {
            Ok(db) => check_salvage(&salvage(&db, states), states)?,
            Err(e) => check_detected(&e)?,
        }
        Ok(Done::Performed)
    }
}

/// Reads all that can be read of what a database may show that was in one of these states.
pub(super) fn salvage(db: &Database<SimEnv>, states: &[Streams]) -> Salvage {
    let snapshot = db.snapshot();
    let mut names: BTreeSet<String> = states.iter().flat_map(|state| state.keys().cloned()).collect();
    let list = snapshot.list().map(|list| names.extend(list.into_iter().map(|info| info.name)));
    let read = |name: String| {
        let got = snapshot.stream(&name).and_then(|stream| stream.read(..));
        (name, got)
    };
    Salvage { list, streams: names.into_iter().map(read).collect() }
}

/// The newest log, and how long it is.
pub(super) fn newest_log(world: &World) -> Option<(PathBuf, u64)> {
    let generation = |path: &Path| path.to_str()?.rsplit_once("-log-")?.1.parse::<u64>().ok();
    let files = world.files().into_iter();
    let logs = files.filter_map(|(path, len)| Some((generation(&path)?, path, len)));
    logs.max().map(|(_, path, len)| (path, len))
}
