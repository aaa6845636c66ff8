//! Where a client stands with a limit, and the headers that tell it.

use actix_web::http::header::HeaderName;

/// How the state of limits is told (draft-ietf-httpapi-ratelimit-headers-10).
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// What the limits are.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The state of a limit after a request, as its headers tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub(super) name: &'static str,
    pub(super) quota: u32,
    pub(super) window: u64,
    pub(super) remaining: u32,
    /// Seconds until there is one more, or until all is there again.
    pub(super) reset: u64,
}

impl Standing {
    /// This limit's item of [`RATE_LIMIT_POLICY`].
    pub fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.quota, self.window)
    }

    /// This limit's item of [`RATE_LIMIT`].
    pub fn state(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.remaining, self.reset)
    }
}
