//! [`WaitlistStore`] in memory.

use std::cmp::Reverse;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use rally_domain::access::Receipt;
use rally_domain::command::{
    ChangeWaitlistStatus, ChangeWaitlistStatusRejection, CreateWaitlist, CreateWaitlistFacts, CreateWaitlistPlan, CreateWaitlistRejection,
    DeleteWaitlist, StatusChange, UpdateWaitlist, UpdateWaitlistRejection,
};
use rally_domain::error::{CommandError, Fault};
use rally_domain::export::{self, Line};
use rally_domain::id::{EntryId, WaitlistId, WorkspaceId};
use rally_domain::ledger::{Referral, ReferralState};
use rally_domain::locale::Locale;
use rally_domain::paging::{Limit, Page, WaitlistKey};
use rally_domain::port::{LineStream, WaitlistStore};
use rally_domain::slug::Slug;
use rally_domain::variant::VariantCopy;
use rally_domain::waitlist::{PublicWaitlist, Waitlist, WaitlistStatus};

use crate::data::{Data, List};
use crate::flaw::{Flaw, Flawed};
use crate::{MemoryStore, rejected};

#[async_trait]
impl WaitlistStore for MemoryStore {
    async fn create(
        &self,
        command: CreateWaitlist,
        receipt: Option<Receipt<Waitlist>>,
    ) -> Result<Waitlist, CommandError<CreateWaitlistRejection>> {
        let work = |data: &mut Data| {
            let slug_taken = data.find_by_slug(command.workspace_id, &command.slug).is_some();
            let facts = CreateWaitlistFacts {
                workspace_exists: data.workspaces.contains_key(&command.workspace_id),
                already_done: data.is_done(receipt.as_ref()) && !(slug_taken && data.flaw.is(Flaw::TakenSlugsToldFirst)),
                slug_taken: slug_taken && !data.flaw.is(Flaw::SlugsNotUnique),
            };
            let plan = command.decide(facts);
            if let (Err(_), true, Some(receipt)) = (&plan, data.flaw.is(Flaw::RefusedRequestsStoreReplies), &receipt) {
                data.replies.insert(receipt.scope.clone(), data.flaw.empty_reply(receipt.now));
            }
            let CreateWaitlistPlan { waitlist, control } = data.audit(plan.map_err(rejected)?);
            data.store_reply(receipt.as_ref(), &waitlist);
            data.lists.insert(waitlist.id, List::new(waitlist.clone(), control));
            Ok(waitlist)
        };
        self.write(work).await
    }

    async fn update(&self, command: UpdateWaitlist) -> Result<Waitlist, CommandError<UpdateWaitlistRejection>> {
        let look = |data: &Data| data.list_of(command.workspace_id, command.id).map(|list| list.waitlist.clone());
        let early = self.read_early(Flaw::RowsReadEarly, look).await;
        let work = |data: &mut Data| {
            let current = data.list_of(command.workspace_id, command.id).or_else(|| data.buried(command.id, Flaw::DeletedListsChange));
            let current = current.map(|list| list.waitlist.clone());
            let audited = command.decide(current.clone()).map_err(rejected)?;
            let (updated, rows) = audited.into_parts();
            let rows = early.map_or(rows, |early| command.decide(early).map(|audited| audited.into_parts().1).unwrap_or_default());
            rows.into_iter().for_each(|row| data.note(Some(row)));
            data.put_waitlist(&data.flaw.updated(current, updated.clone(), &command));
            Ok(updated)
        };
        self.write(work).await
    }

    async fn change_status(&self, command: ChangeWaitlistStatus) -> Result<Waitlist, CommandError<ChangeWaitlistStatusRejection>> {
        let look = |data: &Data| {
            let of_another = || data.lists.get(&command.id).filter(|_| data.flaw.is(Flaw::StatusesOfOthersChange));
            data.list_of(command.workspace_id, command.id).or_else(of_another).map(|list| list.waitlist.clone())
        };
        let early = self.read_early(Flaw::StatusesReadEarly, look).await;
        let work = |data: &mut Data| {
            let current = early.unwrap_or_else(|| look(data));
            let before = current.as_ref().map(|list| list.updated_at);
            Ok(match data.audit(command.decide(current).map_err(rejected)?) {
                StatusChange::None(waitlist) => waitlist,
                StatusChange::To { waitlist, event } => {
                    let updated_at = before.filter(|_| data.flaw.is(Flaw::StatusesForgetTheirTime)).unwrap_or(waitlist.updated_at);
                    data.put_waitlist(&Waitlist { updated_at, ..waitlist.clone() });
                    if !data.flaw.is(Flaw::StatusesNotTold) {
                        data.tell(event);
                    }
                    waitlist
                }
            })
        };
        self.write(work).await
    }

