//! The failures that many routes have in common, for the OpenAPI document.

use utoipa::IntoResponses;

use super::ErrorBody;

/// What every route may answer when Rally itself cannot.
#[derive(IntoResponses)]
pub enum AnyFailure {
    /// Something broke.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// The store does not answer.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

/// What every admin route may answer to those it does not let in.
#[derive(IntoResponses)]
pub enum AdminFailure {
    /// No valid token.
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// The token does not allow this, or not here.
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// There is no such workspace, or nothing of this id in it.
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// More requests than a token may make; `Retry-After`, `RateLimit` and `RateLimit-Policy` say when to come again.
    #[response(status = 429)]
    TooMany(ErrorBody),
    /// Something broke.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// The store does not answer.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

/// What every route that reads a body may answer to a bad one.
#[derive(IntoResponses)]
pub enum BodyFailure {
    /// Not JSON, or fields that are not what they must be, all of them named.
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
