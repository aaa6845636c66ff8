//! Whether a list takes people, as pages and the widget tell it.

use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_pages::{Notice, Openness};

use crate::app::App;
use crate::http::error::{ApiError, Code};
use crate::routes::public::info::is_full;

/// Returns whether a list takes people.
///
/// # Errors
/// 404 if it is a draft, which nobody sees yet.
pub(super) async fn openness(app: &App, waitlist: &Waitlist) -> Result<Openness, ApiError> {
    match waitlist.status {
        WaitlistStatus::Draft => Err(ApiError::no_waitlist()),
        _ => openness_to_friends(app, waitlist).await,
    }
}

/// Returns whether friends of a person on a list can join it. They cannot join a draft yet, so it counts as paused.
///
/// # Errors
/// If the store fails.
pub(super) async fn openness_to_friends(app: &App, waitlist: &Waitlist) -> Result<Openness, ApiError> {
    match waitlist.status {
        WaitlistStatus::Draft | WaitlistStatus::Paused => Ok(Openness::Paused),
        WaitlistStatus::Closed => Ok(Openness::Closed),
        WaitlistStatus::Active => Ok(if is_full(app, waitlist).await? { Openness::Full } else { Openness::Open }),
    }
}

/// Returns what a page tells of a list that takes nobody.
pub(super) const fn notice_of(openness: Openness) -> Option<Notice> {
    match openness {
        Openness::Open => None,
        Openness::Paused => Some(Notice::Paused),
        Openness::Closed => Some(Notice::Closed),
        Openness::Full => Some(Notice::Full),
    }
}

/// Returns what a page tells of a list that refused a sign-up because it takes nobody now.
pub(super) fn notice_of_refusal(error: &ApiError, status: WaitlistStatus) -> Option<Notice> {
    match error.code {
        Code::WaitlistFull => Some(Notice::Full),
        Code::WaitlistNotActive if status == WaitlistStatus::Closed => Some(Notice::Closed),
        Code::WaitlistNotActive => Some(Notice::Paused),
        _ => None,
    }
}
