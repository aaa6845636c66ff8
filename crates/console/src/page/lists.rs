//! The lists of a workspace, and the overview of one.

use askama::Template;

use super::framed;
use crate::frame::{Frame, Framed};
use crate::part::html::escape;
use crate::part::{Bar, Count, Days, Html, Pager, State, Time};

/// A list among others.
#[derive(Debug, Clone)]
pub struct ListRow {
    /// The slug.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// `draft`, `active`, `paused` or `closed`.
    pub status: State,
    /// The number of entries, if the session may see numbers.
    pub entries: Option<Count>,
    /// Whether it is active and has as many entries as it may.
    pub is_full: bool,
    /// The number of pending entries. 0 is not shown.
    pub pending: Count,
    /// The sign-ups of the last 30 days. Empty without numbers.
    pub days: Days,
    /// When it was created.
    pub created_at: Time,
}

/// The lists of a workspace. `GET /v1/workspaces/{ws}/waitlists`, with the timeline and the totals of each.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "lists.html", whitespace = "minimize")]
pub struct ListsPage {
    /// The frame.
    pub frame: Frame,
    /// The status of the query.
    pub status: Option<String>,
    /// The lists, newest first.
    pub lists: Vec<ListRow>,
    /// The other pages.
    pub pager: Pager,
}

framed!(ListsPage, Lists, |_page| "Lists".to_owned());

impl ListsPage {
    /// Returns the choices of status: the address, the word, and whether it is chosen.
    fn tabs(&self) -> Vec<(String, &'static str, bool)> {
        let tab = |(status, word): (Option<&str>, &'static str)| {
            let query = status.map(|status| format!("?status={status}")).unwrap_or_default();
            (format!("{}{query}", self.ws().lists()), word, self.status.as_deref() == status)
        };
        [(None, "All"), (Some("draft"), "Draft"), (Some("active"), "Active"), (Some("paused"), "Paused"), (Some("closed"), "Closed")]
            .map(tab)
            .into()
    }
}

/// The numbers of a list.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// The number of all entries.
    pub total: Count,
    /// The number of pending entries.
    pub pending: Count,
    /// The number of approved entries.
    pub approved: Count,
    /// The number of rejected entries.
    pub rejected: Count,
    /// The sign-ups of this UTC day.
    pub today: Count,
    /// The sign-ups of this week, from Monday.
    pub week: Count,
    /// The sign-ups of this month.
    pub month: Count,
    /// The number of entries that somebody referred.
    pub referred: Count,
    /// The sign-ups that wait for their confirmation. `None` on a list without confirmation.
    pub awaiting: Option<Count>,
    /// The most entries of the list.
    pub max_entries: Option<Count>,
}

/// What needs a decision. 0 and false are not shown.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    /// Pending entries, on a list that reviews them.
    pub pending: Count,
    /// Withheld referrals.
    pub withheld: Count,
    /// Whether there are more withheld referrals than that.
    pub more_withheld: bool,
    /// Webhooks that Rally disabled.
    pub disabled_webhooks: Count,
    /// Whether nobody can sign up, because the list asks for a confirmation and the workspace sends no such mail.
    pub cannot_confirm: bool,
    /// Whether the last mails failed.
    pub mail_fails: bool,
    /// Whether the list is a draft, which takes nobody.
    pub is_draft: bool,
    /// Whether the list is full.
    pub is_full: bool,
}

/// An entry that referred many.
#[derive(Debug, Clone)]
pub struct LeaderRow {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The number of credited referrals.
    pub referrals: Count,
    /// The position.
    pub position: Count,
    /// The effective position.
    pub effective: Count,
}

