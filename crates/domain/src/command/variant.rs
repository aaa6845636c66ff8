//! Creating and changing variants.

use crate::id::{VariantId, WaitlistId};
use crate::locale::Locale;
use crate::timestamp::Timestamp;
use crate::variant::{Variant, VariantCopy, VariantKind, Weight};

/// Creates a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateVariant {
    /// The new variant's identity.
    pub id: VariantId,
    /// The waitlist it will belong to.
    pub waitlist_id: WaitlistId,
    /// What it is for.
    pub kind: VariantKind,
    /// The locale it serves or targets.
    pub locale: Locale,
    /// What it shows.
    pub copy: VariantCopy,
    /// Its share in the A/B pool.
    pub weight: Weight,
    /// Whether readers can get it.
    pub active: bool,
    /// When.
    pub now: Timestamp,
}

/// Changes a variant; what is `None` stays. Its kind is fixed.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateVariant {
    /// The variant.
    pub id: VariantId,
    /// The waitlist it must belong to.
    pub waitlist_id: WaitlistId,
    /// Its new locale.
    pub locale: Option<Locale>,
    /// Its new copy, in place of the whole old one.
    pub copy: Option<VariantCopy>,
    /// Its new share.
    pub weight: Option<Weight>,
    /// Whether readers can get it from now on.
    pub active: Option<bool>,
}

/// Why a variant was not created or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VariantRejection {
    /// There is no such waitlist.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// The waitlist has no such variant.
    #[error("this variant does not exist")]
    NoSuchVariant,
}

/// What a store knows that bears on creating a variant, locked so that it stays so until the variant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateVariantFacts {
    /// Whether there is such a waitlist.
    pub waitlist_exists: bool,
}

impl CreateVariant {
    /// The variant to be.
    ///
    /// # Errors
    /// When there is no such waitlist.
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
    /// The variant as it is to be, given as it is now.
    ///
    /// # Errors
    /// When there is none.
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
