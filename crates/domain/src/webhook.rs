//! Webhooks: the URLs that get the events of a workspace, their secrets, and when Rally gives a webhook up.

use std::fmt;

use time::Duration;
use url::Url;

use crate::error::Invalid;
use crate::event::EventKind;
use crate::id::{WebhookId, WorkspaceId};
use crate::queue::RetrySchedule;
use crate::timestamp::Timestamp;

/// The most webhooks of a workspace.
pub const MAX_WEBHOOKS: u64 = 50;

/// The most events that one request sends to a webhook once more.
pub const MAX_REPLAYED: usize = 10_000;

/// How long after a rotation deliveries are also signed with the old secret.
pub const ROTATION_OVERLAP: Duration = Duration::hours(24);

/// The URL of a webhook: an absolute http or https URL without user information or fragment.
///
/// The sender decides which hosts and addresses may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    /// The most characters, as given and as normalised.
    pub const MAX: usize = 2048;

    /// Reads a URL (WHATWG URL Standard) and keeps its normalised form.
    ///
    /// # Errors
    /// If the URL is too long, not absolute, of another scheme, or has a part that a webhook's URL must not have.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.chars().count() > Self::MAX {
            return Err(Invalid::new(format!("must be at most {} characters", Self::MAX)));
        }
        // The parser drops tabs and line breaks silently. Nobody could know what the URL should have been.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Invalid::new("must not contain white space or control characters"));
        }
        let url = Url::parse(text).map_err(|_| Invalid::new("must be an absolute https URL"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(Invalid::new("must be an absolute https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Invalid::new("must not contain a user name or password"));
        }
        if url.fragment().is_some() {
            return Err(Invalid::new("must not contain a fragment"));
        }
        if url.port() == Some(0) {
            return Err(Invalid::new("must not name port 0"));
        }
        if url.as_str().len() > Self::MAX {
            return Err(Invalid::new(format!("must be at most {} characters", Self::MAX)));
        }
        Ok(Self(url))
    }

    /// Returns the URL.
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// Returns the URL as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The kinds of event that a webhook is subscribed to: at least one, each once, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    kinds: Vec<EventKind>,
    /// The names of kinds that a newer program stored. This program keeps them.
    newer: Vec<String>,
}

impl Subscription {
    /// Reads the names of kinds of event.
    ///
    /// # Errors
    /// If there is no name, a name is unknown, or a name is repeated.
    pub fn parse(names: &[String]) -> Result<Self, Invalid> {
        let kinds = names.iter().map(|name| EventKind::parse(name)).collect::<Result<Vec<_>, _>>();
        let kinds = kinds.map_err(|_| Invalid::new(format!("must be of {}", EventKind::names())))?;
        let repeated = kinds.iter().enumerate().any(|(n, kind)| kinds[..n].contains(kind));
        if kinds.is_empty() || repeated {
            return Err(Invalid::new("must name one or more events, each once"));
        }
        Ok(Self { kinds, newer: Vec::new() })
    }

    /// Reads the names with commas between, as a store keeps them. A name that this program does not know stays as it is.
    pub fn from_stored(names: &str) -> Self {
        let (mut kinds, mut newer) = (Vec::new(), Vec::new());
        for name in names.split(',') {
            match EventKind::parse(name) {
                Ok(kind) => kinds.push(kind),
                Err(_) => newer.push(name.to_owned()),
            }
        }
        Self { kinds, newer }
    }

    /// Returns the kinds.
    pub fn kinds(&self) -> &[EventKind] {
        &self.kinds
    }
}

/// The names with commas between, as a store keeps them.
impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).chain(self.newer.iter().map(String::as_str)).collect();
        f.write_str(&names.join(","))
    }
}

