//! [`EntryStore`] in memory.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream;
use rally_domain::command::{
    CodeOwner, Confirmed, DeleteEntry, EntryRejection, EraseEntry, ErasurePlan, InvitationPlan, InviteRejection, Invited, ProfilePlan,
    ProfileRejection, RecordInvitation, ReferrerFacts, ReplaceLink, ReplaceLinkRejection, ReviewEntry, ReviewPlan, SignUp, SignUpFacts,
    SignUpPlan, SignUpRejection, UpdateProfile,
};
use rally_domain::confirmation::{KeptRequest, RequestState, SignUpRequest};
use rally_domain::entry::{Entry, EntryStatus, Friend, Records};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::Event;
use rally_domain::id::{EntryId, SuppressionId, WaitlistId, WorkspaceId};
use rally_domain::ledger::{Referral, ReferralState};
use rally_domain::mail::{Mail, MailRecord, MailState, Recipient};
use rally_domain::paging::{Limit, Page};
use rally_domain::port::{EntryStore, EntryStream};
use rally_domain::proof_of_work::UsedProof;
use rally_domain::rank::Ranks;
use rally_domain::referral::{Position, ReferralBoost};
use rally_domain::secret::AddressHash;
use rally_domain::suppression::{Suppression, SuppressionReason};
use rally_domain::tombstone::Tombstone;

use crate::data::{Data, KeptReferral, List, QueuedMail};
use crate::flaw::{Flaw, Flawed};
use crate::purges::Purge;
use crate::queue::Job;
use crate::{MemoryStore, rejected};

/// Entries of a batch of an export.
const BATCH: usize = 256;

#[async_trait]
impl EntryStore for MemoryStore {
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>> {
        let work = |data: &mut Data| {
            let plan = data.decide(&command);
            if let (Some(proof), true) = (command.proof, plan.is_err() && data.flaw.is(Flaw::RefusedSignUpsUseProofs)) {
                data.use_up(&UsedProof { proof, waitlist_id: command.waitlist_id, taken_at: None });
            }
            let plan = plan.map_err(rejected)?;
            let entry = plan.entry.clone();
            let waiting = data.requested(&command).and_then(|kept| kept.waiting(command.now).ok());
            data.write_sign_up(plan);
            if let Some(SignUpRequest { id: request_id, mails_sent, .. }) = waiting {
                data.confirm(&Confirmed { request_id, mails_sent, entry_id: entry.id });
            }
            Ok(entry)
        };
        self.write(work).await
    }

    async fn review(&self, command: ReviewEntry) -> Result<Entry, CommandError<EntryRejection>> {
        let look = |data: &Data| data.entry_facts(command.waitlist_id, command.entry_id).map(|facts| data.flaw.uninvited(facts));
        let early = self.read_early(Flaw::ReviewsReadEarly, look).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| look(data));
            Ok(match data.audit(command.decide(facts).map_err(rejected)?) {
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
            let InvitationPlan { invited, event, mail } = data.audit(command.decide(facts).map_err(rejected)?);
            let (entry, status) = (invited.entry.clone(), invited.entry.status);
            data.put_changed(&data.flaw.invited(before, entry), status);
            data.post(mail.filter(|_| !data.flaw.is(Flaw::InvitationsNotMailed)));
            event.filter(|_| !data.flaw.is(Flaw::InvitationsNotTold)).into_iter().for_each(|event| data.tell(event));
            Ok(invited)
        };
        self.write(work).await
    }

