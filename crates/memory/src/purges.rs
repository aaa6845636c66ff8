//! [`PurgeStore`] in memory. It deletes the rows of deleted objects, a batch at a time.

use async_trait::async_trait;
use rally_domain::delivery::Attempt;
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::event::{Event, EventSubject};
use rally_domain::id::{EntryId, EventId, WaitlistId, WebhookId, WorkspaceId};
use rally_domain::mail::{Mail, Recipient};
use rally_domain::port::PurgeStore;
use rally_domain::queue::Verdict;
use rally_domain::suppression::Suppression;
use rally_domain::timestamp::Timestamp;

use crate::MemoryStore;
use crate::data::{Data, List};
use crate::flaw::Flaw;
use crate::queue::State;

/// The rows that a deletion left.
#[derive(Clone)]
pub(crate) enum Purge {
    /// A list that no reader sees.
    List(Box<List>),
    /// The deliveries of a webhook and their log.
    Webhook(WebhookId),
    /// The deliveries that waited for a webhook before it was disabled or enabled.
    Held(WebhookId),
    /// The entries of a list that name a deleted entry as their referrer.
    Referrer(WaitlistId, EntryId),
    /// The rows that a workspace had beside its lists and webhooks.
    Workspace(WorkspaceId),
    /// The data of the person of an erased entry.
    Traces(WaitlistId, EntryId),
}

#[async_trait]
impl PurgeStore for MemoryStore {
    async fn purge(&self, rows: usize) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            if data.purges.is_empty() {
                return false;
            }
            let most = if data.flaw.is(Flaw::PurgesInOneBatch) { usize::MAX } else { rows };
            let mut purge = data.purges.remove(0);
            if data.purge_some(&mut purge, most) {
                data.purges.push(purge);
            }
            true
        };
        Ok(self.write(work).await)
    }

    async fn find_orphans(&self) -> Result<u64, Fault> {
        // Older programs never wrote to this store.
        Ok(0)
    }

    async fn backlog(&self) -> Result<u64, Fault> {
        Ok(self.read(|data| if data.flaw.is(Flaw::BacklogNotTold) { 0 } else { data.purges.len() as u64 }))
    }
}

impl Data {
    /// Hides a list from readers.
    pub fn bury_list(&mut self, id: WaitlistId) {
        let list = self.lists.remove(&id);
        self.purges.extend(list.map(|list| Purge::List(Box::new(list))));
    }

    /// Hides a webhook from readers.
    pub fn bury_webhook(&mut self, id: WebhookId) {
        if self.webhooks.remove(&id).is_some() {
            self.purges.push(Purge::Webhook(id));
        }
    }

    /// Purges about that many rows of a table at most. Returns whether rows may be left.
    fn purge_some(&mut self, purge: &mut Purge, most: usize) -> bool {
        match purge {
            Purge::List(list) => self.purge_list(list, most),
            Purge::Webhook(id) => self.purge_webhook(*id, most),
            Purge::Held(id) => self.hold(*id, most),
            Purge::Referrer(list, id) => self.forget_referrer(*list, *id, most),
            Purge::Workspace(id) => self.purge_workspace(*id, most),
            Purge::Traces(list, id) => self.purge_traces(*list, *id, most),
        }
    }

    fn purge_list(&mut self, list: &mut List, most: usize) -> bool {
        let id = list.waitlist.id;
        // The answers to events are found by the events.
        let waits = self.purges.iter().any(|purge| matches!(purge, Purge::Traces(of, _) if *of == id));
        if waits {
            return true;
        }
        let entries = list.take_some(most);
        let is_gone = |entry: Option<EntryId>| entries.iter().any(|gone| Some(gone.id) == entry);
        let last = entries.is_empty();
        let keeps_mail = self.flaw.is(Flaw::PurgesForgetMail);
        let also = self.flaw.is(Flaw::PurgesTakeNeighbours);
        let mails = self.mails.iter().filter(|(_, queued)| queued.mail.recipient.waitlist_id() == Some(id) || also);
        let mails = mails.filter(|(_, queued)| (last || is_gone(queued.mail.recipient.entry_id())) && !keeps_mail);
        let mails: Vec<_> = mails.map(|(id, _)| *id).take(if last { most } else { usize::MAX }).collect();
        let keeps_events = self.flaw.is(Flaw::PurgesForgetEvents);
        let takes_tests = self.flaw.is(Flaw::PurgesTakeTests);
        let is_test = |event: &Event| event.waitlist_id.is_none() && takes_tests;
        let events = self.events.values().filter(|event| event.waitlist_id == Some(id) || also || is_test(event));
        let events = events.filter(|event| (last || is_gone(event.entry_id)) && !event.body.is_empty() && !keeps_events);
        let events: Vec<(Timestamp, EventId)> =
            events.map(|event| (event.occurred_at, event.id)).take(if last { most } else { usize::MAX }).collect();
        mails.iter().for_each(|id| self.delete_mail(*id));
        if last && !self.flaw.is(Flaw::PurgesForgetRequests) {
            self.requests.retain(|_, kept| kept.waitlist_id != id);
        }
        events.iter().for_each(|key| self.empty_event(*key));
        !(last && mails.is_empty() && events.is_empty())
    }

