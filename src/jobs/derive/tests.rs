//! Derivation by values.
