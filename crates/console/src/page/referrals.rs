//! The ledger of referrals, and what was noticed in it.

use askama::Template;

use super::entry::Person;
use super::framed;
use crate::form::{Field, Form};
use crate::frame::{Frame, Framed};
use crate::part::{Count, Pager, State, Time};

/// A referral.
#[derive(Debug, Clone)]
pub struct ReferralRow {
    /// The id.
    pub id: String,
    /// Who referred. `None`: deleted.
    pub referrer: Option<Person>,
    /// Who was referred. `None`: deleted.
    pub referred: Option<Person>,
    /// `credited`, `withheld` or `revoked`.
    pub state: State,
    /// How suspicious it is, 0 to 100.
    pub score: u8,
    /// Why: `same_mailbox`, `same_network`, `burst`, `disposable`, `returning`.
    pub reasons: Vec<String>,
    /// When it happened.
    pub created_at: Time,
    /// When somebody decided.
    pub decided_at: Option<Time>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Why, as who decided said it.
    pub reason: Option<String>,
}

impl ReferralRow {
    pub(crate) fn reasons_text(&self) -> String {
        words_of(&self.reasons)
    }
}

/// Says reasons in words.
fn words_of(reasons: &[String]) -> String {
    let word = |reason: &String| match reason.as_str() {
        "same_mailbox" => "same mailbox".to_owned(),
        "same_network" => "same network".to_owned(),
        "burst" => "too many in an hour".to_owned(),
        "disposable" => "throw-away address".to_owned(),
        "returning" => "erased before".to_owned(),
        other => other.to_owned(),
    };
    reasons.iter().map(word).collect::<Vec<String>>().join(", ")
}

/// The referrals of a list: `GET {w}/referrals`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "referrals.html", whitespace = "minimize")]
pub struct ReferralsPage {
    /// The frame.
    pub frame: Frame,
    /// The state of the query.
    pub state: Option<String>,
    /// The referrer of the query.
    pub referrer: Option<Person>,
    /// The number of rings. 0 is not shown.
    pub rings: Count,
    /// The referrals, newest first.
    pub rows: Vec<ReferralRow>,
    /// The other pages. Its part is `referrals`.
    pub pager: Pager,
}

framed!(ReferralsPage, Referrals, |_page| "Referrals".to_owned());

impl ReferralsPage {
    /// Returns the choices of state: the address, the word, and whether it is chosen.
    fn tabs(&self) -> Vec<(String, &'static str, bool)> {
        let tab = |(state, word): (Option<&str>, &'static str)| {
            let url = state.map_or_else(|| self.list().referrals(), |state| self.list().referrals_in(state));
            (url, word, self.state.as_deref() == state)
        };
        [(None, "All"), (Some("withheld"), "Withheld"), (Some("credited"), "Credited"), (Some("revoked"), "Revoked")].map(tab).into()
    }
}

/// A ring: referrals that look alike.
#[derive(Debug, Clone)]
pub struct RingRow {
    /// The code, or "one network".
    pub key: String,
    /// Why they were noticed.
    pub reasons: Vec<String>,
    /// The number of referrals.
    pub size: Count,
    /// Who referred: the first of them.
    pub referrers: Vec<Person>,
    /// The number of other referrers.
    pub more: Count,
    /// An entry of the network, if the ring is one of a network.
    pub network_of: Option<String>,
    /// When it began.
    pub first_at: Time,
    /// When it was last seen.
    pub last_at: Time,
}

impl RingRow {
    fn reasons_text(&self) -> String {
        words_of(&self.reasons)
    }
}

/// The rings of a list: `GET {w}/referrals/rings`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "rings.html", whitespace = "minimize")]
pub struct RingsPage {
    /// The frame.
    pub frame: Frame,
    /// The rings, the largest first.
    pub rings: Vec<RingRow>,
}

framed!(RingsPage, Referrals, |_page| "Rings".to_owned());

/// How an entry moves.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    /// The entry.
    pub person: Person,
    /// The credited referrals before and after.
    pub referrals: (Count, Count),
    /// The effective position before and after.
    pub effective: (Count, Count),
}

/// What a decision on referrals would change, before it is made: `POST {w}/referrals/bulk` with `dry_run`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "decide.html", whitespace = "minimize")]
pub struct DecidePage {
    /// The frame.
    pub frame: Frame,
    /// The new state: `credited`, `withheld` or `revoked`.
    pub state: State,
    /// The selector as it was posted, `id`, `referrer_entry_id` or `network_of`, and the state that is `shown`.
    pub selector: Vec<(String, String)>,
    /// The number that the selector finds.
    pub matched: Count,
    /// The number that would change.
    pub changed: Count,
    /// Whether there are more than one decision takes.
    pub more: bool,
    /// Who would move, the largest change first, at most 100.
    pub effects: Vec<Effect>,
}

framed!(DecidePage, Referrals, |page| {
    let verb = match page.state.0.as_str() {
        "credited" => "Credit",
        "withheld" => "Withhold",
        _ => "Revoke",
    };
    format!("{verb} {}?", page.changed.of("referral", "referrals"))
});

impl DecidePage {
    /// The referrals as they were shown.
    fn back(&self) -> String {
        let shown = self.selector.iter().find(|(name, value)| name == "shown" && !value.is_empty());
        shown.map_or_else(|| self.list().referrals(), |(_, state)| self.list().referrals_in(state))
    }
}

/// Who would move with another boost.
#[derive(Debug, Clone, Default)]
pub struct PolicyPreview {
    /// The number of entries that would move.
    pub moved: Count,
    /// Who would move, the largest change first, at most 100.
    pub effects: Vec<Effect>,
}

/// What another number of positions for each referral would change: `POST {w}/referral-policy/preview`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "policy.html", whitespace = "minimize")]
pub struct PolicyPage {
    /// The frame.
    pub frame: Frame,
    /// The field `referral_boost`.
    pub form: Form,
    /// The boost as stored.
    pub stored: Count,
    /// Who would move, once a number was asked for.
    pub preview: Option<PolicyPreview>,
}

framed!(PolicyPage, Referrals, |_page| "Try another boost".to_owned(), |page| !page.form.errors.is_empty());

impl PolicyPage {
    fn field(&self) -> Field {
        self.form
            .number("referral_boost", "Positions for each referral")
            .hint("From 0 to 1000. Nothing changes until you save it in the settings.")
    }
}
