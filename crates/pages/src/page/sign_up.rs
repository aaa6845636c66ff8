//! The sign-up page of a waitlist.

use askama::Template;

use crate::assets;
use crate::brand::is_web;
use crate::form::{Change, Control, Form, Shape};
use crate::frame::{Frame, Framed};
use crate::markup::Markup;

/// The words of a waitlist, of the variant that is shown.
#[derive(Debug, Clone, Copy)]
pub struct ListText<'a> {
    /// The name.
    pub name: &'a str,
    /// The description.
    pub description: Option<&'a str>,
    /// Their language, if it is not that of the page.
    pub lang: Option<&'a str>,
}

/// What a form carries without showing it.
#[derive(Debug, Clone, Copy)]
pub struct Hidden<'a> {
    /// The locale that the reader has chosen.
    pub lang: Option<&'a str>,
    /// The sealed time of the first showing.
    pub seal: &'a str,
    /// The id of the variant that is shown.
    pub variant_id: Option<&'a str>,
    /// The code of the friend who shared the page.
    pub referral_code: Option<&'a str>,
    /// Where the reader came from, as the link to the page says.
    pub referrer: Option<&'a str>,
}

/// The check against robots that a form needs.
#[derive(Debug, Clone, Copy)]
pub enum Check<'a> {
    /// None.
    None,
    /// A challenge that the page solves by itself.
    Work {
        /// The address of challenges.
        challenge: &'a str,
        /// Whether the form is refused now without a solution.
        is_needed: bool,
    },
    /// A check that this page cannot show, so it has no form.
    Elsewhere {
        /// The operator's own page, which can: http or https.
        page: Option<&'a str>,
    },
}

/// What a number of friends earns.
#[derive(Debug, Clone, Copy)]
pub struct Reward<'a> {
    /// The number of friends.
    pub count: u64,
    /// The reward.
    pub text: &'a str,
}

/// A row of the leaderboard.
#[derive(Debug, Clone, Copy)]
pub struct Leader<'a> {
    /// The masked address.
    pub masked_email: &'a str,
    /// The number of friends.
    pub friends: u64,
}

/// The box that must be ticked.
#[derive(Debug, Clone, Copy)]
pub struct ConsentBox<'a> {
    /// The text beside it.
    pub text: &'a str,
    /// The SHA-256 of the text, in hexadecimal digits. A form tells by it which text its reader saw.
    pub sha256: &'a str,
}

/// The sign-up page of a waitlist that takes people.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "sign_up.html", whitespace = "minimize")]
pub struct SignUpPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// The words of the waitlist.
    pub list: ListText<'a>,
    /// The address that the form is posted to.
    pub action: &'a str,
    /// The fields, what was typed, and what is to be changed.
    pub form: Form<'a>,
    /// What the form carries without showing it.
    pub hidden: Hidden<'a>,
    /// The check against robots.
    pub check: Check<'a>,
    /// The box that must be ticked.
    pub consent: Option<ConsentBox<'a>>,
    /// The privacy policy: http or https.
    pub privacy_url: Option<&'a str>,
    /// The terms: http or https.
    pub terms_url: Option<&'a str>,
    /// The page that sends a lost link.
    pub lost_link: Option<&'a str>,
    /// Whether a friend shared the page.
    pub invited: bool,
    /// The rewards, by count.
    pub rewards: &'a [Reward<'a>],
    /// The leaders.
    pub leaders: &'a [Leader<'a>],
}

impl SignUpPage<'_> {
    fn controls(&self) -> Vec<Control> {
        let texts = self.texts();
        [self.form.email(texts), self.form.name(texts)].into_iter().chain(self.form.custom(texts)).collect()
    }

    fn changes(&self) -> Vec<Change> {
        self.form.changes(&self.controls(), self.texts())
    }

    fn consent_error(&self) -> Option<String> {
        self.form.consent_error(self.texts())
    }

    /// Returns the page that has the form, if this one has none.
    fn elsewhere(&self) -> Option<&str> {
        match self.check {
            Check::Elsewhere { page } => page.filter(|url| is_web(url)),
            Check::None | Check::Work { .. } => None,
        }
    }

    fn privacy(&self) -> Option<&str> {
        self.privacy_url.filter(|url| is_web(url))
    }

    fn terms(&self) -> Option<&str> {
        self.terms_url.filter(|url| is_web(url))
    }

    /// Returns the attribute of links to other sites. Most of them refuse to stand in a frame, so they open beside it.
    fn tab_of_links(&self) -> Markup {
        let attribute = if self.frame.embedded { " target=\"_blank\"" } else { "" };
        Markup::of_html(attribute.to_owned())
    }

    /// Returns what people who cannot see are told of such a link.
    fn told_of_tab(&self) -> Markup {
        let told = || format!(" <span class=\"apart\">{}</span>", self.texts().say("tab-new"));
        Markup::of_html(if self.frame.embedded { told() } else { String::new() })
    }

    fn friends(&self, count: &u64) -> Markup {
        self.texts().message("friends-count").number("count", *count).markup()
    }
}

impl Framed for SignUpPage<'_> {
    fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    fn title(&self) -> String {
        self.texts().title(self.list.name, !self.form.problems.is_empty())
    }

    fn description(&self) -> Option<&str> {
        self.list.description
    }

    fn scripts(&self) -> Vec<&'static str> {
        vec![assets::form()]
    }
}
