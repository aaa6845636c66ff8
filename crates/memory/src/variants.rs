//! [`VariantStore`] in memory.

use async_trait::async_trait;
use rally_domain::command::{CreateVariant, CreateVariantFacts, DeleteVariant, UpdateVariant, VariantRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{VariantId, WaitlistId};
use rally_domain::port::VariantStore;
use rally_domain::variant::Variant;

use crate::data::{Data, KeptVariant, List};
use crate::flaw::Flaw;
use crate::{MemoryStore, rejected};

#[async_trait]
impl VariantStore for MemoryStore {
    async fn create(&self, command: CreateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let is_buried = data.buried(command.waitlist_id, Flaw::DeletedListsTakeVariants).is_some();
            let list = data.lists.get_mut(&command.waitlist_id);
            let variant = command.decide(CreateVariantFacts { waitlist_exists: list.is_some() || is_buried }).map_err(rejected)?;
            if let Some(list) = list {
                let kept = Variant { active: variant.active || flaw.is(Flaw::NewVariantsActive), ..variant.clone() };
                list.variants.push(KeptVariant { variant: kept, is_deleted: false });
            }
            Ok(variant)
        };
        self.write(work).await
    }

    async fn update(&self, command: UpdateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        let work = |data: &mut Data| {
            let kept = data.live_variant(command.waitlist_id, command.id);
            let updated = command.decide(kept.as_ref().map(|kept| kept.variant.clone())).map_err(rejected)?;
            if let Some(kept) = kept {
                kept.variant = updated.clone();
            }
            Ok(updated)
        };
        self.write(work).await
    }

    async fn delete(&self, command: DeleteVariant) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.id);
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let Some(kept) = data.live_variant(waitlist_id, id) else { return Ok(false) };
            kept.is_deleted = true;
            if flaw.is(Flaw::DeletedVariantsLoseSignUps)
                && let Some(list) = data.lists.get_mut(&waitlist_id)
            {
                list.tally.variants.remove(&Some(id));
            }
            Ok(true)
        };
        self.write(work).await
    }

    async fn list(&self, waitlist_id: WaitlistId) -> Result<Vec<Variant>, Fault> {
        let mut variants = self.read(|data| data.lists.get(&waitlist_id).map(List::live_variants).unwrap_or_default());
        if self.read(|data| data.flaw.is(Flaw::VariantsInOrderOfIds)) {
            variants.sort_by_key(|variant| variant.id);
        }
        Ok(variants)
    }
}

impl Data {
    fn live_variant(&mut self, waitlist_id: WaitlistId, id: VariantId) -> Option<&mut KeptVariant> {
        let variants = &mut self.lists.get_mut(&waitlist_id)?.variants;
        variants.iter_mut().find(|kept| kept.variant.id == id && !kept.is_deleted)
    }
}

impl List {
    /// The variants that are not deleted, in the order of their creation.
    pub fn live_variants(&self) -> Vec<Variant> {
        let live = self.variants.iter().filter(|kept| !kept.is_deleted);
        let mut live: Vec<Variant> = live.map(|kept| kept.variant.clone()).collect();
        live.sort_by_key(|variant| (variant.created_at, variant.id));
        live
    }
}
