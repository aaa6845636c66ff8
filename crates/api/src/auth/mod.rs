//! Authentication of clients of the admin surface, and their permissions.

mod action;
mod api_key;
mod jwks;
mod permission;
mod provider_key;
mod token;

pub use action::{Action, Scope};
pub use api_key::{is_api_key, issue_api_key, verify_api_key};
pub(crate) use permission::authorise;
pub use permission::{Admin, Granted, Permission, permit};
pub use token::{Authenticator, Claims, WorkspaceClaim};