/// A webhook of a workspace, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The id of the webhook.
    pub id: WebhookId,
    /// The workspace whose events it gets.
    pub workspace_id: WorkspaceId,
    /// The URL that the events are sent to.
    pub url: WebhookUrl,
    /// The kinds of event that it is subscribed to.
    pub events: Subscription,
    /// Whether the webhook gets events. It never gets an event that happens while it is disabled.
    pub active: bool,
    /// How often it was disabled or enabled. A delivery that was written for another generation is not sent.
    pub generation: u64,
    /// Failed attempts since the last success.
    pub failure_count: u32,
    /// When the first of these attempts ended.
    pub first_failure_at: Option<Timestamp>,
    /// The status of the last answer. `None` means that there was no answer or no attempt.
    pub last_status_code: Option<u16>,
    /// When the last attempt ended.
    pub last_attempt_at: Option<Timestamp>,
    /// When Rally disabled the webhook because it failed.
    pub auto_disabled_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Webhook {
    /// Enables or disables the webhook. It stays the same if it has that state already.
    #[must_use]
    pub fn switched(self, active: bool) -> Self {
        let generation = self.generation + u64::from(self.active != active);
        Self { active, generation, ..self }
    }
}

/// The key that signs deliveries: 24 to 64 random bytes, shown as `whsec_` and base64 (Standard Webhooks 1.0).
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Wraps random bytes.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// A signing secret as a store keeps it. It is encrypted, and the domain cannot read it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Vec<u8>);

impl SealedSecret {
    /// Wraps encrypted bytes.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the encrypted bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret")
    }
}

/// The secrets that sign the deliveries of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecrets {
    /// The secret that was shown last.
    pub current: SealedSecret,
    /// The secret before it, for [`ROTATION_OVERLAP`] after a rotation.
    pub previous: Option<SealedSecret>,
}

/// When a delivery is retried, and when a webhook is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// When a delivery is retried.
    pub schedule: RetrySchedule,
    /// How long a webhook may fail without a success before Rally disables it.
    pub disable_after: Duration,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self { schedule: RetrySchedule::default(), disable_after: Duration::days(5) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_kind_that_only_a_newer_program_knows_is_kept() {
        let subscription = Subscription::from_stored("entry.created,entry.sung,entry.approved");
        assert_eq!(subscription.kinds(), [EventKind::EntryCreated, EventKind::EntryApproved]);
        assert_eq!(subscription.to_string(), "entry.created,entry.approved,entry.sung");
        assert!(Subscription::parse(&["entry.sung".to_owned()]).is_err());
    }

    #[test]
    fn a_url_is_absolute_and_plain() {
        for (given, kept) in [
            (" https://example.com ", "https://example.com/"),
            ("HTTPS://Example.COM:443/Hook?a=1", "https://example.com/Hook?a=1"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ] {
            assert_eq!(WebhookUrl::parse(given).unwrap().as_str(), kept);
        }
        let long = format!("https://example.com/{}", "x".repeat(WebhookUrl::MAX));
        for bad in [
            "",
            "example.com",
            "/hook",
            "//example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://127.0.0.1:6379/_",
            "data:,x",
            "javascript:alert(1)",
            "https://",
            "https://user@example.com/",
            "https://user:pass@example.com/",
            "https://127.0.0.1@good.com/",
            "https://example.com/#top",
            "https://example.com:0/",
            "https://example.com:65536/",
            "https://exa\tmple.com/",
            "https://e.com/\r\nX: 1",
            "https://e.com/a b",
            "https://256.256.256.256/",
            "https://[fe80::1%25eth0]/",
            &long,
        ] {
            assert!(WebhookUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_subscription_names_events_once() {
        let parse = |names: &[&str]| Subscription::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&["entry.rejected", "entry.created"]).unwrap().to_string(), "entry.rejected,entry.created");
        for bad in [&[][..], &["entry.created", "entry.created"], &["entry.gone"], &[""], &["entry.created", "x"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_url_or_refused_without_a_panic(text in ".*") {
            if let Ok(url) = WebhookUrl::parse(&text) {
                prop_assert_eq!(WebhookUrl::parse(url.as_str()), Ok(url));
            }
        }
    }
}
