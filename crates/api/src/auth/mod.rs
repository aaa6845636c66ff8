//! Who calls the admin surface, and what they may do.

mod action;
mod jwks;
mod permission;
mod token;

pub use action::{Action, Scope};
pub use permission::{Admin, Granted, Permission, permit};
pub use token::{Authenticator, Claims, WorkspaceClaim};
