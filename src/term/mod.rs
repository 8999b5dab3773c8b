//! The terminal itself: what state it is in, what comes from it, what goes to it.
//!
//! Owns raw mode and every other mode ([`guard`]), signals ([`signals`]), keys ([`input`]), the one write a frame
//! ([`output`], [`paint`]), what the terminal can do ([`caps`]), its clipboard ([`clipboard`]), how it tells of
//! something ([`notify`]), programs that borrow it or run beside it ([`child`]) and what passes through it untouched ([`raw`]). Must not know what is drawn or what a key means.

pub mod caps;
pub mod child;
pub mod clipboard;
pub mod color;
pub mod guard;
pub mod input;
pub mod notify;
pub mod output;
pub mod paint;
mod passage;
pub mod raw;
pub mod signals;
