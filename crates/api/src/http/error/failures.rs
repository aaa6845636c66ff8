//! Failures that many routes have in common, for the OpenAPI document.

use utoipa::IntoResponses;

use super::ErrorBody;

/// Failures of every route.
#[derive(IntoResponses)]
pub enum AnyFailure {
    /// Something broke.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// The store does not answer.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

/// Failures of every route that a token in the path opens.
#[derive(IntoResponses)]
pub enum LinkFailure {
    /// The link does not exist or has ended.
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// Too many requests from this address, whatever their tokens were. `Retry-After` says when to try again.
    #[response(status = 429)]
    TooMany(ErrorBody),
}

/// Failures of every admin route.
#[derive(IntoResponses)]
pub enum AdminFailure {
    /// The request has no valid token.
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// The token does not allow this action, or is for another workspace.
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// There is no such workspace, or it has no object with this id.
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// Too many requests with this token. `Retry-After`, `RateLimit` and `RateLimit-Policy` say when to try again.
    #[response(status = 429)]
    TooMany(ErrorBody),
    /// Something broke.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// The store does not answer.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

/// Failures of every route that reads a body.
#[derive(IntoResponses)]
pub enum BodyFailure {
    /// The body is not JSON, or has bad fields. The reply names every bad field.
    #[response(status = 400)]
    Invalid(ErrorBody),
    /// The body did not arrive within 10 seconds.
    #[response(status = 408)]
    Timeout(ErrorBody),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// The body is not `application/json`.
    #[response(status = 415)]
    WrongType(ErrorBody),
}
