//! Creating, changing and deleting variants.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::id::{VariantId, WaitlistId, WorkspaceId};
use crate::locale::Locale;
use crate::timestamp::Timestamp;
use crate::variant::{Variant, VariantCopy, VariantKind, Weight};

/// Creates a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateVariant {
    /// The id of the new variant.
    pub id: VariantId,
    /// The waitlist that the variant will belong to.
    pub waitlist_id: WaitlistId,
    /// Its kind.
    pub kind: VariantKind,
    /// The locale of its readers.
    pub locale: Locale,
    /// Its texts.
    pub copy: VariantCopy,
    /// Its share in the A/B pool.
    pub weight: Weight,
    /// Whether a reader can get it.
    pub active: bool,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Changes a variant. A field that is `None` stays. The kind never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateVariant {
    /// The variant.
    pub id: VariantId,
    /// The waitlist that the variant must belong to.
    pub waitlist_id: WaitlistId,
    /// The new locale.
    pub locale: Option<Locale>,
    /// The new texts. They replace all old ones.
    pub copy: Option<VariantCopy>,
    /// The new share.
    pub weight: Option<Weight>,
    /// Whether a reader can get it from now on.
    pub active: Option<bool>,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Deletes a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteVariant {
    /// The variant.
    pub id: VariantId,
    /// The waitlist that the variant must belong to.
    pub waitlist_id: WaitlistId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Why a variant was not created or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VariantRejection {
    /// The waitlist does not exist.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// The waitlist has no such variant.
    #[error("this variant does not exist")]
    NoSuchVariant,
}

/// The stored state that a new variant needs. The store keeps it locked until the variant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateVariantFacts {
    /// The workspace of the waitlist. `None` means that the waitlist does not exist.
    pub workspace_id: Option<WorkspaceId>,
}

/// The stored state that a change of a variant needs. The store keeps it locked until the change is written.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantFacts {
    /// The variant.
    pub variant: Variant,
    /// The workspace of its waitlist.
    pub workspace_id: WorkspaceId,
}

impl CreateVariant {
    /// Returns the new variant.
    ///
    /// # Errors
    /// If the waitlist does not exist.
    pub fn decide(self, facts: CreateVariantFacts) -> Result<Audited<Variant>, VariantRejection> {
        let workspace_id = facts.workspace_id.ok_or(VariantRejection::NoSuchWaitlist)?;
        let variant = Variant {
            id: self.id,
            waitlist_id: self.waitlist_id,
            kind: self.kind,
            locale: self.locale,
            copy: self.copy,
            weight: self.weight,
            active: self.active,
            created_at: self.now,
        };
        let changes = changes(None, Some(&variant));
        let row = self.actor.audit(self.now, workspace_id, AuditAction::VariantCreate, variant.id, changes);
        Ok(Audited::new(variant, row))
    }
}

impl UpdateVariant {
    /// Returns the changed variant, from the variant as it is now.
    ///
    /// # Errors
    /// If the variant does not exist.
    pub fn decide(&self, current: Option<VariantFacts>) -> Result<Audited<Variant>, VariantRejection> {
        let VariantFacts { variant: current, workspace_id } = current.ok_or(VariantRejection::NoSuchVariant)?;
        let updated = Variant {
            locale: self.locale.clone().unwrap_or_else(|| current.locale.clone()),
            copy: self.copy.clone().unwrap_or_else(|| current.copy.clone()),
            weight: self.weight.unwrap_or(current.weight),
            active: self.active.unwrap_or(current.active),
            ..current.clone()
        };
        let changes = changes(Some(&current), Some(&updated));
        let row = self.actor.audit(self.now, workspace_id, AuditAction::VariantUpdate, updated.id, changes);
        Ok(Audited::new(updated, row))
    }
}

impl DeleteVariant {
    /// Returns whether there is a variant to delete, from the variant as it is now.
    pub fn decide(&self, current: Option<VariantFacts>) -> Audited<bool> {
        let Some(VariantFacts { variant, workspace_id }) = current else { return Audited::silent(false) };
        let changes = changes(Some(&variant), None);
        Audited::new(true, self.actor.audit(self.now, workspace_id, AuditAction::VariantDelete, variant.id, changes))
    }
}
