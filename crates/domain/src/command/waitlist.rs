//! Creating, changing and deleting waitlists.

use serde_json::{Map, Value};

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::error::FieldError;
use crate::event::Event;
use crate::id::{EventId, VariantId, WaitlistId, WorkspaceId};
use crate::settings::Settings;
use crate::slug::Slug;
use crate::text::{Description, DisplayName};
use crate::timestamp::Timestamp;
use crate::variant::Variant;
use crate::waitlist::{Waitlist, WaitlistStatus};

/// Creates a waitlist and its control variant.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateWaitlist {
    /// The id of the new waitlist.
    pub id: WaitlistId,
    /// The workspace that the waitlist will belong to.
    pub workspace_id: WorkspaceId,
    /// The id of the control variant.
    pub control_variant_id: VariantId,
    /// Its name in URLs.
    pub slug: Slug,
    /// The name that visitors see.
    pub display_name: DisplayName,
    /// The text under the name.
    pub description: Option<Description>,
    /// The settings.
    pub settings: Settings,
    /// Who creates it.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// The stored state that a new waitlist needs. The store keeps it locked until the plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateWaitlistFacts {
    /// Whether the workspace exists.
    pub workspace_exists: bool,
    /// Whether a reply is stored in the scope of the command's receipt. It is `false` for a command without a receipt.
    pub already_done: bool,
    /// Whether another waitlist of the workspace has the slug.
    pub slug_taken: bool,
}

/// The result of creating a waitlist. The store writes both or neither.
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
    /// The workspace does not exist.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// Another waitlist of the workspace has the slug.
    #[error("this slug is already used by another waitlist of the workspace")]
    SlugTaken,
    /// A request with the same idempotency key was carried out before.
    #[error("a request with this idempotency key was carried out")]
    AlreadyDone,
}

impl CreateWaitlist {
    /// Returns the waitlist and its variant.
    ///
    /// A repeated request has taken the slug itself. Therefore this reports a repetition before a taken slug.
    ///
    /// # Errors
    /// If the workspace does not exist, the request was carried out before, or the slug is taken. The first of these is the error.
    pub fn decide(self, facts: CreateWaitlistFacts) -> Result<Audited<CreateWaitlistPlan>, CreateWaitlistRejection> {
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
            created_by: self.actor.subject(),
            created_at: self.now,
            updated_at: self.now,
        };
        let changes = changes(None, Some(&waitlist));
        let row = self.actor.audit(self.now, self.workspace_id, AuditAction::WaitlistCreate, self.id, changes);
        Ok(Audited::new(CreateWaitlistPlan { waitlist, control }, row))
    }
}

/// Changes the texts and settings of a waitlist. A field that is `None` stays.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateWaitlist {
    /// The waitlist.
    pub id: WaitlistId,
    /// The workspace that the waitlist must belong to.
    pub workspace_id: WorkspaceId,
    /// The new name.
    pub display_name: Option<DisplayName>,
    /// The new description. `Some(None)` removes it.
    pub description: Option<Option<Description>>,
    /// The settings to merge in by [`Settings::merge`].
    pub settings: Option<Map<String, Value>>,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Why a waitlist was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateWaitlistRejection {
    /// The workspace has no such waitlist.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// The settings are invalid.
    #[error("the settings are invalid")]
    Settings(Vec<FieldError>),
}

impl UpdateWaitlist {
    /// Returns the changed waitlist, from the waitlist as it is now.
    ///
    /// # Errors
    /// If the waitlist does not exist, or the settings are invalid.
    pub fn decide(&self, current: Option<Waitlist>) -> Result<Audited<Waitlist>, UpdateWaitlistRejection> {
        let current = current.ok_or(UpdateWaitlistRejection::NoSuchWaitlist)?;
        let settings = match &self.settings {
            Some(patch) => current.settings.merge(patch).map_err(UpdateWaitlistRejection::Settings)?,
            None => current.settings.clone(),
        };
        let updated = Waitlist {
            display_name: self.display_name.clone().unwrap_or_else(|| current.display_name.clone()),
            description: self.description.clone().unwrap_or_else(|| current.description.clone()),
            settings,
            updated_at: self.now,
            ..current.clone()
        };
        let changes = changes(Some(&current), Some(&updated));
        let row = self.actor.audit(self.now, updated.workspace_id, AuditAction::WaitlistUpdate, updated.id, changes);
        Ok(Audited::new(updated, row))
    }
}

