//! The space against a model of single blocks.