    fn purge_webhook(&mut self, id: WebhookId, most: usize) -> bool {
        let keeps_deliveries = self.flaw.is(Flaw::PurgesForgetDeliveries);
        let deliveries = remove_some(&mut self.deliveries, most, |delivery| delivery.webhook_id == id && !keeps_deliveries);
        let flaw = self.flaw;
        let is_logged = |attempt: &Attempt| attempt.webhook_id == id && !flaw.is(Flaw::PurgesForgetLogs);
        let attempts = remove_some(&mut self.attempts, most, |attempt| is_logged(attempt) || flaw.is(Flaw::PurgesTakeOtherLogs));
        deliveries + attempts > 0
    }

    fn purge_workspace(&mut self, id: WorkspaceId, most: usize) -> bool {
        let flaw = self.flaw;
        let is_gone = |suppression: &Suppression| suppression.workspace_id == id && !flaw.is(Flaw::PurgesForgetSuppressions);
        let suppressions = remove_some(&mut self.suppressions, most, |row| is_gone(row) || flaw.is(Flaw::PurgesTakeOtherSuppressions));
        let is_test =
            |mail: &Mail| mail.workspace_id == id && mail.recipient == Recipient::Tester && !flaw.is(Flaw::TestsOutliveWorkspaces);
        let tests: Vec<_> = self.mails.values().filter(|queued| is_test(&queued.mail)).map(|queued| queued.mail.id).take(most).collect();
        tests.iter().for_each(|id| drop(self.mails.remove(id)));
        suppressions + tests.len() > 0
    }

    /// Reduces a batch of the events of an erased entry, and removes the answers to them. Returns whether events may be left.
    fn purge_traces(&mut self, list: WaitlistId, id: EntryId, most: usize) -> bool {
        let flaw = self.flaw;
        let is_own = |event: &Event| event.entry_id == Some(id) || flaw.is(Flaw::TracesOfOthersPurged);
        let body = |event: &Event| {
            let subject = EventSubject { workspace_id: event.workspace_id, waitlist_id: event.waitlist_id, entry_id: event.entry_id };
            Event::reduced_body(subject, event.id, event.kind.as_str(), event.occurred_at)
        };
        let mine = self.events.values_mut().filter(|event| event.waitlist_id == Some(list) && is_own(event));
        let whole = mine.filter(|event| event.body != body(event)).take(most);
        let mut reduced = Vec::new();
        for event in whole {
            reduced.push(event.id);
            if !flaw.is(Flaw::BodiesKeepTraces) {
                event.body = body(event);
            }
        }
        for attempt in self.attempts.iter_mut().filter(|attempt| reduced.contains(&attempt.event_id)) {
            attempt.response_body.take_if(|_| !flaw.is(Flaw::AnswersKeepTraces));
        }
        reduced.len() == most && !flaw.is(Flaw::TracesPurgedInPart) && !flaw.is(Flaw::BodiesKeepTraces)
    }

    fn hold(&mut self, id: WebhookId, most: usize) -> bool {
        let Some(generation) = self.webhooks.get(&id).map(|hook| hook.webhook.generation) else { return false };
        if self.flaw.is(Flaw::PurgesForgetHeld) {
            return false;
        }
        let waits = |delivery: &&mut crate::data::Delivery| {
            delivery.webhook_id == id && delivery.generation < generation && delivery.job.state == State::Pending
        };
        let outdated = self.deliveries.iter_mut().filter(waits).take(most);
        outdated.map(|delivery| delivery.job.settle(Verdict::Held)).count() == most
    }

    fn forget_referrer(&mut self, list: WaitlistId, id: EntryId, most: usize) -> bool {
        let flaw = self.flaw;
        let Some(list) = self.lists.get_mut(&list) else { return false };
        let referred: Vec<_> = list.entries().values().filter(|entry| entry.referred_by == Some(id)).take(most).cloned().collect();
        let entries = referred.len();
        referred.into_iter().for_each(|entry| list.put(Entry { referred_by: None, ..entry }));
        let keeps = flaw.is(Flaw::TombstonesKeepDeletedReferrers);
        let tombstones = list.tombstones.values_mut().filter(|tombstone| tombstone.referred_by == Some(id) && !keeps).take(most - entries);
        let forgotten = entries + tombstones.map(|tombstone| tombstone.referred_by = None).count();
        if !flaw.is(Flaw::DeletedReferrersCounted) {
            list.tally.referred -= forgotten as u64;
        }
        let decided =
            list.referrals.values_mut().filter(|kept| kept.referral.referrer == Some(id) && !flaw.is(Flaw::ReasonsOutliveReferrers));
        decided.filter_map(|kept| kept.referral.decision.as_mut()).for_each(|decision| decision.reason = None);
        forgotten == most
    }
}

/// Removes at most that many rows. Returns how many it removed.
fn remove_some<T>(rows: &mut Vec<T>, most: usize, is_gone: impl Fn(&T) -> bool) -> usize {
    let mut removed = 0;
    rows.retain(|row| {
        let gone = removed < most && is_gone(row);
        removed += usize::from(gone);
        !gone
    });
    removed
}
