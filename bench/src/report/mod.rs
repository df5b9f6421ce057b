//! The numbers as JSON, and as a page with plots that needs nothing else.

pub mod html;
pub mod json;
pub mod svg;
