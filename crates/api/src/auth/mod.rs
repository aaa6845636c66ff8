//! Who calls the admin surface, and what they may do.

mod action;
mod api_key;
mod jwks;
mod permission;
mod token;

pub use action::{Action, Scope};
pub use api_key::ApiKeys;
pub use permission::{Admin, Granted, Permission, permit};
pub use token::{Authenticator, Claims, WorkspaceClaim};
