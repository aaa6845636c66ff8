//! Creating, changing and deleting variants.

use crate::actor::Actor;
use crate::id::{VariantId, WaitlistId};
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
    /// Whether the waitlist exists.
    pub waitlist_exists: bool,
}

impl CreateVariant {
    /// Returns the new variant.
    ///
    /// # Errors
    /// If the waitlist does not exist.
    pub fn decide(self, facts: CreateVariantFacts) -> Result<Variant, VariantRejection> {
        if !facts.waitlist_exists {
            return Err(VariantRejection::NoSuchWaitlist);
        }
        Ok(Variant {
            id: self.id,
            waitlist_id: self.waitlist_id,
            kind: self.kind,
            locale: self.locale,
            copy: self.copy,
            weight: self.weight,
            active: self.active,
            created_at: self.now,
        })
    }
}

impl UpdateVariant {
    /// Returns the changed variant, from the variant as it is now.
    ///
    /// # Errors
    /// If the variant does not exist.
    pub fn decide(&self, current: Option<Variant>) -> Result<Variant, VariantRejection> {
        let current = current.ok_or(VariantRejection::NoSuchVariant)?;
        Ok(Variant {
            locale: self.locale.clone().unwrap_or(current.locale),
            copy: self.copy.clone().unwrap_or(current.copy),
            weight: self.weight.unwrap_or(current.weight),
            active: self.active.unwrap_or(current.active),
            ..current
        })
    }
}
