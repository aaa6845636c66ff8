//! [`MailQueue`] in memory.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use rally_domain::command::{TestMail, TestMailFacts, TestMailRejection};
use rally_domain::confirmation::RequestState;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ClaimId, MailId, WorkspaceId};
use rally_domain::mail::{ClaimedMail, LoggedMail, Mail, MailBudget, MailFilter, MailKind, MailState, Recipient, SettleMail, WaitingMail};
use rally_domain::paging::{Limit, MailKey, Page};
use rally_domain::port::MailQueue;
use rally_domain::queue::{ClaimRequest, QueueDepth, RetrySchedule, Verdict};
use rally_domain::secret::NetworkHash;
use rally_domain::suppression::SuppressionReason;
use rally_domain::timestamp::Timestamp;

use crate::data::{Data, QueuedMail};
use crate::flaw::{Flaw, Flawed};
use crate::queue::{State, depth, share};
use crate::{MemoryStore, rejected};

#[async_trait]
impl MailQueue for MemoryStore {
    async fn mails(&self, limit: usize) -> Result<Vec<Mail>, Fault> {
        let look = |data: &Data| {
            let seen = |queued: &QueuedMail| match queued.job.is_unfinished() || data.flaw.is(Flaw::EndedMailKeepsData) {
                true => queued.mail.clone(),
                false => Mail { data: String::new(), ..queued.mail.clone() },
            };
            data.mails.values().map(seen).collect()
        };
        let mut mails: Vec<Mail> = self.read(look);
        mails.sort_by_key(|mail| (mail.created_at, mail.id));
        if self.read(|data| data.flaw.is(Flaw::NewestMailsFirst)) {
            mails.reverse();
        }
        mails.truncate(limit);
        Ok(mails)
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WorkspaceId>, Fault> {
        let look = |data: &Data| {
            let due = data.mails.values().filter(|queued| queued.job.is_due(now, data.flaw));
            due.map(|queued| queued.mail.workspace_id).collect::<BTreeSet<_>>()
        };
        Ok(self.read(look).into_iter().take(self.read(|data| data.flaw.at_most(Flaw::FirstLanesDue, 4))).collect())
    }

    async fn claim(&self, request: ClaimRequest<WorkspaceId>, budget: Option<MailBudget>) -> Result<Vec<ClaimedMail>, Fault> {
        let lanes: Vec<WorkspaceId> = request.shares.iter().map(|(lane, _)| *lane).collect();
        let count = |data: &Data, budget: MailBudget| -> HashMap<WorkspaceId, HashMap<NetworkHash, u64>> {
            lanes.iter().map(|lane| (*lane, data.begun_mails(*lane, budget.since(request.now)))).collect()
        };
        let early = self.read_early(Flaw::BudgetReadEarly, |data| budget.map(|budget| count(data, budget))).await.flatten();
        let work = |data: &mut Data| {
            let budget = budget.filter(|_| !data.flaw.is(Flaw::BudgetIgnored));
            let begun = early.or_else(|| budget.map(|budget| count(data, budget))).unwrap_or_default();
            let mut claimed = Vec::new();
            for (lane, most) in &request.shares {
                if let Some(budget) = budget {
                    data.begin_mails(*lane, *most, request.now, budget, &begun[lane]);
                }
                claimed.extend(data.claim_mails(*lane, *most, &request, budget));
            }
            claimed
        };
        Ok(self.write(work).await)
    }

    async fn confirm(&self, claimed: Vec<(ClaimId, MailId)>) -> Result<Vec<ClaimedMail>, Fault> {
        let look = |data: &Data| {
            let of = |(claim, id): &(ClaimId, MailId)| {
                let queued = data.mails.get(id).filter(|queued| queued.job.is_confirmed(*claim, data.flaw))?;
                let is_held_back = data.is_held_back(&queued.mail) && !data.flaw.is(Flaw::SuppressedMailConfirmed);
                let is_wanted = data.is_wanted(&queued.mail, None) && !is_held_back;
                let found = is_wanted.then(|| claimed_mail(queued, *claim, data))?;
                Some(ClaimedMail { attempt: data.flaw.attempt(found.attempt), ..found })
            };
            claimed.iter().filter_map(of).collect()
        };
        Ok(self.read(look))
    }

    async fn settle(&self, attempts: Vec<SettleMail>, schedule: RetrySchedule) -> Result<usize, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let schedule = if flaw.is(Flaw::PoliciesIgnored) { RetrySchedule::default() } else { schedule };
            let settled = attempts.iter().filter(|attempt| {
                let mine = data.mails.get_mut(&attempt.mail_id).filter(|queued| queued.job.is_claimed(attempt.claim, flaw));
                mine.map(|queued| queued.settle(attempt, attempt.decide(&schedule), flaw)).is_some()
            });
            let settled: Vec<_> = settled.cloned().collect();
            for attempt in &settled {
                let mail = data.mails.get(&attempt.mail_id).map(|queued| queued.mail.clone());
                let suppression = mail.and_then(|mail| attempt.suppression(&mail.to, mail.address?));
                if let Some(suppression) = suppression.filter(|_| !flaw.is(Flaw::BouncesForgotten)) {
                    data.add_suppression(suppression);
                }
            }
            settled.len()
        };
        Ok(self.write(work).await)
    }

    async fn release(&self, claim: ClaimId, mails: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let mails: Vec<_> = mails.into_iter().take(flaw.at_most(Flaw::ReleasesOne, 1)).collect();
            let mine = |id: &MailId, queued: &QueuedMail| mails.contains(id) && queued.job.is_claimed(claim, flaw);
            let claimed = data.mails.iter_mut().filter(|(id, queued)| mine(id, queued));
            claimed.for_each(|(_, queued)| queued.job.release(due_at, flaw));
        };
        self.write(work).await;
        Ok(())
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let freed = data.mails.values_mut().filter_map(|queued| queued.job.reap(now, attempts, flaw).then_some(())).count() as u64;
            if !flaw.is(Flaw::KeptMailStays) {
                data.mails.values_mut().for_each(|queued| queued.expire(now));
            }
            freed
        };
        Ok(self.write(work).await)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let is_old = |queued: &QueuedMail| {
                let in_flight = data.flaw.is(Flaw::MailInFlightPruned) && queued.job.state != State::Pending;
                queued.mail.created_at < before && (!queued.job.is_unfinished() || in_flight || data.flaw.is(Flaw::UnfinishedPruned))
            };
            let mut old: Vec<_> = data.mails.iter().filter(|(_, queued)| is_old(queued)).map(|(id, q)| (q.mail.created_at, *id)).collect();
            old.sort();
            old.truncate(data.flaw.prunes(most));
            old.iter().filter(|(_, id)| data.mails.remove(id).is_some()).count() as u64
        };
        Ok(self.write(work).await)
    }

    async fn test(&self, command: TestMail) -> Result<Mail, CommandError<TestMailRejection>> {
        let workspace_id = command.mail.workspace_id;
        let early = self.read_early(Flaw::TestsCountedEarly, |data| data.test_facts(workspace_id)).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| data.test_facts(workspace_id));
            let mail = command.decide(&facts).map_err(rejected)?;
            let (flaw, id) = (data.flaw, data.flaw.mail_id(mail.id, data.mails.len()));
            data.post(Some(mail.clone()));
            if let Some((claim, until)) = command.claim.filter(|_| !flaw.is(Flaw::TestsNotClaimed)) {
                data.mails.entry(id).and_modify(|queued| queued.job.claim(claim, until, flaw));
            }
            Ok(mail.clone())
        };
        self.write(work).await
    }

    async fn log(
        &self,
        workspace_id: WorkspaceId,
        filter: MailFilter,
        after: Option<MailKey>,
        limit: Limit,
    ) -> Result<Page<LoggedMail, MailKey>, Fault> {
        let look = |data: &Data| {
            let mut logged: Vec<_> =
                data.mails.values().filter(|queued| data.is_logged(queued, workspace_id, filter)).map(logged).collect();
            logged.sort_by_key(|mail| std::cmp::Reverse((mail.created_at, mail.id)));
            if data.flaw.is(Flaw::LogOldestFirst) {
                logged.reverse();
            }
            let is_next = |mail: &LoggedMail| after.is_none_or(|key| (mail.created_at, mail.id) < (key.created_at, key.id));
            let rows = logged.into_iter().filter(is_next).map(|mail| data.flaw.log_row(mail)).take(limit.rows() + 1).collect();
            Page::from_overfetch(rows, limit, |last: &LoggedMail| MailKey { created_at: last.created_at, id: last.id })
        };
        Ok(self.read(look))
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        Ok(self.read(|data| depth(data.mails.values().map(|queued| &queued.job), data.flaw)))
    }

    async fn kept_back(&self) -> Result<u64, Fault> {
        let count = |data: &Data| {
            let all = data.flaw.is(Flaw::BegunMailsKeptBack);
            let waits = |queued: &&QueuedMail| queued.is_kept_back() && matches!(queued.job.state, State::Pending);
            data.mails.values().filter(|queued| all || waits(queued)).count() as u64
        };
        Ok(self.read(count))
    }
}

