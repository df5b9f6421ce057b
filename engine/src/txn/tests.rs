//! What of the layer is easier to see from inside.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Era, Lsn};
use crate::catalog::{Catalog, Overlay, Version};
use crate::env::RealEnv;
use crate::format::map_root::MapRoot;
use crate::map::DEFAULT_MAP_NODE_BYTES;

use super::Published;

fn version(committed: u64, era: u64) -> Arc<Version> {
    let catalog = Catalog::from_roots(&MapRoot::default(), &MapRoot::default(), DEFAULT_MAP_NODE_BYTES);
    Arc::new(Version::new(catalog.maps().clone(), &Overlay::default(), Lsn(committed), Era(era)))
}

/// A flight tells up to where everything is durable before the log knows. Whoever makes a version in between, which has no
/// newer commit in it, asks the log; that version waited for the next flight.
#[test]
fn a_version_that_is_durable_already_waits_for_nothing() {
    let published: Published<RealEnv> = Published::new(version(1, 0));
    published.push(version(5, 1));
    published.publish(Lsn(5), || Duration::ZERO);
    let rolled_back = version(5, 2);
    published.push(Arc::clone(&rolled_back));
    published.publish(Lsn(1), || Duration::ZERO);
    assert!(Arc::ptr_eq(&published.get(), &rolled_back));
    published.push(version(6, 3));
    published.publish(Lsn(1), || Duration::ZERO);
    assert!(Arc::ptr_eq(&published.get(), &rolled_back), "that one is not durable");
}
