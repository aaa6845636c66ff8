//! Commands: requested changes, and the pure decisions on them.
//!
//! A command has everything that its decision needs and that does not depend on stored state: the client's input, new ids and the time. It
//! also names its [`Actor`](crate::actor::Actor). An adapter loads the *facts* of the command in a transaction and calls `decide`. It
//! writes the whole plan or nothing. The rule exists only here, so that all stores have the same one. The plan of an admin's change comes
//! as [`Audited`](crate::audit::Audited), with the rows of the audit log about it, so a store does not forget them. One plan is not: a
//! suppression that may be there already comes with its rows from [`Suppress::kept`](Suppress::kept), once the store knows.

mod api_key;
mod confirmation;
mod confirmation_group;
mod decide_referrals;
mod entry;
mod erasure;
mod import;
mod mail_template;
mod profile;
mod replay;
mod restore;
mod session;
mod settings;
mod sign_up;
mod sign_up_group;
mod suppression;
mod test_mail;
mod token;
mod variant;
mod waitlist;
mod webhook;
mod workspace;

pub use api_key::{CreateApiKey, RevokeApiKey};
pub use confirmation::{
    DeleteRequest, Refuse, RefusePlan, RequestMail, RequestMailFacts, RequestMailPlan, RequestMailRejection, Resend, ResendRejection, Wish,
};
pub use confirmation_group::{RequestGroup, RequestGroupFacts, RequestedList, asked_addresses};
pub use decide_referrals::{
    CreditedEntry, DecideReferrals, DecideReferralsFacts, DecideReferralsPlan, DecideReferralsRejection, Decided, Selected,
};
pub use entry::{
    DeleteEntry, EntryFacts, EntryRejection, InvitationPlan, InviteMail, InviteRejection, Invited, RecordInvitation, Review, ReviewEntry,
    ReviewPlan,
};
pub use erasure::{EraseEntry, ErasurePlan};
pub use import::{
    AddFacts, AddPlan, CancelImport, EntryUpdate, IMPORTED_REFERRALS, ImportRejection, ImportWork, LinkFacts, LinkPlan, RowIds, StageRows,
};
pub use mail_template::{DeleteTemplate, PutTemplate, PutTemplateFacts, TemplateRejection};
pub use profile::{ProfileChange, ProfilePlan, ProfileRejection, ReplaceLink, ReplaceLinkRejection, UpdateProfile};
pub use replay::{ReplayDeliveries, ReplayFacts, ReplayPlan, ReplayRejection, ReplayState, ResendDelivery};
pub use restore::{NOT_EMPTY, RestoreFacts, RestorePlan};
pub use session::{BeginSession, CreateSignInLink, EndSession, NoteUse, SpendLink, SpendLinkRejection, TrySignIn, TrySignInRejection};
pub(crate) use settings::missing_for_notifications;
pub use settings::{CheckedSender, UpdateSettings, UpdateSettingsRejection};
#[cfg(test)]
pub(crate) use sign_up::tests;
pub use sign_up::{ReferralIds, ReferrerFacts, SignUp, SignUpFacts, SignUpPlan, SignUpRejection};
pub use sign_up_group::{CodeOwner, Confirmed, GroupFacts, SignUpGroup};
pub use suppression::{LiftSuppression, Suppress, SuppressFacts, SuppressRejection, Unsubscribe, UnsubscribePlan, UnsubscribeRejection};
pub use test_mail::{TestMail, TestMailFacts, TestMailRejection};
pub use token::MintToken;
pub use variant::{CreateVariant, CreateVariantFacts, DeleteVariant, UpdateVariant, VariantFacts, VariantRejection};
pub use waitlist::{
    ChangeWaitlistStatus, ChangeWaitlistStatusRejection, CreateWaitlist, CreateWaitlistFacts, CreateWaitlistPlan, CreateWaitlistRejection,
    DeleteWaitlist, StatusChange, UpdateWaitlist, UpdateWaitlistRejection,
};
pub use webhook::{
    CreateWebhook, CreateWebhookFacts, DeleteWebhook, RotateSecret, RotateSecretFacts, RotateSecretPlan, TestWebhook, UpdateWebhook,
    WebhookRejection,
};
pub use workspace::{CreateWorkspace, DeleteWorkspace, RenameWorkspace, SlugFacts, WorkspaceRejection};