fn logged(queued: &QueuedMail) -> LoggedMail {
    let mail = &queued.mail;
    LoggedMail {
        id: mail.id,
        recipient: mail.recipient,
        kind: mail.kind,
        locale: mail.locale.clone(),
        to: mail.to.clone(),
        state: MailState::of(queued.job.state.stored()),
        attempts: queued.job.attempt,
        last_error: queued.last_error.clone(),
        created_at: mail.created_at,
        sent_at: queued.sent_at,
        is_kept_back: queued.is_kept_back() && queued.job.state == State::Pending,
    }
}

impl QueuedMail {
    fn settle(&mut self, attempt: &SettleMail, verdict: Verdict, flaw: Flawed) {
        self.job.settle(verdict);
        self.last_error = self.last_error.take().filter(|_| flaw.is(Flaw::FirstErrorsStay)).or_else(|| attempt.error.clone());
        self.sent_at = (verdict == Verdict::Done && !flaw.is(Flaw::SendingNotStamped)).then_some(attempt.now);
    }

    /// Whether the budget of strangers keeps the mail back.
    const fn is_kept_back(&self) -> bool {
        self.mail.stranger.is_some() && self.begun_at.is_none()
    }

    /// Ends the mail, if it waits and its time is over. One whose request was confirmed is not wanted in any case.
    fn expire(&mut self, now: Timestamp) {
        let is_over = self.mail.recipient.request_id().is_some() && self.mail.expires_at.is_some_and(|end| end <= now);
        if self.job.state == State::Pending && is_over {
            (self.job.state, self.begun_at) = (State::Expired, None);
        }
    }
}

