//! [`VariantStore`] in memory.

use async_trait::async_trait;
use rally_domain::command::{CreateVariant, CreateVariantFacts, DeleteVariant, UpdateVariant, VariantFacts, VariantRejection};
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
            let list = data.lists.get(&command.waitlist_id).or_else(|| data.buried(command.waitlist_id, Flaw::DeletedListsTakeVariants));
            let facts = CreateVariantFacts { workspace_id: list.map(|list| list.waitlist.workspace_id) };
            let variant = data.audit(command.decide(facts).map_err(rejected)?);
            if let Some(list) = data.lists.get_mut(&variant.waitlist_id) {
                let kept = Variant { active: variant.active || flaw.is(Flaw::NewVariantsActive), ..variant.clone() };
                list.variants.push(KeptVariant { variant: kept, is_deleted: false });
            }
            Ok(variant)
        };
        self.write(work).await
    }

    async fn update(&self, command: UpdateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        let work = |data: &mut Data| {
            let updated = data.audit(command.decide(data.variant_facts(command.waitlist_id, command.id)).map_err(rejected)?);
            if let Some(kept) = data.live_variant(command.waitlist_id, command.id) {
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
            data.audit(command.decide(data.variant_facts(waitlist_id, id)));
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
    fn variant_facts(&self, waitlist_id: WaitlistId, id: VariantId) -> Option<VariantFacts> {
        let list = self.lists.get(&waitlist_id)?;
        let variant = list.live_variants().into_iter().find(|variant| variant.id == id)?;
        Some(VariantFacts { variant, workspace_id: list.waitlist.workspace_id })
    }

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
