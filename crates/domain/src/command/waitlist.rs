//! Creating and changing waitlists.

use serde_json::{Map, Value};

use crate::error::FieldError;
use crate::id::{VariantId, WaitlistId, WorkspaceId};
use crate::settings::Settings;
use crate::slug::Slug;
use crate::text::{Description, DisplayName, Subject};
use crate::timestamp::Timestamp;
use crate::variant::Variant;
use crate::waitlist::{Waitlist, WaitlistStatus};

/// Creates a waitlist, with the control variant every waitlist has.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateWaitlist {
    /// The new waitlist's identity.
    pub id: WaitlistId,
    /// The workspace it will belong to.
    pub workspace_id: WorkspaceId,
    /// The control variant's identity.
    pub control_variant_id: VariantId,
    /// Its name in URLs.
    pub slug: Slug,
    /// The name it shows.
    pub display_name: DisplayName,
    /// The text under the name.
    pub description: Option<Description>,
    /// What the operator has set.
    pub settings: Settings,
    /// Who creates it.
    pub created_by: Option<Subject>,
    /// When.
    pub now: Timestamp,
}

/// What a store knows that bears on creating a waitlist, locked so that it stays so until the plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateWaitlistFacts {
    /// Whether there is such a workspace.
    pub workspace_exists: bool,
    /// Whether a reply is stored in the scope of the command's receipt; `false` where it has none.
    pub already_done: bool,
    /// Whether another waitlist of the workspace has the slug.
    pub slug_taken: bool,
}

/// What creating a waitlist means: both are written, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateWaitlistPlan {
    /// The waitlist, a draft.
    pub waitlist: Waitlist,
    /// Its control variant.
    pub control: Variant,
}

/// Why a waitlist was not created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateWaitlistRejection {
    /// There is no such workspace.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// Another waitlist of the workspace has the slug.
    #[error("this slug is already used by another waitlist of the workspace")]
    SlugTaken,
    /// A request with the same idempotency key was carried out first.
    #[error("a request with this idempotency key was carried out")]
    AlreadyDone,
}

impl CreateWaitlist {
    /// What creating it means. A request that was carried out is told so before its slug, which it has taken itself, is told taken.
    ///
    /// # Errors
    /// When there is no such workspace, the request was carried out before, or the slug is taken: the first of these.
    pub fn decide(self, facts: CreateWaitlistFacts) -> Result<CreateWaitlistPlan, CreateWaitlistRejection> {
        if !facts.workspace_exists {
            return Err(CreateWaitlistRejection::NoSuchWorkspace);
        }
        if facts.already_done {
            return Err(CreateWaitlistRejection::AlreadyDone);
        }
        if facts.slug_taken {
            return Err(CreateWaitlistRejection::SlugTaken);
        }
        let control = Variant::control(self.control_variant_id, self.id, self.now);
        let waitlist = Waitlist {
            id: self.id,
            workspace_id: self.workspace_id,
            slug: self.slug,
            display_name: self.display_name,
            description: self.description,
            status: WaitlistStatus::Draft,
            settings: self.settings,
            created_by: self.created_by,
            created_at: self.now,
            updated_at: self.now,
        };
        Ok(CreateWaitlistPlan { waitlist, control })
    }
}

/// Changes a waitlist's words and settings; what is `None` stays.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateWaitlist {
    /// The waitlist.
    pub id: WaitlistId,
    /// The workspace it must belong to.
    pub workspace_id: WorkspaceId,
    /// Its new name.
    pub display_name: Option<DisplayName>,
    /// Its new description; `Some(None)` takes it away.
    pub description: Option<Option<Description>>,
    /// Settings to merge in, as [`Settings::merge`] says.
    pub settings: Option<Map<String, Value>>,
    /// When.
    pub now: Timestamp,
}

/// Why a waitlist was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateWaitlistRejection {
    /// The workspace has no such waitlist.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// The settings are not what they must be.
    #[error("the settings are not what they must be")]
    Settings(Vec<FieldError>),
}

impl UpdateWaitlist {
    /// The waitlist as it is to be, given as it is now.
    ///
    /// # Errors
    /// When there is none, or the settings do not fit.
    pub fn decide(&self, current: Option<Waitlist>) -> Result<Waitlist, UpdateWaitlistRejection> {
        let current = current.ok_or(UpdateWaitlistRejection::NoSuchWaitlist)?;
        let settings = match &self.settings {
            Some(patch) => current.settings.merge(patch).map_err(UpdateWaitlistRejection::Settings)?,
            None => current.settings,
        };
        Ok(Waitlist {
            display_name: self.display_name.clone().unwrap_or(current.display_name),
            description: self.description.clone().unwrap_or(current.description),
            settings,
            updated_at: self.now,
            ..current
        })
    }
}

/// Moves a waitlist to another status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeWaitlistStatus {
    /// The waitlist.
    pub id: WaitlistId,
    /// The workspace it must belong to.
    pub workspace_id: WorkspaceId,
    /// Where to.
    pub to: WaitlistStatus,
    /// When.
    pub now: Timestamp,
}

/// What moving a waitlist means.
#[derive(Debug, Clone, PartialEq)]
pub enum StatusChange {
    /// It is there already; nothing is written.
    None(Waitlist),
    /// It is to be as given.
    To(Waitlist),
}

/// Why a waitlist was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeWaitlistStatusRejection {
    /// The workspace has no such waitlist.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// There is no way from where it is.
    #[error("a waitlist that is {} cannot become {}", .from.as_str(), .to.as_str())]
    InvalidTransition {
        /// Where it is.
        from: WaitlistStatus,
        /// Where it was to go.
        to: WaitlistStatus,
    },
}

impl ChangeWaitlistStatus {
    /// Decides over the move, given the waitlist as it is now.
    ///
    /// # Errors
    /// When there is no such waitlist, or no way from its status.
    pub fn decide(&self, current: Option<Waitlist>) -> Result<StatusChange, ChangeWaitlistStatusRejection> {
        let current = current.ok_or(ChangeWaitlistStatusRejection::NoSuchWaitlist)?;
        let (from, to) = (current.status, self.to);
        if from == to {
            Ok(StatusChange::None(current))
        } else if from.may_become(to) {
            Ok(StatusChange::To(Waitlist { status: to, updated_at: self.now, ..current }))
        } else {
            Err(ChangeWaitlistStatusRejection::InvalidTransition { from, to })
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_repeated_request_is_told_so_before_its_slug_is_told_taken() {
        let command = CreateWaitlist {
            id: WaitlistId::new(Uuid::from_u128(1)),
            workspace_id: WorkspaceId::new(Uuid::from_u128(2)),
            control_variant_id: VariantId::new(Uuid::from_u128(3)),
            slug: Slug::parse("list").unwrap(),
            display_name: DisplayName::parse("List").unwrap(),
            description: None,
            settings: Settings::default(),
            created_by: None,
            now: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
        };
        let decide = |workspace_exists, already_done, slug_taken| {
            command.clone().decide(CreateWaitlistFacts { workspace_exists, already_done, slug_taken }).map(|plan| plan.waitlist.status)
        };
        assert_eq!(decide(true, false, false), Ok(WaitlistStatus::Draft));
        assert_eq!(decide(true, false, true), Err(CreateWaitlistRejection::SlugTaken));
        assert_eq!(decide(true, true, true), Err(CreateWaitlistRejection::AlreadyDone));
        assert_eq!(decide(false, true, true), Err(CreateWaitlistRejection::NoSuchWorkspace));
    }
}
