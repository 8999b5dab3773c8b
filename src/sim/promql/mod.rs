//! `PromQL`: a parsed expression, evaluated over samples as Prometheus does it.
//!
//! Owns values, functions, aggregation and vector matching. Parsing is `promql-parser`'s; where samples come from is the
//! [`Source`]'s. Pure: no clock, no store. What is not evaluated here is told as such, never answered wrongly.

mod aggregate;
mod binary;
mod eval;
mod fetched;
mod functions;
mod labels;
mod source;
mod value;
mod window;

pub(crate) use eval::{Answer, instant, parse, range};
pub(crate) use fetched::matchers as selector_matchers;
pub(crate) use labels::{Labels, NAME};
pub(crate) use source::{Fault, Series, Source, equal_matchers, is_meant, stale};
pub(crate) use value::Sample;

#[cfg(test)]
mod tests;
