//! Waitlists: what they are, what the public sees of them, and the statuses they go through.

use crate::error::Invalid;
use crate::id::{WaitlistId, WorkspaceId};
use crate::settings::Settings;
use crate::slug::Slug;
use crate::text::{ConfirmationMessage, Description, DisplayName, Subject};
use crate::timestamp::Timestamp;
use crate::variant::Variant;
use crate::workspace::Brand;

/// Where a waitlist stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitlistStatus {
    /// Being prepared; the public does not see it.
    Draft,
    /// Takes sign-ups.
    Active,
    /// Takes none for now.
    Paused,
    /// Takes none any more.
    Closed,
}

impl WaitlistStatus {
    /// All statuses.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Active, Self::Paused, Self::Closed];

    /// The name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Closed => "closed",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// When there is no such status.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of draft, active, paused, closed"))
    }

    /// Whether a waitlist may go from this status to another.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Draft | Self::Paused => matches!(next, Self::Active | Self::Closed),
            Self::Active => matches!(next, Self::Paused | Self::Closed),
            Self::Closed => matches!(next, Self::Active),
        }
    }
}

/// A waitlist.
#[derive(Debug, Clone, PartialEq)]
pub struct Waitlist {
    /// Its identity.
    pub id: WaitlistId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// Its name in URLs, unique in the workspace.
    pub slug: Slug,
    /// The name it shows.
    pub display_name: DisplayName,
    /// The text under the name.
    pub description: Option<Description>,
    /// Where it stands.
    pub status: WaitlistStatus,
    /// What the operator has set.
    pub settings: Settings,
    /// Who created it.
    pub created_by: Option<Subject>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Everything the public surface needs to know of a waitlist.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicWaitlist {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The workspace's slug now; the one asked for may be an older one.
    pub workspace_slug: Slug,
    /// How the workspace wants to look.
    pub brand: Brand,
    /// Its variants, active or not, in the order they were created.
    pub variants: Vec<Variant>,
}

/// The words a reader gets: the waitlist's own, or its variant's in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words<'a> {
    /// The name.
    pub display_name: &'a DisplayName,
    /// The text under the name.
    pub description: Option<&'a Description>,
    /// What a person is told after signing up.
    pub confirmation_message: Option<&'a ConfirmationMessage>,
}

impl Waitlist {
    /// Whether it takes sign-ups.
    pub fn is_open(&self) -> bool {
        self.status == WaitlistStatus::Active
    }

    /// The words of this waitlist as a variant shows them.
    pub fn words<'a>(&'a self, variant: Option<&'a Variant>) -> Words<'a> {
        let copy = variant.map(|variant| &variant.copy);
        Words {
            display_name: copy.and_then(|copy| copy.display_name.as_ref()).unwrap_or(&self.display_name),
            description: copy.and_then(|copy| copy.description.as_ref()).or(self.description.as_ref()),
            confirmation_message: copy.and_then(|copy| copy.confirmation_message.as_ref()).or(self.settings.confirmation_message.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statuses_follow_the_table() {
        use WaitlistStatus::{Active, Closed, Draft, Paused};
        let allowed =
            [(Draft, Active), (Draft, Closed), (Active, Paused), (Active, Closed), (Paused, Active), (Paused, Closed), (Closed, Active)];
        for from in WaitlistStatus::ALL {
            for to in WaitlistStatus::ALL {
                assert_eq!(from.may_become(to), allowed.contains(&(from, to)), "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn a_status_reads_back() {
        for status in WaitlistStatus::ALL {
            assert_eq!(WaitlistStatus::parse(status.as_str()), Ok(status));
        }
        assert!(WaitlistStatus::parse("Active").is_err());
    }
}
