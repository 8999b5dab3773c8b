//! Widgets: small pure things that views are made of.
//!
//! They know text, roles and areas. Must not know the model.

pub mod frame;
pub mod picker;
pub mod rich;
pub mod spark;
pub mod table;
pub mod text;
