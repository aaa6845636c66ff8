//! Links of people: their own page, and the end of mail to them.

use crate::entry::Entry;
use crate::error::{CommandError, FieldError};
use crate::id::EntryId;
use crate::port::Ports;
use crate::secret::{Token, TokenUse};
use crate::use_case::visit;

/// Why a link does nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkRejection {
    /// The token is not that of any link, or of one that has ended.
    #[error("this link does not exist or has ended")]
    NoSuchLink,
    /// New metadata does not answer the custom fields of the waitlist.
    #[error("the metadata does not fit the custom fields of this waitlist")]
    Metadata(Vec<FieldError>),
}

/// Returns the entry whose mail a token ends.
///
/// # Errors
/// If the token is not that of an entry.
pub async fn find_recipient(ports: &Ports, token: &str) -> Result<Entry, CommandError<LinkRejection>> {
    let refused = || CommandError::Rejected(LinkRejection::NoSuchLink);
    let token = Token::parse(token).map_err(|_| refused())?;
    if !ports.links.secret().allows(&token, TokenUse::Unsubscribe, 0) {
        return Err(refused());
    }
    ports.entries.find_by_id(EntryId::new(token.id())).await?.ok_or_else(refused)
}

/// Ends the mail of the workspace to the person of an entry. Repeating it changes nothing.
///
/// # Errors
/// If the token is not that of an entry.
pub async fn unsubscribe(ports: &Ports, token: &str) -> Result<(), CommandError<LinkRejection>> {
    let entry = find_recipient(ports, token).await?;
    Ok(visit::unsubscribe(ports, &entry).await?)
}

/// Returns the entry whose person a token of their own page names.
///
/// # Errors
/// If the token is not that of an entry, or was replaced by another one.
pub async fn find_visitor(ports: &Ports, token: &str) -> Result<Entry, CommandError<LinkRejection>> {
    let refused = || CommandError::Rejected(LinkRejection::NoSuchLink);
    let token = Token::parse(token).map_err(|_| refused())?;
    let entry = ports.entries.find_by_id(EntryId::new(token.id())).await?.ok_or_else(refused)?;
    let allowed = ports.links.secret().allows(&token, TokenUse::Visit, entry.link_generation);
    if allowed { Ok(entry) } else { Err(refused()) }
}
