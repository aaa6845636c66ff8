//! Commands: what somebody wants changed, and the pure decision what that means.
//!
//! A command carries everything the decision needs that does not depend on stored state: the caller's input, new ids,
//! the time. An adapter loads the command's *facts* inside a transaction, calls `decide`, and writes the whole plan or
//! nothing. The rule is here and nowhere else, so that every store has the same.

mod entry;
mod settings;
mod sign_up;
mod sign_up_group;
mod variant;
mod waitlist;
mod webhook;
mod workspace;

pub use entry::{
    EntryFacts, EntryRejection, InvitationPlan, InviteMail, InviteRejection, RecordInvitation, Review, ReviewEntry, ReviewPlan,
};
pub(crate) use settings::missing_for_notifications;
pub use settings::{CheckedSender, UpdateSettings, UpdateSettingsRejection};
#[cfg(test)]
pub(crate) use sign_up::tests;
pub use sign_up::{ReferrerFacts, SignUp, SignUpFacts, SignUpPlan, SignUpRejection};
pub use sign_up_group::{CodeOwner, GroupFacts, SignUpGroup};
pub use variant::{CreateVariant, CreateVariantFacts, UpdateVariant, VariantRejection};
pub use waitlist::{
    ChangeWaitlistStatus, ChangeWaitlistStatusRejection, CreateWaitlist, CreateWaitlistFacts, CreateWaitlistPlan, CreateWaitlistRejection,
    StatusChange, UpdateWaitlist, UpdateWaitlistRejection,
};
pub use webhook::{
    CreateWebhook, CreateWebhookFacts, RotateSecret, RotateSecretFacts, RotateSecretPlan, TestWebhook, UpdateWebhook, WebhookRejection,
};
pub use workspace::{CreateWorkspace, RenameWorkspace, SlugFacts, WorkspaceRejection};