/// The overview of a list: `GET {w}`, `{w}/analytics` and `{w}/analytics/timeline`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "overview.html", whitespace = "minimize")]
pub struct OverviewPage {
    /// The frame.
    pub frame: Frame,
    /// The description of the list.
    pub description: Option<String>,
    /// The address of the hosted sign-up page.
    pub page_url: String,
    /// The lines of HTML that embed the form.
    pub embed: String,
    /// The statuses that the list may take now, of `active`, `paused` and `closed`.
    pub next_statuses: Vec<String>,
    /// The numbers, if the session may see them.
    pub numbers: Option<Numbers>,
    /// What needs a decision.
    pub decisions: Decisions,
    /// The number of days that are shown: 7, 30, 90 or 365.
    pub span: u16,
    /// The sign-ups of these days.
    pub days: Days,
    /// Where people came from, the most first.
    pub sources: Vec<Bar>,
    /// The variants that people saw.
    pub variants: Vec<Bar>,
    /// The entries that referred most.
    pub leaders: Vec<LeaderRow>,
}

framed!(OverviewPage, Overview, |page| page.frame.list.as_ref().map(|list| list.name.clone()).unwrap_or_default());

/// Something that needs a decision, with the page where it is made.
struct Decision {
    text: String,
    url: String,
    verb: &'static str,
}

impl OverviewPage {
    fn waiting(&self) -> Vec<Decision> {
        let (d, can, list, ws) = (&self.decisions, self.can(), self.list(), self.ws());
        let webhooks = d.disabled_webhooks.of("webhook gets no events", "webhooks get no events");
        let all = [
            (d.is_draft && can.list_update, "The list is a draft and takes nobody yet".to_owned(), "#status".to_owned(), "Activate it"),
            (
                d.cannot_confirm,
                "Nobody can sign up: addresses are to be confirmed, and no mail is sent for that".to_owned(),
                ws.mail(),
                "Set up mail",
            ),
            (d.is_full && can.list_update, "The list is full".to_owned(), list.settings(), "Change the limit"),
            (
                d.pending.0 > 0 && can.entry_read,
                d.pending.of("entry waits for a review", "entries wait for a review"),
                list.entries_where("status=pending"),
                "Review",
            ),
            (
                d.withheld.0 > 0 && can.entry_read,
                format!(
                    "{}{}",
                    if d.more_withheld { "More than " } else { "" },
                    d.withheld.of("referral is withheld", "referrals are withheld")
                ),
                list.referrals_in("withheld"),
                "Decide",
            ),
            (d.disabled_webhooks.0 > 0 && can.webhook_read, webhooks, ws.webhooks(), "Look"),
            (d.mail_fails && can.entry_read, "The last ten mails failed".to_owned(), ws.mail_log(), "Look"),
        ];
        let shown = all.into_iter().filter(|(shown, ..)| *shown);
        shown.map(|(_, text, url, verb)| Decision { text, url, verb }).collect()
    }

    /// Returns what is to be done about a list without entries.
    fn without_entries(&self) -> &'static str {
        match self.frame.list.as_ref().map(|list| list.status.0.as_str()) {
            Some("draft") => "The list is a draft: nobody can see its page. Activate it, then share the page or embed its form.",
            Some("paused") => "The list is paused: nobody can sign up. Activate it, then share the page or embed its form.",
            Some("closed") => "The list is closed: nobody can sign up. If people should, activate it again.",
            _ => "Share the page, or embed its form. Sign-ups show here within seconds.",
        }
    }

    /// Returns a number as a link, if the session may see what it counts.
    fn linked(&self, count: &Count, url: String) -> Html {
        Html::of(if self.can().entry_read { format!("<a href=\"{}\">{count}</a>", escape(&url)) } else { count.to_string() })
    }

    /// Returns the query that finds what a bar counts, if the session may see it.
    fn query_of<'a>(&self, bar: &'a Bar) -> Option<&'a str> {
        bar.query.as_deref().filter(|_| self.can().entry_read)
    }

    fn spans(&self) -> [(u16, bool); 4] {
        [7, 30, 90, 365].map(|days| (days, days == self.span))
    }

    /// Returns the buttons of the status: the status, the word, and whether it is the main one.
    fn buttons(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = [("active", "Activate the list", true), ("paused", "Pause", false), ("closed", "Close", false)];
        all.into_iter().filter(|(status, ..)| self.next_statuses.iter().any(|next| next == status)).collect()
    }
}
