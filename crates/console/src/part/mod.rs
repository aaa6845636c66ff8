//! Parts of pages that write themselves.

mod button;
mod chart;
pub(crate) mod html;
mod number;
mod state;
mod time;

use askama::Template;
use askama::filters::HtmlSafe;

pub(crate) use self::button::Button;
pub use self::chart::{Bar, Day, Days};
pub(crate) use self::html::Html;
pub use self::number::{Count, Share};
pub use self::state::State;
pub use self::time::Time;

/// The links to the pages before and after this one.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "pager.html", whitespace = "minimize")]
pub struct Pager {
    /// The address of the first page. `None` on the first page.
    pub first: Option<String>,
    /// The address of the next page. `None` on the last page.
    pub next: Option<String>,
    /// The id of the part of the page that is replaced. Empty replaces the whole page.
    pub swap: &'static str,
}

impl HtmlSafe for Pager {}

/// Long work on entries.
#[derive(Debug, Clone)]
pub struct Job {
    /// The id.
    pub id: String,
    /// What it does, such as "Approving entries".
    pub title: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: State,
    /// The number that was looked at.
    pub done: Count,
    /// The number in all.
    pub total: Count,
    /// The number that was changed.
    pub changed: Count,
    /// The number that could not be changed.
    pub failed: Count,
    /// Why some could not be changed, each with its number.
    pub reasons: Vec<(String, Count)>,
    /// When it began.
    pub started_at: Time,
}

impl Job {
    pub(crate) fn is_running(&self) -> bool {
        self.state.is("queued") || self.state.is("running")
    }
}