    async fn delete(&self, command: DeleteWaitlist) -> Result<bool, Fault> {
        let (workspace_id, id) = (command.workspace_id, command.id);
        let work = |data: &mut Data| {
            let audited = command.decide(data.list_of(workspace_id, id).map(|list| list.waitlist.clone()));
            let is_there = data.audit(audited).is_some();
            if is_there {
                data.bury_list(id);
                let goes = data.flaw.is(Flaw::RepliesGoWithLists);
                data.replies.retain(|scope, _| scope.workspace_id != workspace_id || !goes);
            }
            Ok(is_there)
        };
        self.write(work).await
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<LineStream, Fault> {
        let (flaw, list) = self.read(|data| (data.flaw, data.lists.get(&waitlist_id).cloned()));
        let Some(list) = list else { return Ok(Box::pin(stream::empty())) };
        let mut lines = list.lines(flaw);
        let rest = lines.split_off(lines.len().min(1));
        let store = self.clone();
        // The rest is read when it is asked for, as a store in another process would.
        let rest = stream::once(async move {
            let now = store.read(|data| data.lists.get(&waitlist_id).cloned()).filter(|_| flaw.is(Flaw::ExportsOfEverythingSeeChanges));
            Ok(now.map_or(rest, |list| list.lines(flaw).into_iter().skip(1).collect()))
        });
        Ok(Box::pin(stream::once(async { Ok(lines) }).chain(rest)))
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WaitlistId) -> Result<Option<Waitlist>, Fault> {
        Ok(self.tell(Flaw::ListsKept, id, |data| data.list_of(workspace_id, id).map(|list| list.waitlist.clone())))
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        status: Option<WaitlistStatus>,
        after: Option<WaitlistKey>,
        limit: Limit,
    ) -> Result<Page<Waitlist, WaitlistKey>, Fault> {
        let key = |list: &Waitlist| WaitlistKey { created_at: list.created_at, id: list.id };
        let order = |key: WaitlistKey| Reverse((key.created_at, key.id));
        let flaw = self.read(|data| data.flaw);
        let mut rows: Vec<Waitlist> = self.read(|data| data.lists.values().map(|list| list.waitlist.clone()).collect());
        rows.retain(|list| list.workspace_id == workspace_id);
        rows.sort_by_key(|list| order(key(list)));
        if flaw.is(Flaw::ListsInOrderOfIds) {
            rows.sort_by_key(|list| Reverse(list.id));
        }
        rows.retain(|list| after.is_none_or(|after| order(key(list)) > order(after)));
        flaw.cut_before_filtering(&mut rows, limit);
        rows.retain(|list| status.is_none_or(|status| list.status == status));
        rows.retain(|list| list.status != WaitlistStatus::Closed || !flaw.is(Flaw::ClosedListsNotFound));
        Ok(flaw.page(rows, limit, key))
    }

    async fn find_public(&self, workspace_slug: &Slug, slug: &Slug) -> Result<Option<Arc<PublicWaitlist>>, Fault> {
        let look = |data: &Data| {
            let workspace = data.resolve(workspace_slug)?;
            let list = data.find_by_slug(workspace.id, slug)?;
            let is_shown = list.waitlist.status != WaitlistStatus::Draft || !data.flaw.is(Flaw::DraftsNotFound);
            let settings = data.settings.get(&workspace.id);
            let brand = settings.map(|settings| settings.brand.clone()).unwrap_or_default();
            let default_locale = settings.map_or_else(Locale::english, |settings| settings.default_locale.clone());
            let mut variants = list.live_variants();
            if data.flaw.is(Flaw::InactiveVariantsNotFound) {
                variants.retain(|variant| variant.active);
            }
            if data.flaw.is(Flaw::PublicVariantsUnordered) {
                variants.sort_by_key(|variant| variant.id);
            }
            if data.flaw.is(Flaw::PublicVariantsWithoutCopy) {
                variants.iter_mut().for_each(|variant| variant.copy = VariantCopy::default());
            }
            let (waitlist, workspace_slug) = (list.waitlist.clone(), workspace.slug.clone());
            let has_old_codes = !list.old_codes.is_empty();
            is_shown.then(|| Arc::new(PublicWaitlist { waitlist, workspace_slug, brand, default_locale, variants, has_old_codes }))
        };
        Ok(self.tell(Flaw::PublicListsKept, (workspace_slug, slug), look))
    }
}

impl Data {
    fn find_by_slug(&self, workspace_id: WorkspaceId, slug: &Slug) -> Option<&List> {
        self.lists.values().find(|list| list.waitlist.workspace_id == workspace_id && list.waitlist.slug == *slug)
    }

    fn put_waitlist(&mut self, waitlist: &Waitlist) {
        if let Some(list) = self.lists.get_mut(&waitlist.id) {
            list.waitlist = waitlist.clone();
        }
    }
}

impl List {
    /// The lines of an export, in their order.
    fn lines(&self, flaw: Flawed) -> Vec<Line> {
        let mut lines = vec![Line::Waitlist(export::Waitlist::of(&self.waitlist, self.tally.last_position))];
        let variants = self.variants.iter().filter(|kept| !kept.is_deleted);
        lines.extend(variants.map(|kept| Line::Variant(export::Variant::of(&kept.variant))));
        let mut people: Vec<(u64, Line)> = Vec::new();
        for entry in self.entries().values() {
            let codes = self.old_codes.iter().filter(|(_, owner)| **owner == entry.id && !flaw.is(Flaw::ExportsForgetOldCodes));
            let line = export::Entry::of(&self.show(entry), codes.map(|(code, _)| code.clone()).collect());
            people.push((entry.position.number(), Line::Entry(Box::new(line))));
        }
        for tombstone in self.tombstones.values() {
            people.push((tombstone.position.number(), Line::Tombstone(export::Tombstone::of(tombstone))));
        }
        people.sort_by_key(|(position, _)| *position);
        lines.extend(people.into_iter().map(|(_, line)| line));
        let stands = |id: Option<EntryId>| id.filter(|id| self.find(*id).is_some() || flaw.is(Flaw::ExportsNameTheGone));
        let mut referrals: Vec<_> = self.referrals.values().map(|kept| kept.referral.clone()).collect();
        referrals.sort_by_key(|referral| {
            (ReferralState::ALL.iter().position(|state| *state == referral.state), referral.created_at, referral.id)
        });
        lines.extend(referrals.into_iter().map(|referral| {
            let (referrer, referred) = (stands(referral.referrer), stands(referral.referred));
            Line::Referral(export::Referral::of(&Referral { referrer, referred, ..referral }))
        }));
        lines
    }
}
