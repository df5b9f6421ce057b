//! A database and a log that somebody else wrote, or damaged.
//!
//! An input is either raw bytes for both files, or a list of damages to a valid pair of files. Checksums are left as
//! they are: an attacker who can forge them can forge the data as well, rot and bugs cannot.

use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use numstore::{Database, Options, Result};
use sim::world::SimEnv;

use crate::machine::{DATABASE, Image, boot, image_of};

/// One damage to one file of the valid pair.
#[derive(Arbitrary, Debug)]
enum Damage {
    Set {
        at: u32,
        value: u8,
    },
    Flip {
        at: u32,
        bit: u8,
    },
    Zero {
        at: u32,
        len: u16,
    },
    Truncate {
        at: u32,
    },
    Extend {
        len: u16,
        fill: u8,
    },
    /// A block lands where it does not belong.
    CopyBlock {
        from: u16,
        to: u16,
    },
    SwapBlocks {
        a: u16,
        b: u16,
    },
    Remove,
}

#[derive(Arbitrary, Debug)]
enum Base {
    Crashed,
    Closed,
}

#[derive(Arbitrary, Debug)]
enum Hostile<'a> {
    Raw { database: &'a [u8], log: &'a [u8] },
    Damaged { base: Base, damages: Vec<(bool, Damage)> },
}

const BLOCK: usize = 4096;
const NAME: &str = "s";

/// A valid database, and everything that it ever had committed.
struct Valid {
    crashed: Image,
    closed: Image,
    states: Vec<Vec<u8>>,
}

fn options() -> Options {
    Options::new().leaf_bytes(256).fanout(4).bulk_bytes(8 << 10).log_segment_bytes(16 << 10)
}

fn valid() -> &'static Valid {
    static VALID: OnceLock<Valid> = OnceLock::new();
    VALID.get_or_init(|| make_valid().expect("a healthy machine"))
}

fn make_valid() -> Result<Valid> {
    let world = boot(&Image::new());
    let db = options().open_in(world.env(), DATABASE)?;
    db.create(NAME)?;
    let mut states = vec![Vec::new()];
    for i in 0..6_u8 {
        let mut next = states[states.len() - 1].clone();
        let at = next.len() / 3;
        let bytes: Vec<u8> = (0..1_500_u16).map(|j| (j % 241) as u8 ^ i).collect();
        next.splice(at..at, bytes.iter().copied());
        db.insert(NAME, at as u64, &bytes)?;
        states.push(next);
        if i == 2 {
            db.checkpoint()?;
        }
    }
    let open = db.begin()?;
    open.stream(NAME)?.truncate(7)?;
    db.sync()?;
    world.kill();
    drop((open, db));
    let crashed = image_of(&world);
    options().open_in(world.env(), DATABASE)?.close()?;
    Ok(Valid { crashed, closed: image_of(&world), states })
}

/// Opens whatever `input` says is a database and its log, and uses what opens.
///
/// # Panics
/// When the engine answers with bytes that were never committed.
pub fn open_hostile_file(input: &[u8]) {
    let Ok(hostile) = Hostile::arbitrary_take_rest(Unstructured::new(input)) else { return };
    match hostile {
        Hostile::Raw { database, log } => {
            let mut image = Image::from([("x.ns".to_owned(), database.to_vec())]);
            for generation in 0..3 {
                image.insert(format!("x.ns-log-{generation}"), log.to_vec());
            }
            open_and_use(&image, None);
        }
        Hostile::Damaged { base, damages } => {
            let valid = valid();
            let mut image = match base {
                Base::Crashed => valid.crashed.clone(),
                Base::Closed => valid.closed.clone(),
            };
            for (in_log, damage) in damages.iter().take(16) {
                inflict(&mut image, *in_log, damage);
            }
            open_and_use(&image, Some(&valid.states));
        }
    }
}

fn inflict(image: &mut Image, in_log: bool, damage: &Damage) {
    let Some(name) = image.keys().find(|name| name.contains("-log") == in_log).cloned() else { return };
    if matches!(damage, Damage::Remove) {
        image.remove(&name);
        return;
    }
    let Some(bytes) = image.get_mut(&name) else { return };
    let blocks = bytes.len() / BLOCK;
    if bytes.is_empty() || blocks == 0 {
        return;
    }
    let place = |at: u32| at as usize % bytes.len();
    let block = |at: u16| at as usize % blocks * BLOCK;
    match *damage {
        Damage::Set { at, value } => {
            let at = place(at);
            bytes[at] = value;
        }
        Damage::Flip { at, bit } => {
            let at = place(at);
            bytes[at] ^= 1 << (bit % 8);
        }
        Damage::Zero { at, len } => {
            let at = place(at);
            let end = (at + usize::from(len)).min(bytes.len());
            bytes[at..end].fill(0);
        }
        Damage::Truncate { at } => {
            let at = place(at);
            bytes.truncate(at);
        }
        Damage::Extend { len, fill } => bytes.resize(bytes.len() + usize::from(len), fill),
        Damage::CopyBlock { from, to } => {
            let (from, to) = (block(from), block(to));
            bytes.copy_within(from..from + BLOCK, to);
        }
        Damage::SwapBlocks { a, b } => {
            let (a, b) = (block(a), block(b));
            for i in 0..BLOCK {
                bytes.swap(a + i, b + i);
            }
        }
        Damage::Remove => {}
    }
}

fn open_and_use(image: &Image, states: Option<&[Vec<u8>]>) {
    let world = boot(image);
    let Ok(db) = options().create(false).open_in(world.env(), DATABASE) else { return };
    // Every answer below may be an error; none may be a panic or a lie.
    let _ = read_everything(&db, states);
    let _ = db.verify();
    let _ = write_everywhere(&db);
    let _ = db.close();
}

/// Reads in pieces: a length in the file is not to be trusted with an allocation.
fn read_everything(db: &Database<SimEnv>, states: Option<&[Vec<u8>]>) -> Result<()> {
    let snapshot = db.snapshot();
    for info in snapshot.list()?.into_iter().take(64) {
        let stream = snapshot.stream(&info.name)?;
        let mut bytes = Vec::new();
        let mut piece = vec![0; 10_000];
        while bytes.len() < 1 << 20 {
            let count = stream.read_at(bytes.len() as u64, &mut piece)?;
            bytes.extend_from_slice(&piece[..count]);
            if count < piece.len() {
                break;
            }
        }
        if let Some(states) = states {
            assert_eq!(info.name, NAME, "a stream that never was");
            assert!(states.contains(&bytes), "{} bytes that were never committed", bytes.len());
        }
    }
    Ok(())
}

fn write_everywhere(db: &Database<SimEnv>) -> Result<()> {
    for info in db.list()?.into_iter().take(8) {
        db.insert(&info.name, info.len / 2, b"inserted")?;
        db.remove(&info.name, ..info.len.min(100))?;
    }
    db.create("another")?;
    db.append("another", b"bytes")?;
    db.checkpoint()
}
