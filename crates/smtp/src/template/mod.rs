//! Templates of mail: the engine, its check, and the built-in ones.

mod built_in;
mod check;
mod engine;
mod filters;
mod variables;
mod words;

pub use self::engine::Templates;
