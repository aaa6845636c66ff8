//! [`EntryStore`] in memory.

use std::ops::Bound;

use async_trait::async_trait;
use futures_util::stream;
use rally_domain::command::{
    CodeOwner, DeleteEntry, EntryRejection, InvitationPlan, InviteRejection, Invited, RecordInvitation, ReviewEntry, ReviewPlan, SignUp,
    SignUpFacts, SignUpPlan, SignUpRejection,
};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::mail::Mail;
use rally_domain::paging::{Limit, Page};
use rally_domain::port::{EntryStore, EntryStream};
use rally_domain::referral::Position;

use crate::data::{Data, List};
use crate::flaw::Flaw;
use crate::purges::Purge;
use crate::queue::Job;
use crate::{MemoryStore, rejected};

/// Entries of a batch of an export.
const BATCH: usize = 256;

#[async_trait]
impl EntryStore for MemoryStore {
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>> {
        let work = |data: &mut Data| {
            let plan = data.decide(&command).map_err(rejected)?;
            let entry = plan.entry.clone();
            data.write_sign_up(plan);
            Ok(entry)
        };
        self.write(work).await
    }

    async fn review(&self, command: ReviewEntry) -> Result<Entry, CommandError<EntryRejection>> {
        let look = |data: &Data| data.entry_facts(command.waitlist_id, command.entry_id).map(|facts| data.flaw.uninvited(facts));
        let early = self.read_early(Flaw::ReviewsReadEarly, look).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| look(data));
            Ok(match command.decide(facts).map_err(rejected)? {
                ReviewPlan::None(entry) => entry,
                ReviewPlan::Change { entry, from, event, mail } => {
                    data.put_changed(&entry, from);
                    if !data.flaw.is(Flaw::ReviewsNotTold) {
                        data.tell(event);
                    }
                    data.post(mail);
                    entry
                }
            })
        };
        self.write(work).await
    }

    async fn record_invitation(&self, command: RecordInvitation) -> Result<Invited, CommandError<InviteRejection>> {
        let look = |data: &Data| {
            let home = data.lists.values().find(|list| data.flaw.is(Flaw::InvitationsIgnoreLists) && list.find(command.entry_id).is_some());
            data.entry_facts(home.map_or(command.waitlist_id, |list| list.waitlist.id), command.entry_id)
        };
        let early = self.read_early(Flaw::InvitationsReadEarly, look).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| look(data));
            let before = facts.as_ref().and_then(|facts| facts.entry.invitation.clone());
            let InvitationPlan { invited, mail } = command.decide(facts).map_err(rejected)?;
            let (entry, status) = (invited.entry.clone(), invited.entry.status);
            data.put_changed(&data.flaw.invited(before, entry), status);
            data.post(mail.filter(|_| !data.flaw.is(Flaw::InvitationsNotMailed)));
            Ok(invited)
        };
        self.write(work).await
    }

    async fn delete(&self, command: DeleteEntry) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.entry_id);
        let look = |data: &Data| data.lists.get(&waitlist_id)?.find(id).cloned();
        let early = self.read_early(Flaw::DeletionsReadEarly, look).await.flatten();
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            if data.buried(waitlist_id, Flaw::EntriesOfDeletedListsChange).is_some_and(|list| list.find(id).is_some()) {
                return Ok(true);
            }
            let Some(entry) = data.lists.get_mut(&waitlist_id).and_then(|list| list.take(id)).or(early) else { return Ok(false) };
            if let Some(list) = data.lists.get_mut(&waitlist_id) {
                list.tally.remove(&entry, 0);
                if flaw.is(Flaw::DeletedPeopleLead) {
                    list.keep_leading(&entry);
                }
                if flaw.is(Flaw::DeletionsTakeCreditBack)
                    && let Some(referrer) = entry.referred_by.and_then(|id| list.find(id)).cloned()
                {
                    list.put(Entry { referral_count: referrer.referral_count - 1, ..referrer });
                }
                if flaw.is(Flaw::DeletionsFreePositions) {
                    list.tally.last_position = list.entries().keys().last().map_or(0, |last| last.number());
                }
            }
            if !flaw.is(Flaw::MailToDeletedEntries) {
                let goes = |mail: &Mail| {
                    mail.recipient.entry_id() == Some(id) || (flaw.is(Flaw::MailGoesByAddress) && mail.to == entry.profile.email)
                };
                let stays = |job: &Job| flaw.is(Flaw::SentMailStays) && !job.is_unfinished();
                data.mails.retain(|_, queued| !goes(&queued.mail) || stays(&queued.job));
            }
            if flaw.is(Flaw::LogGoesWithEntries) {
                let told: Vec<_> = data.events.values().filter(|event| event.entry_id == Some(id)).map(|event| event.id).collect();
                data.attempts.retain(|attempt| !told.contains(&attempt.event_id));
            }
            if !flaw.is(Flaw::EventsOfDeletedEntriesSent) {
                let of_entry = |data: &Data, event| data.event(event).is_some_and(|event| event.entry_id == Some(id));
                let dropped: Vec<bool> = data.deliveries.iter().map(|d| d.job.is_unfinished() && of_entry(data, d.event_id)).collect();
                let mut dropped = dropped.into_iter();
                data.deliveries.retain(|_| !dropped.next().unwrap_or(false));
            }
            if entry.referral_count > 0 {
                data.purges.push(Purge::Referrer(waitlist_id, id));
            }
            Ok(true)
        };
        self.write(work).await
    }

    async fn find(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<Entry>, Fault> {
        let look = |data: &Data| {
            let list = data.lists.get(&waitlist_id)?;
            Some(list.show(list.find(id)?))
        };
        Ok(self.read(look))
    }

    async fn find_by_id(&self, id: EntryId) -> Result<Option<Entry>, Fault> {
        let look = |data: &Data| {
            let first = data.lists.keys().next().copied();
            let wanted = |list: &&List| !data.flaw.is(Flaw::IdsFoundOnOneList) || Some(list.waitlist.id) == first;
            data.lists.values().filter(wanted).find_map(|list| Some(list.show(list.find(id)?)))
        };
        Ok(self.read(look))
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<EntryStream, Fault> {
        let flaw = self.read(|data| data.flaw);
        let mut list = self.read(|data| data.lists.get(&waitlist_id).cloned());
        if let Some(list) = list.as_mut().filter(|_| flaw.is(Flaw::ExportsOfWholeWorkspaces)) {
            self.read(|data| data.lists_beside(waitlist_id, Flaw::ExportsOfWholeWorkspaces).for_each(|other| list.mix(other)));
        }
        let is_live = self.read(|data| data.flaw.is(Flaw::ExportsSeeChanges));
        let batch = if self.read(|data| data.flaw.is(Flaw::ExportsInOneBatch)) { usize::MAX } else { BATCH };
        let store = self.clone();
        let batches = stream::unfold((list, Position::new(0)), move |(list, after)| {
            let list = if is_live { store.read(|data| data.lists.get(&waitlist_id).cloned()) } else { list };
            async move {
                let list = list?;
                let rest = (Bound::Excluded(after), Bound::Unbounded);
                let rows = list.entries().range(rest).take(batch).filter_map(|(_, entry)| flaw.exported(entry, &list)).collect::<Vec<_>>();
                let last = rows.last()?.position;
                Some((Ok(rows), (Some(list), last)))
            }
        });
        Ok(Box::pin(batches))
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        status: Option<EntryStatus>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Entry, Position>, Fault> {
        let flaw = self.read(|data| data.flaw);
        let list = self.read(|data| data.lists.get(&waitlist_id).cloned());
        let mut rows: Vec<Entry> =
            list.iter().flat_map(|list| list.entries().values().map(|entry| list.show(entry)).collect::<Vec<_>>()).collect();
        match after {
            // Positions have no gaps until somebody is deleted.
            Some(after) if flaw.is(Flaw::PagesByOffset) => rows = rows.into_iter().skip(after.number() as usize).collect(),
            Some(after) => rows.retain(|entry| entry.position > after),
            None => {}
        }
        flaw.cut_before_filtering(&mut rows, limit);
        rows.retain(|entry| status.is_none_or(|status| entry.status == status));
        rows.retain(|entry| entry.status != EntryStatus::Rejected || status.is_some() || !flaw.is(Flaw::RejectedPeopleNotListed));
        Ok(flaw.page(rows, limit, |last| last.position))
    }
}

impl Data {
    /// Loads the facts of a sign-up, and lets the command decide.
    fn decide(&self, command: &SignUp) -> Result<SignUpPlan, SignUpRejection> {
        let flaw = self.flaw;
        let list = self.lists.get(&command.waitlist_id).ok_or(SignUpRejection::NoSuchWaitlist)?;
        let entries = list.entries();
        let mail = self.mail_setup(list.waitlist.workspace_id);
        let counts = |entry: &&Entry| !flaw.is(Flaw::RejectionsFreePlaces) || entry.status != EntryStatus::Rejected;
        let joined = |entry: &Entry| {
            entry.profile.email == command.profile.email
                && (!flaw.is(Flaw::RejectedAddressesJoinAgain) || entry.status != EntryStatus::Rejected)
        };
        let owner = |code| self.owner_of(code, command.waitlist_id);
        command.decide(SignUpFacts {
            waitlist: &list.waitlist,
            last_position: if flaw.is(Flaw::PositionsFromCount) { list.tally.entries() } else { list.tally.last_position },
            entries: match flaw.is(Flaw::DeletionsFreeNoPlaces) {
                true => list.tally.last_position,
                false => entries.values().filter(counts).count() as u64,
            },
            email_taken: match flaw.is(Flaw::AddressesUniqueAcrossLists) {
                true => self.lists.values().any(|list| list.entries().values().any(joined)),
                false => entries.values().any(joined),
            },
            code_taken: match owner(&command.own_code) {
                Some(CodeOwner::Elsewhere) if flaw.is(Flaw::CodesUniqueInWorkspaceAlone) => self
                    .lists_beside(command.waitlist_id, Flaw::CodesUniqueInWorkspaceAlone)
                    .any(|list| list.entries().values().any(|entry| entry.referral_code == command.own_code)),
                Some(CodeOwner::Elsewhere) => !flaw.is(Flaw::CodesUniqueInListAlone),
                Some(CodeOwner::Here(_)) => true,
                None => false,
            },
            referrer: command.friends_code.as_ref().and_then(owner).and_then(|owner| match owner {
                CodeOwner::Here(referrer) if flaw.is(Flaw::RejectedFriendsCredited) => Some(flaw.pardon(referrer)),
                CodeOwner::Here(referrer) => Some(referrer),
                CodeOwner::Elsewhere => None,
            }),
            variant_is_active: command.variant_id.is_some_and(|id| list.has_active_variant(id, flaw)),
            mail: mail.as_ref(),
        })
    }

    fn write_sign_up(&mut self, plan: SignUpPlan) {
        let flaw = self.flaw;
        let SignUpPlan { entry, credit, events, mail } = plan;
        if let Some(list) = self.lists.get_mut(&entry.waitlist_id) {
            list.tally.add(&entry);
            let now = entry.created_at;
            list.put(entry);
            if let Some(referrer) = credit.and_then(|id| list.find(id)).cloned() {
                let grown = referrer.referral_count + 1 + u64::from(flaw.is(Flaw::CreditedTwice));
                let updated_at = if flaw.is(Flaw::CreditsAreUpdates) { now } else { referrer.updated_at };
                list.put(Entry { referral_count: grown, updated_at, ..referrer });
            }
        }
        events.into_iter().take(if flaw.is(Flaw::OneEventASignUp) { 1 } else { 2 }).for_each(|event| self.tell(event));
        self.post(mail);
    }
}
