//! Routes for operators, and the pages of the documentation.

pub mod docs;
pub mod health;
pub mod metrics;

use std::time::Duration;

/// How long the store may take to answer a probe.
const PROBE: Duration = Duration::from_secs(2);