/// Moves a waitlist to another status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeWaitlistStatus {
    /// The waitlist.
    pub id: WaitlistId,
    /// The workspace that the waitlist must belong to.
    pub workspace_id: WorkspaceId,
    /// The new status.
    pub to: WaitlistStatus,
    /// The id of the event, if the status changes.
    pub event_id: EventId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// The result of moving a waitlist to another status.
#[derive(Debug, Clone, PartialEq)]
pub enum StatusChange {
    /// The waitlist has that status already. The store writes nothing.
    None(Waitlist),
    /// The status changes. The store writes the waitlist and the event together.
    To {
        /// The changed waitlist.
        waitlist: Waitlist,
        /// The event to write.
        event: Event,
    },
}

/// Why a waitlist was not moved to another status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeWaitlistStatusRejection {
    /// The workspace has no such waitlist.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// A waitlist cannot go from its status to the new one.
    #[error("a waitlist that is {} cannot become {}", .from.as_str(), .to.as_str())]
    InvalidTransition {
        /// The current status.
        from: WaitlistStatus,
        /// The requested status.
        to: WaitlistStatus,
    },
}

impl ChangeWaitlistStatus {
    /// Decides on the new status, for the waitlist as it is now.
    ///
    /// # Errors
    /// If the waitlist does not exist, or cannot go from its status to the new one.
    pub fn decide(&self, current: Option<Waitlist>) -> Result<Audited<StatusChange>, ChangeWaitlistStatusRejection> {
        let current = current.ok_or(ChangeWaitlistStatusRejection::NoSuchWaitlist)?;
        let (from, to) = (current.status, self.to);
        if from == to {
            Ok(Audited::silent(StatusChange::None(current)))
        } else if from.may_become(to) {
            let waitlist = Waitlist { status: to, updated_at: self.now, ..current.clone() };
            let event = Event::status_changed(self.event_id, self.now, from, &waitlist);
            let changes = changes(Some(&current), Some(&waitlist));
            let row = self.actor.audit(self.now, waitlist.workspace_id, AuditAction::WaitlistStatus, waitlist.id, changes);
            Ok(Audited::new(StatusChange::To { waitlist, event }, row))
        } else {
            Err(ChangeWaitlistStatusRejection::InvalidTransition { from, to })
        }
    }
}

/// Deletes a waitlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteWaitlist {
    /// The waitlist.
    pub id: WaitlistId,
    /// The workspace that the waitlist must belong to.
    pub workspace_id: WorkspaceId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

impl DeleteWaitlist {
    /// Returns the waitlist to delete, from the waitlist as it is now.
    pub fn decide(&self, current: Option<Waitlist>) -> Audited<Option<Waitlist>> {
        let changes = changes(current.as_ref(), None);
        let audit = |gone: &Waitlist| self.actor.audit(self.now, gone.workspace_id, AuditAction::WaitlistDelete, gone.id, changes);
        let row = current.as_ref().and_then(audit);
        Audited::new(current, row)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_repeated_request_is_reported_before_its_taken_slug() {
        let command = CreateWaitlist {
            id: WaitlistId::new(Uuid::from_u128(1)),
            workspace_id: WorkspaceId::new(Uuid::from_u128(2)),
            control_variant_id: VariantId::new(Uuid::from_u128(3)),
            slug: Slug::parse("list").unwrap(),
            display_name: DisplayName::parse("List").unwrap(),
            description: None,
            settings: Settings::default(),
            actor: Actor::System,
            now: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
        };
        let decide = |workspace_exists, already_done, slug_taken| {
            command
                .clone()
                .decide(CreateWaitlistFacts { workspace_exists, already_done, slug_taken })
                .map(|audited| audited.plan.waitlist.status)
        };
        assert_eq!(decide(true, false, false), Ok(WaitlistStatus::Draft));
        assert_eq!(decide(true, false, true), Err(CreateWaitlistRejection::SlugTaken));
        assert_eq!(decide(true, true, true), Err(CreateWaitlistRejection::AlreadyDone));
        assert_eq!(decide(false, true, true), Err(CreateWaitlistRejection::NoSuchWorkspace));
    }
}
