//! The state of a rate limit, and the headers that report it.

use actix_web::http::header::HeaderName;

/// The header with the state of the limits (draft-ietf-httpapi-ratelimit-headers-10).
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The header with the limits themselves.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The state of a limit after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub(super) name: &'static str,
    pub(super) quota: u32,
    pub(super) window: u64,
    pub(super) remaining: u32,
    /// After a refusal: seconds until one request is allowed. Otherwise: seconds until the whole quota is available.
    pub(super) reset: u64,
}

impl Standing {
    /// The item for this limit in [`RATE_LIMIT_POLICY`].
    pub fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.quota, self.window)
    }

    /// The item for this limit in [`RATE_LIMIT`].
    pub fn state(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, self.reset)
    }
}
