//! The pages. Each is a struct with what it shows, and [`Page::html`](crate::Page::html) writes it.
//!
//! The comment of a page says which part of the API has the same content. What a session may not read stays empty or `None`.

mod access;
mod confirmations;
mod entries;
mod entry;
mod form_page;
mod imports;
mod lists;
mod mail;
mod plain;
mod referrals;
mod settings;
mod variants;
mod webhooks;

pub use self::access::{
    AuditChange, AuditPage, AuditRow, KeyRow, KeysPage, SessionRow, SessionsPage, SignInLinkPage, SignInPage, WorkspaceRow, WorkspacesPage,
};
pub use self::confirmations::{ConfirmationRow, ConfirmationsPage};
pub use self::entries::{EntriesPage, EntryFilter, EntryRow, FieldFilter};
pub use self::entry::{EntryPage, EntryView, EventRow, Person};
pub use self::form_page::FormPage;
pub use self::imports::{ImportPage, ImportRow, ImportsPage};
pub use self::lists::{Decisions, LeaderRow, ListRow, ListsPage, Numbers, OverviewPage};
pub(crate) use self::mail::KEPT_BACK;
pub use self::mail::{
    MailLogPage, MailPreviewPage, MailRow, MailSettingsPage, SuppressionAnswer, SuppressionRow, SuppressionsPage, TemplatePage,
    TemplateRow, TemplatesPage,
};
pub use self::plain::{ConfirmPage, ErrorPage, HelpPage, Secret, SecretPage};
pub use self::referrals::{DecidePage, Effect, PolicyPage, PolicyPreview, ReferralRow, ReferralsPage, RingRow, RingsPage};
pub use self::settings::{Conflict, SettingsPage};
pub use self::variants::{VariantPage, VariantRow, VariantsPage};
pub use self::webhooks::{DeliveryRow, WebhookPage, WebhookRow, WebhooksPage};

/// Gives a page its frame, its place in the navigation and its heading, and says when its form was refused.
macro_rules! framed {
    ($page:ident, $here:ident, |$this:ident| $title:expr $(, |$that:ident| $refused:expr)?) => {
        impl $crate::frame::Framed for $page {
            fn frame(&self) -> &$crate::frame::Frame {
                &self.frame
            }

            fn here(&self) -> $crate::frame::Here {
                $crate::frame::Here::$here
            }

            fn title(&self) -> String {
                let $this = self;
                $title
            }
            $(
                fn is_refused(&self) -> bool {
                    let $that = self;
                    $refused
                }
            )?
        }
    };
}

use framed;
