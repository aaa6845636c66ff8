//! The admin surface: routes that need a token.

pub mod analytics;
pub mod api_keys;
pub mod audit;
pub mod confirmations;
pub mod entries;
pub mod events;
pub mod imports;
pub mod mail_templates;
pub mod mails;
pub mod referrals;
pub mod settings;
pub mod suppressions;
pub mod variants;
pub mod waitlists;
pub mod webhooks;