fn claimed_mail(queued: &QueuedMail, claim: ClaimId, data: &Data) -> ClaimedMail {
    ClaimedMail { claim, attempt: queued.job.attempt, mail: data.flaw.mail(&queued.mail, data) }
}

impl Data {
    /// Whether the list of a mail exists, or the workspace of a mail that tells of none, and its request still waits at an instant, if it
    /// asks for a confirmation.
    fn is_wanted(&self, mail: &Mail, now: Option<Timestamp>) -> bool {
        let waits = |id| {
            let kept = self.requests.get(&id).filter(|kept| matches!(kept.state, RequestState::Waiting(_)));
            kept.is_some_and(|kept| now.is_none_or(|now| now < kept.expires_at))
        };
        let is_forgotten = now.is_none() && self.flaw.is(Flaw::ConfirmedRequestsAreMailed);
        let is_confirmed = mail.kind == MailKind::Confirm && mail.recipient.entry_id().is_some() && !is_forgotten;
        let has_ended = is_confirmed || mail.recipient.request_id().is_some_and(|id| !waits(id));
        if has_ended && !self.flaw.is(Flaw::EndedRequestsAreMailed) {
            return false;
        }
        let has_workspace = self.workspaces.contains_key(&mail.workspace_id);
        let is_orphan = || self.flaw.is(Flaw::MailOfDeletedWorkspacesSent) && !has_workspace;
        let belongs = match mail.recipient.waitlist_id() {
            Some(list) => self.is_there(Some(list)),
            None => has_workspace || self.flaw.is(Flaw::TestsOutliveWorkspaces),
        };
        belongs || is_orphan() || self.flaw.is(Flaw::MailOfDeletedListsSent)
    }

