//! Use cases: free functions that call the ports in order. They hold what lies between two ports and no rule of their own.

pub mod bulk;
pub mod configure;
pub mod invite;
pub mod join;
