//! Authentication of clients of the admin surface, and their permissions.

mod action;
mod api_key;
mod console;
mod jwks;
mod oidc;
mod permission;
mod provider_key;
mod session;
mod token;

pub use action::{Action, Scope};
pub use api_key::{find_api_key, is_api_key, issue_api_key, verify_api_key};
pub use console::ConsoleDoor;
pub use oidc::{Admins, Callback, Oidc, OidcError};
pub use permission::{Admin, Granted, Permission, permit};
pub(crate) use permission::{authorise, authorise_again};
pub use session::{SignedIn, create_sign_in_link, find_session, is_usable, sign_in_by_key, sign_in_by_link, sign_in_by_provider};
pub use token::{Authenticator, Claims, WorkspaceClaim};
