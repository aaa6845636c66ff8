//! Work on all entries that match, which goes on in the background.

use actix_web::{HttpResponse, post, web};
use rally_console::page::ConfirmPage;
use rally_console::{Count, Job, State};
use rally_domain::entry::EntryStatus;
use rally_domain::entry_job::{EntryJob, JobAction, JobState};
use rally_domain::id::JobId;
use rally_domain::referral::Position;
use rally_domain::search::EntryQuery;
use rally_domain::use_case::entry_job;
use rally_domain::workspace::Notifications;
use time::Duration;

use super::doors::{OpenedList, Pairs};
use super::entries::{Query, Update, address_of, bad, filter_of};
use super::look::{Done, done, show};
use crate::http::error::{ApiError, Code};

/// How long the entries show what became of a job.
const SHOWN: Duration = Duration::minutes(10);

/// Makes a job on all entries that match, after a page that names their number.
pub(super) async fn begin(posted: &Update) -> Result<HttpResponse, ApiError> {
    let action = JobAction::parse(posted.value("do")).map_err(|_| bad("do", "must be approve, reject, invite, delete or erase"))?;
    // Whoever cannot begin need not confirm.
    if posted.app.ports.entry_jobs.newest(posted.waitlist.id).await?.is_some_and(|job| !job.state.is_over()) {
        return Ok(done(&address_of(posted), Done::Busy));
    }
    let pairs: Pairs = filter_of(posted).into_iter().filter(|(name, _)| name != "sort").collect();
    let Query { filter, string, .. } = Query::of(&pairs, None)?;
    let query = filter.question(&posted.waitlist, &string)?;
    let (ports, actor) = (&posted.app.ports, posted.admin.actor());
    if posted.is_confirmed() {
        let until = posted.value("until").parse().map(Position::new).map_err(|_| bad("until", "must be a position"))?;
        let begun = entry_job::begin(ports, actor, &posted.waitlist, action, query, until).await?;
        return Ok(done(&address_of(posted), if begun.is_some() { Done::Begun } else { Done::Busy }));
    }
    let until = entry_job::last_position(ports, &posted.waitlist).await?;
    let number = Count(entry_job::count(ports, &posted.waitlist, &query, until).await?);
    let settled = match verdict(action) {
        Some(verdict) if query.status == Some(verdict) => number,
        Some(verdict) if query.status.is_none() => {
            let settled = EntryQuery { status: Some(verdict), ..query.clone() };
            Count(entry_job::count(ports, &posted.waitlist, &settled, until).await?)
        }
        _ => Count(0),
    };
    let kept = ["do", "scope", "filter"].map(|name| (name.to_owned(), posted.value(name).to_owned()));
    let fields = kept.into_iter().chain([("until".to_owned(), until.number().to_string())]).collect();
    Ok(show(&match action {
        JobAction::Delete | JobAction::Erase => {
            ConfirmPage::delete_entries(posted.frame(), number, action == JobAction::Erase, Vec::new(), fields)
        }
        _ => ConfirmPage::change_entries(posted.frame(), action.as_str(), number, settled, sends_mail(posted).await?, fields),
    }))
}

/// The status of an entry after an action, if the action leaves entries with that status as they are.
const fn verdict(action: JobAction) -> Option<EntryStatus> {
    match action {
        JobAction::Approve => Some(EntryStatus::Approved),
        JobAction::Reject => Some(EntryStatus::Rejected),
        JobAction::Invite | JobAction::Delete | JobAction::Erase => None,
    }
}

/// Whether a decision about an entry sends mail to its person.
pub(super) async fn sends_mail<P>(door: &OpenedList<P>) -> Result<bool, ApiError> {
    Ok(door.app.ports.settings.get(door.workspace_id()).await?.notifications != Notifications::Off)
}

/// The newest job of a list, while it goes on and for a while after.
pub(super) async fn newest<P>(door: &OpenedList<P>) -> Result<Option<Job>, ApiError> {
    let now = door.app.ports.clock.now();
    let job = door.app.ports.entry_jobs.newest(door.waitlist.id).await?;
    Ok(job.filter(|job| job.ended_at.is_none_or(|at| at >= now.plus(-SHOWN))).map(|job| shown(&job)))
}

fn shown(job: &EntryJob) -> Job {
    let title = match job.action {
        JobAction::Approve => "Approving entries",
        JobAction::Reject => "Rejecting entries",
        JobAction::Invite => "Inviting people",
        JobAction::Delete => "Deleting entries",
        JobAction::Erase => "Erasing people",
    };
    // If the server was killed in a group, what it changed there was found no more, and is not in the numbers.
    let total = job.total.max(job.looked_at());
    let looked_at = if job.state == JobState::Done { total } else { job.looked_at() };
    Job {
        id: job.id.to_string(),
        title: title.to_owned(),
        state: State::from(job.state.as_str()),
        done: Count(looked_at),
        total: Count(total),
        changed: Count(job.changed),
        failed: Count(job.refused.values().sum()),
        reasons: job.refused.iter().map(|(reason, number)| (reason.clone(), Count(*number))).collect(),
        started_at: job.created_at.into(),
    }
}

/// Cancels a job. What is done stays done.
#[post("/w/{ws}/lists/{list}/jobs/{job}/cancel")]
pub async fn cancel(posted: Update, path: web::Path<(String, String, String)>) -> Result<HttpResponse, ApiError> {
    let missing = || ApiError::new(Code::NotFound, "there is no such work, or it is over");
    let id = JobId::parse(&path.2).map_err(|_| missing())?;
    posted.app.ports.entry_jobs.cancel(posted.waitlist.id, id, posted.app.ports.clock.now()).await?.ok_or_else(missing)?;
    Ok(done(&address_of(&posted), Done::Cancelled))
}
