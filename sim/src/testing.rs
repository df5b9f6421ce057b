//! The simulated machine for tests that say themselves what happens and when it crashes.
//!
//! ```
//! use sim::testing::{Persist, World};
//!
//! let world = World::new(1);
//! let db = numstore::Options::new().open_in(world.env(), "db/x.ns")?;
//! db.create("s")?;
//! db.append("s", b"bytes")?;
//! drop(db);
//! world.power_loss(Persist::None);
//!
//! let db = numstore::Options::new().open_in(world.env(), "db/x.ns")?;
//! assert_eq!(db.read("s", ..)?, b"bytes");
//! # Ok::<(), numstore::Error>(())
//! ```

pub use crate::runner::observe;
pub use crate::world::{Persist, SimEnv, World, WorldCounters, WriteFault};
