//! Waitlists: their data, their public view, and their statuses.

use crate::error::Invalid;
use crate::id::{WaitlistId, WorkspaceId};
use crate::locale::Locale;
use crate::settings::Settings;
use crate::slug::Slug;
use crate::text::{ConfirmationMessage, Description, DisplayName, Subject};
use crate::timestamp::Timestamp;
use crate::variant::Variant;
use crate::workspace::Brand;

/// The status of a waitlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitlistStatus {
    /// The list is being prepared, and visitors do not see it.
    Draft,
    /// The list takes sign-ups.
    Active,
    /// The list takes no sign-ups for now.
    Paused,
    /// The list takes no sign-ups any more.
    Closed,
}

impl WaitlistStatus {
    /// All statuses.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Active, Self::Paused, Self::Closed];

    /// Returns the name on the wire and in a store.
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
    /// If there is no such status.
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
    /// The id of the waitlist.
    pub id: WaitlistId,
    /// The workspace of the waitlist.
    pub workspace_id: WorkspaceId,
    /// Its name in URLs, unique in the workspace.
    pub slug: Slug,
    /// The name that visitors see.
    pub display_name: DisplayName,
    /// The text under the name.
    pub description: Option<Description>,
    /// Its status.
    pub status: WaitlistStatus,
    /// Its settings.
    pub settings: Settings,
    /// The admin who created it.
    pub created_by: Option<Subject>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The data of a waitlist that the public surface needs.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicWaitlist {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The workspace's current slug. The slug in the request may be an older one.
    pub workspace_slug: Slug,
    /// The brand of the workspace.
    pub brand: Brand,
    /// The language of the workspace, for readers whose languages Rally does not have.
    pub default_locale: Locale,
    /// Its variants, active or not, in the order they were created.
    pub variants: Vec<Variant>,
    /// Whether people on the list have codes from before they were imported.
    pub has_old_codes: bool,
}

/// The texts for a reader: the waitlist's own, or those of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words<'a> {
    /// The name.
    pub display_name: &'a DisplayName,
    /// The text under the name.
    pub description: Option<&'a Description>,
    /// The text that a person gets after signing up.
    pub confirmation_message: Option<&'a ConfirmationMessage>,
}

impl Waitlist {
    /// Whether the list takes sign-ups.
    pub fn is_open(&self) -> bool {
        self.status == WaitlistStatus::Active
    }

    /// Returns the texts of this waitlist, with those of the variant in their place.
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
