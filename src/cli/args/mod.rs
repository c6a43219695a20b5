//! Options that several verbs share. All values are text; `settings` interprets them.

pub mod command;
pub mod display;
pub mod sweep;
