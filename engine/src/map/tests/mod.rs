//! The map against models.
