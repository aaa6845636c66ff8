//! A person's own page.

use askama::Template;
use rally_domain::timestamp::Timestamp;
use url::form_urlencoded;

use crate::assets;
use crate::form::{Change, Control, Form, Shape};
use crate::frame::{Frame, Framed};
use crate::language::Language;
use crate::markup::Markup;
use crate::widget::Openness;

/// Where a person stands.
#[derive(Debug, Clone, Copy)]
pub enum Standing {
    /// The person is on the waitlist.
    Listed {
        /// The place.
        place: u64,
        /// The number of people ahead.
        ahead: u64,
        /// The number of people on the waitlist.
        total: u64,
        /// Whether somebody approves sign-ups.
        review: Review,
    },
    /// The sign-up was rejected.
    Rejected,
}

/// What became of the approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// The waitlist approves everybody.
    None,
    /// Nobody has decided yet.
    Waiting,
    /// The sign-up is approved.
    Approved,
}

/// A friend who joined with the person's link.
#[derive(Debug, Clone, Copy)]
pub struct Friend<'a> {
    /// The masked address. `None` for a friend who left.
    pub masked_email: Option<&'a str>,
    /// Whether the friend does not count yet.
    pub waiting: bool,
    /// When the friend joined.
    pub joined_at: Timestamp,
}

/// A reward, and when it was reached.
#[derive(Debug, Clone, Copy)]
pub struct ReachedReward<'a> {
    /// The number of friends.
    pub count: u64,
    /// The reward.
    pub text: &'a str,
    /// Whether it was reached.
    pub reached: bool,
    /// When it was reached, if somebody knows.
    pub reached_at: Option<Timestamp>,
}

/// The next reward.
#[derive(Debug, Clone, Copy)]
pub struct NextReward<'a> {
    /// The number of friends that it needs.
    pub count: u64,
    /// The reward.
    pub text: &'a str,
    /// The number of friends that are missing.
    pub remaining: u64,
}

/// The addresses that the page leads to. `export` and `leave` are opened, the others are posted to.
#[derive(Debug, Clone, Copy)]
pub struct VisitorLinks<'a> {
    /// Takes `name` and `metadata.<key>`.
    pub answers: &'a str,
    /// Takes `locale`.
    pub language: &'a str,
    /// Takes `subscribed`, `true` or `false`.
    pub mail: &'a str,
    /// The file with all data.
    pub export: &'a str,
    /// The page that asks before the person leaves.
    pub leave: &'a str,
}

/// A part of the page that was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Name and answers.
    Answers,
    /// The language.
    Language,
    /// Whether mail is sent.
    Mail,
}

/// A person's own page.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "visitor.html", whitespace = "minimize")]
pub struct VisitorPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// The name of the waitlist.
    pub list: &'a str,
    /// Where the person stands.
    pub standing: Standing,
    /// The operator's message to people who joined.
    pub message: Option<&'a str>,
    /// Whether friends can join.
    pub openness: Openness,
    /// The number of places that a friend is worth.
    pub boost: u64,
    /// The link to share.
    pub share_url: &'a str,
    /// The number of friends who count.
    pub referral_count: u64,
    /// The friends that are shown.
    pub friends: &'a [Friend<'a>],
    /// The number of friends beyond those.
    pub more_friends: u64,
    /// The rewards, by count.
    pub rewards: &'a [ReachedReward<'a>],
    /// The next reward.
    pub next_reward: Option<NextReward<'a>>,
    /// The address of the person.
    pub email: &'a str,
    /// Name and answers: the stored ones, or what was typed and what is to be changed.
    pub form: Form<'a>,
    /// Whether the person gets mail.
    pub subscribed: bool,
    /// Whether the person can change that.
    pub chooses_mail: bool,
    /// When the person joined.
    pub joined_at: Timestamp,
    /// When the person confirmed the address.
    pub confirmed_at: Option<Timestamp>,
    /// The addresses that the page leads to.
    pub links: VisitorLinks<'a>,
    /// What was saved just now. Its section says so in the element `saved`.
    pub saved: Option<Section>,
}

impl VisitorPage<'_> {
    fn ahead(&self, ahead: &u64) -> Markup {
        self.texts().message("ahead").number("ahead", *ahead).markup()
    }

    fn total(&self, total: &u64) -> Markup {
        self.texts().message("total").number("total", *total).markup()
    }

    fn friends_count(&self, count: &u64) -> Markup {
        self.texts().message("friends-count").number("count", *count).markup()
    }

    fn more(&self) -> Markup {
        self.texts().message("friends-more").number("count", self.more_friends).markup()
    }

    fn is_open(&self) -> bool {
        self.openness == Openness::Open
    }

    fn is_closed(&self) -> bool {
        self.openness == Openness::Closed
    }

    /// Returns the rewards that the person has, or can still get.
    fn shown_rewards(&self) -> Vec<ReachedReward<'_>> {
        self.rewards.iter().filter(|reward| reward.reached || !self.is_closed()).copied().collect()
    }

    fn share_title(&self) -> Markup {
        self.texts().say(match self.openness {
            Openness::Open if self.boost > 0 => "move-up",
            Openness::Open => "invite",
            Openness::Paused => "paused-title",
            Openness::Closed => "closed-title",
            Openness::Full => "full-title",
        })
    }

    fn share_body(&self) -> Markup {
        match (self.openness, self.boost) {
            (Openness::Paused | Openness::Full, _) => self.texts().say("share-later"),
            (Openness::Closed, _) => self.texts().say("share-closed"),
            (Openness::Open, 0) => self.texts().say("invite-body"),
            (Openness::Open, boost) => self.texts().message("move-up-body").number("boost", boost).markup(),
        }
    }

    fn share_text(&self) -> String {
        self.texts().message("share-text").text("list", self.list).plain()
    }

    /// Returns the link that starts a mail.
    fn mail_link(&self) -> String {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
        let body = format!("{} {}", self.share_text(), self.share_url);
        format!("mailto:?subject={}&body={}", encode(self.list), encode(&body))
    }

    fn next_text(&self, next: &NextReward<'_>) -> Markup {
        self.texts().message("reward-next").number("remaining", next.remaining).text("reward", next.text).markup()
    }

    fn next_value(&self, next: &NextReward<'_>) -> u64 {
        next.count.saturating_sub(next.remaining)
    }

    fn controls(&self) -> Vec<Control> {
        let texts = self.texts();
        std::iter::once(self.form.name(texts)).chain(self.form.custom(texts)).collect()
    }

    fn changes(&self) -> Vec<Change> {
        self.form.changes(&self.controls(), self.texts())
    }

    fn has_problems(&self) -> bool {
        !self.form.problems.is_empty()
    }
}

impl Framed for VisitorPage<'_> {
    fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    fn title(&self) -> String {
        let told = match self.standing {
            Standing::Listed { .. } => "place",
            Standing::Rejected => "rejected-title",
        };
        self.texts().title(&format!("{} – {}", self.texts().plain(told), self.list), self.has_problems())
    }

    fn scripts(&self) -> Vec<&'static str> {
        vec![assets::form(), assets::share()]
    }
}