    async fn update_profile(&self, command: UpdateProfile) -> Result<Entry, CommandError<ProfileRejection>> {
        let look = |data: &Data| {
            let home = data.home_of(command.entry_id, Flaw::ProfilesIgnoreLists);
            data.entry_facts(home.unwrap_or(command.waitlist_id), command.entry_id)
        };
        let early = self.read_early(Flaw::ProfilesReadEarly, look).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| look(data));
            let before = facts.as_ref().map(|facts| facts.entry.profile.clone());
            if data.flaw.is(Flaw::FormerNamesFound) {
                data.former.extend(facts.as_ref().map(|facts| facts.entry.clone()));
            }
            let ProfilePlan { entry, event } = command.decide(facts).map_err(rejected)?;
            data.put_changed(&data.flaw.spoken(before, entry.clone()), entry.status);
            event.filter(|_| !data.flaw.is(Flaw::ProfilesNotTold)).into_iter().for_each(|event| data.tell(event));
            Ok(entry)
        };
        self.write(work).await
    }

    async fn replace_link(&self, command: ReplaceLink) -> Result<Entry, CommandError<ReplaceLinkRejection>> {
        let look = |data: &Data| {
            let home = data.home_of(command.entry_id, Flaw::NewLinksIgnoreLists);
            data.entry_facts(home.unwrap_or(command.waitlist_id), command.entry_id)
        };
        let early = self.read_early(Flaw::NewLinksReadEarly, look).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| look(data));
            let entry = data.audit(command.decide(facts).map_err(rejected)?);
            data.put_changed(&entry, entry.status);
            Ok(entry)
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
            if flaw.is(Flaw::DeletedPeopleFound) {
                data.former.push(entry.clone());
            }
            if let Some(list) = data.lists.get_mut(&waitlist_id) {
                list.tally.remove(&entry, 0);
                if !flaw.is(Flaw::OldCodesStay) {
                    list.forget_old_codes(id);
                }
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
            data.drop_mail(&entry);
            data.remember(UsedProof::of_gone(command.event_id.uuid(), waitlist_id, entry.created_at, command.now));
            data.forget_referral_of(waitlist_id, id);
            if flaw.is(Flaw::LogGoesWithEntries) {
                let told: Vec<_> = data.events.values().filter(|event| event.entry_id == Some(id)).map(|event| event.id).collect();
                data.attempts.retain(|attempt| !told.contains(&attempt.event_id));
            }
            let event = data.audit(command.decide(&entry));
            if flaw.is(Flaw::DeletionsDropTheirEvent) {
                data.tell(Event { entry_id: Some(id), ..event });
                data.drop_undelivered(id);
            } else {
                data.drop_undelivered(id);
                data.tell(event);
            }
            if entry.referral_count > 0 {
                data.purges.push(Purge::Referrer(waitlist_id, id));
            }
            Ok(true)
        };
        self.write(work).await
    }

    async fn erase(&self, command: EraseEntry) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.entry_id);
        let look = |data: &Data| data.lists.get(&waitlist_id)?.find(id).cloned();
        let early = self.read_early(Flaw::ErasuresReadEarly, look).await.flatten();
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let home = data.lists.values().find(|list| flaw.is(Flaw::ErasuresIgnoreLists) && list.find(id).is_some());
            let home = home.map_or(waitlist_id, |list| list.waitlist.id);
            let Some(list) = data.lists.get_mut(&home) else { return Ok(false) };
            let Some(entry) = list.take(id).or(early) else { return Ok(false) };
            let ErasurePlan { tombstone, suppression, event } = data.audit(command.decide(&entry));
            let Some(list) = data.lists.get_mut(&home) else { return Ok(false) };
            list.bury(&entry, tombstone, flaw);
            list.forget_old_codes(id);
            data.drop_mail(&entry);
            data.drop_tests(&suppression);
            data.remember(UsedProof::of_gone(command.event_id.uuid(), home, entry.created_at, command.now));
            data.forget_referral_of(home, id);
            data.erase_requests(home, &entry.profile.email);
            data.drop_undelivered(id);
            data.suppress_erased(suppression);
            let entry_id = Some(id).filter(|_| flaw.is(Flaw::ErasuresReduceTheirEvent));
            data.tell(Event { entry_id, ..event });
            data.purges.push(Purge::Traces(home, id));
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

    async fn friends(&self, id: EntryId, most: usize) -> Result<Vec<Friend>, Fault> {
        let look = |data: &Data| {
            let Some(list) = data.lists.values().find(|list| list.find(id).is_some()) else { return Vec::new() };
            let of_anybody = data.flaw.is(Flaw::FriendsOfAnybody);
            let referrals = list.referrals.values().map(|kept| &kept.referral);
            let mut friends: Vec<&Referral> = referrals.filter(|referral| referral.referrer == Some(id) || of_anybody).collect();
            friends.sort_by_key(|referral| (referral.created_at, referral.id));
            if !data.flaw.is(Flaw::OldestFriendsFirst) {
                friends.reverse();
            }
            let friend = |referral: &Referral| Friend {
                email: referral.referred.and_then(|id| list.find(id)).map(|entry| entry.profile.email.clone()),
                is_credited: referral.state == ReferralState::Credited,
                joined_at: referral.created_at,
            };
            friends.into_iter().take(most).map(friend).collect()
        };
        Ok(self.read(look))
    }

    async fn records(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Records, Fault> {
        let look = |data: &Data| {
            let flaw = data.flaw;
            let of_entry = |other: Option<EntryId>| other == Some(id) || flaw.is(Flaw::RecordsOfAnybody);
            let events = data.events.values().filter(|event| event.waitlist_id == Some(waitlist_id) && of_entry(event.entry_id));
            let is_kept = |queued: &&QueuedMail| queued.job.is_unfinished() || !flaw.is(Flaw::FinishedMailNotRecorded);
            let mut mails: Vec<MailRecord> = data
                .mails
                .values()
                .filter(|queued| of_entry(queued.mail.recipient.entry_id()))
                .filter(is_kept)
                .map(|queued| MailRecord {
                    id: queued.mail.id,
                    kind: queued.mail.kind,
                    locale: queued.mail.locale.clone(),
                    to: queued.mail.to.clone(),
                    state: MailState::of(queued.job.state.stored()),
                    created_at: queued.mail.created_at,
                    sent_at: queued.sent_at,
                })
                .collect();
            mails.sort_by_key(|mail| (mail.created_at, mail.id));
            let old_codes = data.lists.get(&waitlist_id).into_iter().flat_map(|list| &list.old_codes);
            let old_codes = old_codes.filter(|(_, owner)| of_entry(Some(**owner)) && !flaw.is(Flaw::OldCodesNotRecorded));
            let mut events: Vec<Event> = events.cloned().collect();
            if flaw.is(Flaw::NewestRecordsFirst) {
                events.reverse();
                mails.reverse();
            }
            Records { events, mails, old_codes: old_codes.map(|(code, _)| code.clone()).collect() }
        };
        Ok(self.read(look))
    }

    async fn ranks(&self, waitlist_id: WaitlistId, boost: ReferralBoost) -> Result<Arc<Ranks>, Fault> {
        let look = |data: &Data| {
            let flaw = data.flaw;
            let list = data.lists.get(&waitlist_id).or_else(|| data.buried(waitlist_id, Flaw::DeletedListsRanked));
            let Some(list) = list else { return Ranks::empty(boost) };
            let lists = data.lists_beside(waitlist_id, Flaw::RanksOfWholeWorkspaces).filter(|other| other.waitlist.id != waitlist_id);
            let entries = std::iter::once(list).chain(lists).flat_map(|list| list.entries().values().cloned().collect::<Vec<_>>());
            let ranked: Vec<Entry> =
                entries.filter(|entry| entry.status != EntryStatus::Rejected || flaw.is(Flaw::RejectedPeopleRanked)).collect();
            let last = match flaw.is(Flaw::LastPositionsFromRows) {
                true => ranked.iter().map(|entry| entry.position).max().unwrap_or(Position::new(0)),
                false => Position::new(list.tally.last_position),
            };
            let counts = ranked.iter().filter(|entry| entry.referral_count > 0).map(|entry| (entry.position, entry.referral_count));
            let counts = if flaw.is(Flaw::RanksForgetReferrals) { Vec::new() } else { counts.collect() };
            Ranks::new(boost, last, ranked.iter().map(|entry| entry.position).collect(), counts)
        };
        Ok(Arc::new(self.read(look)))
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
        let referrer = command.friends_code.as_ref().and_then(owner).and_then(|owner| match owner {
            CodeOwner::Here(referrer) if flaw.is(Flaw::RejectedFriendsCredited) => Some(flaw.pardon(referrer)),
            CodeOwner::Here(referrer) => Some(referrer),
            CodeOwner::Elsewhere => None,
        });
        let referrer = referrer.map(|referrer| ReferrerFacts { recent: list.recent(&referrer, command, flaw), ..referrer });
        let neighbours = referrer.as_ref().map_or(0, |referrer| list.neighbours(referrer, command, flaw));
        let rewarded = referrer.as_ref().and_then(|referrer| list.find(referrer.id));
        let erased = self.erased(list.waitlist.workspace_id, command.links.secret().hash_address(&command.profile.email));
        let request = self.requested(command);
        command.decide(SignUpFacts {
            request: request.as_ref(),
            waitlist: &list.waitlist,
            last_position: if flaw.is(Flaw::PositionsFromCount) { list.tally.entries() } else { list.tally.last_position },
            entries: match flaw.is(Flaw::DeletionsFreeNoPlaces) {
                true => list.tally.last_position,
                false if flaw.is(Flaw::ErasuresFreeNoPlaces) => list.tally.entries(),
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
                None => list.old_codes.contains_key(command.own_code.as_str()) && !flaw.is(Flaw::NewCodesMayBeOld),
            },
            referrer: referrer.as_ref(),
            neighbours,
            rewarded,
            mailbox_taken: self.is_mailbox_taken(command),
            proof_used: self.is_used(command.proof, Flaw::SignUpsReuseProofs),
            variant_is_active: command.variant_id.is_some_and(|id| list.has_active_variant(id, flaw)),
            erased,
            mail: mail.as_ref(),
        })
    }

    /// Whether an entry, or a request that waits and is not being confirmed, has an address of the same mailbox.
    fn is_mailbox_taken(&self, command: &SignUp) -> bool {
        let flaw = self.flaw;
        let mailbox = command.profile.email.mailbox();
        let Some(list) = self.lists.get(&command.waitlist_id) else { return false };
        let joined = list.entries().values().any(|entry| entry.profile.email.mailbox() == mailbox);
        let mut waiting = self.requests.values().filter(|kept| kept.waitlist_id == command.waitlist_id);
        let waits = waiting.any(|kept| match &kept.state {
            RequestState::Waiting(request) => request.profile.email.mailbox() == mailbox,
            RequestState::Confirmed(_) | RequestState::Refused => false,
        });
        joined && !flaw.is(Flaw::MailboxesJoinAgain)
            || waits && (command.confirms.is_none() || flaw.is(Flaw::MailboxesBlockThemselves)) && !flaw.is(Flaw::WaitingMailboxesForgotten)
    }

    /// The request that a sign-up confirms.
    fn requested(&self, command: &SignUp) -> Option<KeptRequest> {
        command.confirms.and_then(|id| self.requests.get(&id)).filter(|kept| kept.waitlist_id == command.waitlist_id).cloned()
    }

    fn write_sign_up(&mut self, plan: SignUpPlan) {
        let flaw = self.flaw;
        let SignUpPlan { entry, referral, network, events, mail, lifts, uses, audit } = plan;
        self.note(audit.map(|row| *row).or_else(|| self.flaw.visit(&entry)));
        uses.iter().for_each(|used| self.use_up(used));
        if let Some(list) = self.lists.get_mut(&entry.waitlist_id) {
            list.tally.add(&entry);
            let (id, now, credit) = (entry.id, entry.created_at, referral.as_ref().and_then(Referral::credit));
            list.put(entry);
            list.networks.extend(network.map(|network| (id, network)));
            if let Some(referral) = referral.filter(|_| !flaw.is(Flaw::ReferralsNotWritten)) {
                let referral = flaw.judged(referral);
                list.referrals.insert(referral.id, KeptReferral { referral, network });
            }
            if let Some(referrer) = credit.and_then(|id| list.find(id)).cloned() {
                let grown = referrer.referral_count + 1 + u64::from(flaw.is(Flaw::CreditedTwice));
                let updated_at = if flaw.is(Flaw::CreditsAreUpdates) { now } else { referrer.updated_at };
                list.put(Entry { referral_count: grown, updated_at, ..referrer });
            }
        }
        events.into_iter().take(if flaw.is(Flaw::OneEventASignUp) { 1 } else { usize::MAX }).for_each(|event| self.tell(event));
        self.post(mail);
        self.suppressions.retain(|row| Some(row.id) != lifts || flaw.is(Flaw::ErasedPeopleStaySuppressed));
    }

    /// Deletes the mail to a person.
    fn drop_mail(&mut self, entry: &Entry) {
        let flaw = self.flaw;
        if flaw.is(Flaw::MailToDeletedEntries) {
            return;
        }
        let goes = |mail: &Mail| {
            mail.recipient.entry_id() == Some(entry.id) || (flaw.is(Flaw::MailGoesByAddress) && mail.to == entry.profile.email)
        };
        let stays = |job: &Job| flaw.is(Flaw::SentMailStays) && !job.is_unfinished();
        let gone: Vec<_> =
            self.mails.values().filter(|queued| goes(&queued.mail) && !stays(&queued.job)).map(|queued| queued.mail.id).collect();
        gone.into_iter().for_each(|id| self.delete_mail(id));
    }

    /// Deletes the mails to an address of a workspace that tried a template.
    fn drop_tests(&mut self, suppression: &Suppression) {
        let flaw = self.flaw;
        let is_test = |mail: &Mail| mail.recipient == Recipient::Tester || flaw.is(Flaw::AllMailOfAnErasedAddressGoes);
        let goes =
            |mail: &Mail| is_test(mail) && mail.workspace_id == suppression.workspace_id && mail.address == Some(suppression.address);
        let tests = self.mails.values().filter(|queued| goes(&queued.mail) && !flaw.is(Flaw::TestsOutliveErasures));
        let tests: Vec<_> = tests.map(|queued| queued.mail.id).collect();
        tests.into_iter().for_each(|id| self.delete_mail(id));
    }

    /// Deletes the undelivered deliveries of the events of an entry.
    fn drop_undelivered(&mut self, id: EntryId) {
        if self.flaw.is(Flaw::EventsOfDeletedEntriesSent) {
            return;
        }
        let of_entry = |data: &Self, event| data.event(event).is_some_and(|event| event.entry_id == Some(id));
        let dropped: Vec<bool> = self.deliveries.iter().map(|d| d.job.is_unfinished() && of_entry(self, d.event_id)).collect();
        let mut dropped = dropped.into_iter();
        self.deliveries.retain(|_| !dropped.next().unwrap_or(false));
    }

    /// Suppresses the address of an erased entry. No suppression shows the address any more.
    fn suppress_erased(&mut self, suppression: Suppression) {
        let flaw = self.flaw;
        let is_same = |row: &Suppression| row.workspace_id == suppression.workspace_id && row.address == suppression.address;
        for row in self.suppressions.iter_mut().filter(|row| is_same(row) && !flaw.is(Flaw::MasksOfErasedAddressesStay)) {
            row.masked_email = None;
        }
        if !flaw.is(Flaw::ErasedAddressesNotSuppressed) {
            self.add_suppression(suppression);
        }
    }

    /// The suppression of an address of which the person was erased.
    fn erased(&self, workspace_id: WorkspaceId, address: AddressHash) -> Option<SuppressionId> {
        let any = self.flaw.is(Flaw::SignUpsLiftEveryReason);
        let is_erased = |row: &&Suppression| row.address == address && (row.reason == SuppressionReason::Erased || any);
        self.suppressions_of(workspace_id).find(is_erased).map(|row| row.id)
    }
}

impl List {
    /// Puts a tombstone in the place of an entry that was taken.
    fn bury(&mut self, entry: &Entry, tombstone: Tombstone, flaw: Flawed) {
        if flaw.is(Flaw::ErasedPeopleLead) {
            self.keep_leading(entry);
        }
        if flaw.is(Flaw::ErasuresCountOut) {
            self.tally.remove(entry, 0);
            return;
        }
        if flaw.is(Flaw::ErasuresKeepSources) {
            self.tally.erased += 1;
        } else {
            self.tally.erase(entry);
        }
        if !flaw.is(Flaw::ErasedReferrersForgotten) {
            self.tombstones.insert(tombstone.id, tombstone);
        }
    }
}
