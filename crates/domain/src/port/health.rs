//! The state of a store as a whole.

use async_trait::async_trait;

use crate::error::Fault;

/// The state of a store as a whole.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Whether the store answers and takes writes now.
    async fn ping(&self) -> Result<(), Fault>;

    /// Connections in use and at most, for the gauges.
    fn connections(&self) -> Connections;
}

/// How much of a connection pool is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Connections in use.
    pub in_use: usize,
    /// The most connections that there may be.
    pub most: usize,
}
