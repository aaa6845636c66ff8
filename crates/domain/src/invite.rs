//! Invitations: the request to the service that invites into an app, its answer, and the link of a list that needs no service.

use crate::email::Email;
use crate::entry::Entry;
use crate::error::{Invalid, RemoteError};
use crate::id::{EntryId, WorkspaceId};
use crate::secret::{StoreSecret, TokenUse};
use crate::text::{Lines, PersonName, clean};
use crate::web_url::WebUrl;

/// A request to invite one person into one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRequest {
    /// The workspace of the app.
    pub workspace_id: WorkspaceId,
    /// The app's name in URLs.
    pub app_slug: String,
    /// The entry of the person. An entry gets one invitation into an app.
    pub entry_id: EntryId,
    /// The person's address.
    pub email: Email,
    /// The person's name.
    pub name: PersonName,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The id of the invitation, as the service writes it.
    pub id: String,
    /// The URL where the person accepts it, if there is one.
    pub url: Option<String>,
}

/// The link by which a list invites without a service: a URL in which `{email}` and `{code}` stand for the address and the code of a
/// person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteUrl(String);

impl InviteUrl {
    /// The most characters.
    pub const MAX: usize = 2048;

    /// Reads a link. An empty text is none.
    ///
    /// # Errors
    /// If it is too long, names something else in braces, has white space in it, or is not an absolute http or https URL with values in its
    /// places, all of them after the host.
    pub fn parse_optional(text: &str) -> Result<Option<Self>, Invalid> {
        let text = clean(text, Self::MAX, Lines::One)?;
        if text.is_empty() {
            return Ok(None);
        }
        // What stands around the places is looked at part by part. Joined, the parts could make a place of their own.
        if text.split("{email}").flat_map(|part| part.split("{code}")).any(|part| part.contains(['{', '}'])) {
            return Err(Invalid::new("can have {email} and {code} in braces, and nothing else"));
        }
        let link = Self(text);
        WebUrl::parse(&link.fill("ada@example.com", "code"))?;
        let (_, rest) = link.0.split_once("://").ok_or_else(|| Invalid::new("must begin with https:// or http://"))?;
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        if authority.contains('{') {
            return Err(Invalid::new("can have {email} and {code} after the host only"));
        }
        Ok(Some(link))
    }

    /// Returns the link with its places still open.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the invitation of an entry. Its id is the code, which only the secret of the store gives, and is always the same.
    pub fn invite(&self, entry: &Entry, secret: &StoreSecret) -> Invite {
        let code = secret.token(TokenUse::Invite, entry.id.uuid(), 0);
        let url = Some(self.fill(entry.profile.email.as_str(), &code));
        Invite { id: code, url }
    }

    fn fill(&self, email: &str, code: &str) -> String {
        self.0.replace("{email}", &encode(email)).replace("{code}", &encode(code))
    }
}

/// Writes a text for any part of a URL after the host (RFC 3986, section 2.1).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// What invites a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvitedBy {
    /// A service, into an app.
    App {
        /// The app's name in URLs.
        slug: String,
        /// The answer of the service.
        invite: Invite,
    },
    /// The link of the list. No service was asked.
    Link,
}

/// Why a person was not invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The workspace has no app of that name.
    #[error("there is no such app in this workspace")]
    UnknownApp,
    /// The person has access to the app already.
    #[error("somebody with this e-mail address is in the app already")]
    AlreadyUser,
    /// The service failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str) -> Result<Option<String>, Invalid> {
        InviteUrl::parse_optional(text).map(|link| link.map(|link| link.fill("ada+ü&x@example.com", "a-_1")))
    }

    #[test]
    fn a_link_is_filled_in_for_a_url() {
        let filled = |text: &str| link(text).unwrap().unwrap();
        assert_eq!(
            filled("https://app.example/join?e={email}&c={code}"),
            "https://app.example/join?e=ada%2B%C3%BC%26x%40example.com&c=a-_1"
        );
        assert_eq!(filled("http://localhost:3000/{code}/{code}#{email}"), "http://localhost:3000/a-_1/a-_1#ada%2B%C3%BC%26x%40example.com");
        assert_eq!(filled(" https://app.example/ "), "https://app.example/");
        assert_eq!(link(" "), Ok(None));
    }

    #[test]
    fn a_link_is_an_absolute_url_that_names_nothing_else() {
        let long = format!("https://app.example/{}", "x".repeat(InviteUrl::MAX));
        let bad = [
            "https://app.example/{co{email}de}",
            "https://app.example/a b?c={code}",
            "https:app.example/{code}",
            "https://{code}.example/",
            "https://{email}:{code}@app.example/",
            "https://app.example:{code}/",
            "{code}://app.example/",
            "join",
            "/join?c={code}",
            "javascript:{code}",
            "ftp://app.example/{code}",
            "https://",
            "https://{email}/",
            &long,
        ];
        for bad in bad.into_iter().chain(["https://app.example/{name}", "https://app.example/{{code}}", "https://app.example/{", "h\u{0}"])
        {
            assert!(link(bad).is_err(), "{bad}");
        }
    }
}
