//! Pages that tell one thing.

use askama::Template;

use crate::frame::{Frame, Framed};
use crate::markup::Markup;

/// What a page tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The waitlist is paused. The link leads to the page that sends a lost link.
    Paused,
    /// The waitlist is closed. The link leads to the page that sends a lost link.
    Closed,
    /// The waitlist is full. The link leads to the page that sends a lost link.
    Full,
    /// A mail with a link is on its way, whatever the address. The link leads back to the form.
    Mailbox {
        /// The seconds for which the link works.
        expires_in: Option<u64>,
    },
    /// A mail with the person's link is on its way, if there is one.
    LostLinkSent,
    /// The sign-up was confirmed before. The link leads to the person's page.
    Confirmed,
    /// The link has expired. The link leads to the form.
    Expired,
    /// The sign-up was refused. The link leads to the form.
    Refused,
    /// The person has left. The link leads to the form.
    Left,
    /// Mail has ended.
    Unsubscribed,
}

/// Tells one thing, with at most one link.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "notice.html", whitespace = "minimize")]
pub struct NoticePage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// The name of the waitlist, if it may be told.
    pub list: Option<&'a str>,
    /// What the page tells.
    pub notice: Notice,
    /// The address that the link of the notice leads to.
    pub link: Option<&'a str>,
}

impl NoticePage<'_> {
    fn body(&self) -> Vec<Markup> {
        let texts = self.texts();
        let one = |key| vec![texts.say(key)];
        match self.notice {
            Notice::Paused => one("paused-body"),
            Notice::Closed => one("closed-body"),
            Notice::Full => one("full-body"),
            Notice::Mailbox { expires_in } => {
                let time = expires_in.map(|seconds| match seconds / 3600 {
                    hours if hours < 48 => texts.message("mailbox-hours").number("hours", hours.max(1)).markup(),
                    hours => texts.message("mailbox-days").number("days", hours / 24).markup(),
                });
                std::iter::once(texts.say("mailbox-body")).chain(time).chain([texts.say("mailbox-spam")]).collect()
            }
            Notice::LostLinkSent => one("lost-sent-body"),
            Notice::Confirmed => one("confirmed-body"),
            Notice::Expired => one("expired-body"),
            Notice::Refused => one("refused-body"),
            Notice::Left => one("left-body"),
            Notice::Unsubscribed => one("unsubscribed-body"),
        }
    }

    /// A way back is no action, so it is not filled. A way for those who have joined is no button.
    const fn link_class(&self) -> Option<&'static str> {
        match self.notice {
            Notice::Paused | Notice::Closed | Notice::Full => None,
            Notice::Mailbox { .. } | Notice::LostLinkSent => Some("button"),
            Notice::Confirmed | Notice::Expired | Notice::Refused | Notice::Left | Notice::Unsubscribed => Some("button main"),
        }
    }

    fn link_text(&self) -> Markup {
        self.texts().say(match self.notice {
            Notice::Mailbox { .. } | Notice::LostLinkSent => "form-back",
            Notice::Confirmed | Notice::Unsubscribed => "page-open",
            Notice::Expired | Notice::Refused | Notice::Left => "form-open",
            Notice::Paused | Notice::Closed | Notice::Full => "lost-link-ask",
        })
    }
}

impl Framed for NoticePage<'_> {
    fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    fn title(&self) -> String {
        self.texts().plain(match self.notice {
            Notice::Paused => "paused-title",
            Notice::Closed => "closed-title",
            Notice::Full => "full-title",
            Notice::Mailbox { .. } | Notice::LostLinkSent => "mailbox-title",
            Notice::Confirmed => "confirmed-title",
            Notice::Expired => "expired-title",
            Notice::Refused => "refused-title",
            Notice::Left => "left-title",
            Notice::Unsubscribed => "unsubscribed-title",
        })
    }
}