    fn test_facts(&self, id: WorkspaceId) -> TestMailFacts {
        let counts = |mail: &&Mail| mail.workspace_id == id && mail.recipient == Recipient::Tester && !self.flaw.is(Flaw::TestsUnlimited);
        let mut recent: Vec<Timestamp> =
            self.mails.values().map(|queued| &queued.mail).filter(counts).map(|mail| mail.created_at).collect();
        recent.sort_by_key(|at| std::cmp::Reverse(*at));
        recent.truncate(TestMail::MAX);
        TestMailFacts { workspace_exists: self.workspaces.contains_key(&id), recent }
    }

    /// Whether the log of a workspace shows a mail.
    fn is_logged(&self, queued: &QueuedMail, id: WorkspaceId, filter: MailFilter) -> bool {
        let (mail, flaw) = (&queued.mail, self.flaw);
        let mine = mail.workspace_id == id || flaw.is(Flaw::LogOfOthers);
        let is_there = self.workspaces.contains_key(&id) && self.is_there(mail.recipient.waitlist_id());
        let is_to = filter.entry_id.is_none_or(|entry| mail.recipient.entry_id() == Some(entry)) || flaw.is(Flaw::LogIgnoresEntries);
        let is_in = filter.state.is_none_or(|state| MailState::of(queued.job.state.stored()) == state) || flaw.is(Flaw::LogIgnoresStates);
        let is_of = filter.kind.is_none_or(|kind| mail.kind == kind) || flaw.is(Flaw::LogIgnoresKinds);
        mine && (is_there || flaw.is(Flaw::LogOfDeletedLists)) && is_to && is_in && is_of
    }

    /// Whether the address of a mail is suppressed for its kind.
    fn is_held_back(&self, mail: &Mail) -> bool {
        let heeds = mail.recipient.heeds_suppressions() || self.flaw.is(Flaw::TestsSuppressed);
        let Some(address) = mail.address.filter(|_| heeds) else { return false };
        let holds = |reason: SuppressionReason| reason.holds_back(mail.kind) && !self.flaw.is(Flaw::SuppressionsIgnored);
        let mut of_workspace =
            self.suppressions.iter().filter(|row| row.workspace_id == mail.workspace_id || self.flaw.is(Flaw::SuppressionsOfOthersCount));
        of_workspace.any(|row| row.address == address && holds(row.reason))
    }

    /// The mails of strangers that a workspace has begun since an instant, by network.
    fn begun_mails(&self, lane: WorkspaceId, since: Timestamp) -> HashMap<NetworkHash, u64> {
        let counts = |at: Timestamp| at > since || self.flaw.is(Flaw::BudgetNeverRenewed);
        let of_lane = self.mails.values().filter(|queued| queued.mail.workspace_id == lane && queued.begun_at.is_some_and(counts));
        let deleted =
            self.begun_mails.iter().filter(|(workspace, _, at)| *workspace == lane && counts(*at)).map(|(_, network, _)| *network);
        let deleted = deleted.filter(|_| !self.flaw.is(Flaw::DeletedMailsForgotten));
        let mut begun = HashMap::new();
        for network in of_lane.filter_map(|queued| queued.mail.stranger).chain(deleted) {
            *begun.entry(self.flaw.network(network)).or_default() += 1;
        }
        begun
    }

