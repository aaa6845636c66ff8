//! Actions, and scopes that grant them.

use std::fmt;

macro_rules! actions {
    ($($(#[$doc:meta])+ $name:ident = $text:literal)+) => {
        /// An action that a token may allow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action { $($(#[$doc])+ $name,)+ }

        impl Action {
            /// All actions.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in a scope.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

actions! {
    /// Read waitlists.
    WaitlistRead = "waitlist.read"
    /// Create waitlists.
    WaitlistCreate = "waitlist.create"
    /// Change waitlists.
    WaitlistUpdate = "waitlist.update"
    /// Delete waitlists.
    WaitlistDelete = "waitlist.delete"
    /// Read and export entries.
    EntryRead = "entry.read"
    /// Approve, reject, invite and delete entries.
    EntryUpdate = "entry.update"
    /// Read variants.
    VariantRead = "variant.read"
    /// Create variants.
    VariantCreate = "variant.create"
    /// Change variants.
    VariantUpdate = "variant.update"
    /// Delete variants.
    VariantDelete = "variant.delete"
    /// Read webhooks and their deliveries.
    WebhookRead = "webhook.read"
    /// Create webhooks.
    WebhookCreate = "webhook.create"
    /// Change webhooks, rotate their secrets, test them.
    WebhookUpdate = "webhook.update"
    /// Delete webhooks.
    WebhookDelete = "webhook.delete"
    /// Read analytics.
    RallyRead = "rally.read"
    /// Read the workspace's settings.
    RallySettingsRead = "rally.settings.read"
    /// Change the workspace's settings.
    RallySettingsUpdate = "rally.settings.update"
    /// Read the audit log.
    RallyAuditRead = "rally.audit.read"
    /// Read API keys.
    KeyRead = "key.read"
    /// Create API keys.
    KeyCreate = "key.create"
    /// Revoke API keys.
    KeyDelete = "key.delete"
}

/// The actions that a token allows, by name or by pattern: `*` for all, `waitlist.*` for a first part, `*.read` for a last part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl Scope {
    /// Parses a space-separated scope (RFC 6749, section 3.3). Unknown names grant nothing.
    pub fn parse(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Whether an action is allowed.
    pub fn allows(&self, action: Action) -> bool {
        self.0.iter().any(|pattern| matches(pattern, action.as_str()))
    }

    /// Whether every action that another scope allows is allowed, those of later versions too.
    pub fn covers(&self, other: &Self) -> bool {
        let is_pattern = |pattern: &String| pattern == "*" || pattern.ends_with(".*") || pattern.starts_with("*.");
        let covered = |pattern: &String| self.0.iter().any(|own| own == "*" || own == pattern || widens(own, pattern));
        let of_today = Action::ALL.iter().all(|action| self.allows(*action) || !other.allows(*action));
        of_today && other.0.iter().filter(|pattern| is_pattern(pattern)).all(covered)
    }

    /// Whether every action is allowed, those of later versions too.
    pub fn is_whole(&self) -> bool {
        self.0.iter().any(|pattern| pattern == "*")
    }

    /// The parts of the scope that grant nothing, such as a misspelt action.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        let grants = |pattern: &str| Action::ALL.iter().any(|action| matches(pattern, action.as_str()));
        self.0.iter().map(String::as_str).filter(move |pattern| !grants(pattern))
    }
}

fn matches(pattern: &str, action: &str) -> bool {
    if let Some(prefix) = pattern.strip_suffix(".*") {
        action.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
    } else if let Some(suffix) = pattern.strip_prefix("*.") {
        action.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
    } else {
        pattern == "*" || pattern == action
    }
}

/// Whether a pattern with a wildcard allows all that another one can allow.
fn widens(own: &str, other: &str) -> bool {
    let ends = |text: &str| text.strip_suffix(".*").map(|part| format!("{part}."));
    let begins = |text: &str| text.strip_prefix("*.").map(|part| format!(".{part}"));
    let longer = ends(own).zip(ends(other)).is_some_and(|(own, other)| other.starts_with(&own));
    longer || begins(own).zip(begins(other)).is_some_and(|(own, other)| other.ends_with(&own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(scope: &str) -> Vec<&'static str> {
        let scope = Scope::parse(scope);
        Action::ALL.iter().filter(|action| scope.allows(**action)).map(|action| action.as_str()).collect()
    }

    #[test]
    fn a_wildcard_covers_whole_words() {
        assert_eq!(allowed("*").len(), Action::ALL.len());
        assert_eq!(allowed("waitlist.*"), ["waitlist.read", "waitlist.create", "waitlist.update", "waitlist.delete"]);
        assert_eq!(
            allowed("*.read"),
            [
                "waitlist.read",
                "entry.read",
                "variant.read",
                "webhook.read",
                "rally.read",
                "rally.settings.read",
                "rally.audit.read",
                "key.read"
            ]
        );
        assert_eq!(allowed("rally.settings.*"), ["rally.settings.read", "rally.settings.update"]);
        assert_eq!(allowed("entry.read  waitlist.delete"), ["waitlist.delete", "entry.read"]);
    }

    #[test]
    fn a_scope_covers_what_it_allows() {
        let covers = |scope: &str, other: &str| Scope::parse(scope).covers(&Scope::parse(other));
        assert!(covers("*", "*") && covers("waitlist.*", "waitlist.read waitlist.delete") && covers("entry.read", "nothing.known"));
        assert!(!covers("waitlist.*", "*.read") && !covers("waitlist.read", "waitlist.*") && !covers("", "entry.read"));
        // A wildcard allows what a later version adds, too.
        let all: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert!(!covers(&all.join(" "), "*") && !covers(&all.join(" "), "waitlist.*") && covers("*", "waitlist.* *.read"));
        assert!(covers("rally.*", "rally.settings.*") && !covers("rally.settings.*", "rally.*") && covers("*.read", "*.audit.read"));
        assert!(Scope::parse("entry.read *").is_whole() && !Scope::parse("*.read").is_whole());
        assert_eq!(Scope::parse(" a  b ").to_string(), "a b");
    }

    #[test]
    fn nothing_else_grants_anything() {
        for scope in ["", "wait.*", "*.rea", "*read", "waitlist", "waitlist.", ".read", "**", "*.*", "Waitlist.Read", "waitlist.re*"] {
            assert_eq!(allowed(scope), [] as [&str; 0], "{scope}");
        }
        assert_eq!(Scope::parse("waitlist.read entrys.read *").unknown().collect::<Vec<_>>(), ["entrys.read"]);
    }
}
