//! What the simulated program does: drawn from the seed, with the model in view so that most of it makes sense.

mod alike;
mod arguments;
mod clients;
mod generator;
mod operation;
mod scenes;
mod swarm;
mod typing;

#[cfg(test)]
mod tests;

pub use generator::Generator;
pub use operation::Operation;
pub(crate) use swarm::DEFERRED_DELAY;
pub use swarm::{Geometry, Swarm, Weights};