    /// Deletes a mail. If a stranger caused it and it was begun, it counts in the budget still.
    pub(crate) fn delete_mail(&mut self, id: MailId) {
        let Some(QueuedMail { mail, begun_at, .. }) = self.mails.remove(&id) else { return };
        self.begun_mails.extend(mail.stranger.zip(begun_at).map(|(network, at)| (mail.workspace_id, network, at)));
    }

    /// Begins the mails of strangers that a budget has room for.
    fn begin_mails(&mut self, lane: WorkspaceId, most: usize, now: Timestamp, budget: MailBudget, begun: &HashMap<NetworkHash, u64>) {
        let kept = self.mails.values().filter(|queued| queued.mail.workspace_id == lane && queued.is_kept_back());
        let due = kept.filter(|queued| queued.job.is_due(now, self.flaw) && self.is_wanted(&queued.mail, Some(now)));
        let waits = |queued: &QueuedMail| {
            let network = self.flaw.network(queued.mail.stranger?);
            Some(WaitingMail { id: queued.mail.id, network, due_at: queued.job.due_at })
        };
        for id in budget.begin(begun, due.filter_map(waits).collect(), most) {
            self.mails.entry(id).and_modify(|queued| queued.begun_at = Some(now));
        }
    }

    fn claim_mails(
        &mut self,
        lane: WorkspaceId,
        most: usize,
        request: &ClaimRequest<WorkspaceId>,
        budget: Option<MailBudget>,
    ) -> Vec<ClaimedMail> {
        let flaw = self.flaw;
        let late = self.mails.values_mut().filter(|queued| queued.mail.workspace_id == lane);
        late.for_each(|queued| queued.expire(request.now));
        if flaw.is(Flaw::LateMailForgotten) {
            self.mails.retain(|_, queued| queued.job.state != State::Expired);
        }
        let stops = |queued: &QueuedMail| queued.mail.workspace_id == lane && queued.is_kept_back() && queued.job.state == State::Pending;
        if flaw.is(Flaw::OtherMailsWait) && budget.is_some() && self.mails.values().any(stops) {
            return Vec::new();
        }
        let wanted = |queued: &QueuedMail| {
            let is_of_lane = queued.mail.workspace_id == lane || flaw.is(Flaw::LanesMixed);
            is_of_lane && (budget.is_none() || !queued.is_kept_back())
        };
        let due = self.mails.iter().filter(|(_, queued)| {
            wanted(queued) && queued.job.is_due(request.now, flaw) && self.is_wanted(&queued.mail, Some(request.now))
        });
        let due: Vec<(Timestamp, MailId)> = due.map(|(id, queued)| (queued.job.due_at, *id)).collect();
        let mut claimed = Vec::new();
        for (_, id) in share(due, most, |key| *key, flaw) {
            let held_back = self.mails.get(&id).is_some_and(|queued| self.is_held_back(&queued.mail));
            if let Some(queued) = self.mails.get_mut(&id).filter(|_| held_back) {
                queued.job.state = State::Suppressed;
                queued.begun_at = queued.begun_at.filter(|_| flaw.is(Flaw::UnsentMailCounts));
                continue;
            }
            if let Some(queued) = self.mails.get_mut(&id) {
                queued.job.claim(request.claim, flaw.lease(request.now, request.lease_until), flaw);
                queued.begun_at = queued.begun_at.map(|at| if flaw.is(Flaw::RetriesCount) { request.now } else { at });
            }
            claimed.extend(self.mails.get(&id).map(|queued| claimed_mail(queued, request.claim, self)));
        }
        claimed
    }
}
