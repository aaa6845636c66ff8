//! Pages that ask before something happens.

use askama::Template;

use crate::assets;
use crate::frame::{Frame, Framed};
use crate::markup::Markup;

/// What a page asks.
#[derive(Debug, Clone, Copy)]
pub enum Ask<'a> {
    /// Whether a person leaves a waitlist.
    Leave {
        /// The name of the waitlist.
        list: &'a str,
    },
    /// Whether a sign-up is refused.
    Refuse,
    /// Whether all mail of the sender ends.
    Unsubscribe {
        /// The masked address.
        masked_email: &'a str,
    },
}

/// Asks before something happens. The form has no fields.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "ask.html", whitespace = "minimize")]
pub struct AskPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// What the page asks.
    pub ask: Ask<'a>,
    /// The address that does it.
    pub action: &'a str,
    /// The page to go back to.
    pub back: Option<&'a str>,
}

impl AskPage<'_> {
    fn heading(&self) -> Markup {
        let texts = self.texts();
        match self.ask {
            Ask::Leave { list } => texts.message("leave-title").text("list", list).markup(),
            Ask::Refuse => texts.say("refuse-title"),
            Ask::Unsubscribe { .. } => texts.say("unsubscribe-title"),
        }
    }

    fn body(&self) -> Vec<Markup> {
        let texts = self.texts();
        match self.ask {
            Ask::Leave { .. } => vec![texts.say("leave-body"), texts.say("leave-friends")],
            Ask::Refuse => vec![texts.say("refuse-body")],
            Ask::Unsubscribe { masked_email } => vec![texts.message("unsubscribe-body").text("email", masked_email).markup()],
        }
    }

    fn button(&self) -> Markup {
        self.texts().say(match self.ask {
            Ask::Leave { .. } => "leave-button",
            Ask::Refuse => "refuse-button",
            Ask::Unsubscribe { .. } => "unsubscribe-button",
        })
    }

    const fn button_class(&self) -> &'static str {
        match self.ask {
            Ask::Leave { .. } | Ask::Refuse => "main bad",
            Ask::Unsubscribe { .. } => "main",
        }
    }

    fn back_text(&self) -> Option<Markup> {
        match self.ask {
            Ask::Leave { .. } => Some(self.texts().say("leave-keep")),
            Ask::Refuse => Some(self.texts().say("refuse-back")),
            Ask::Unsubscribe { .. } => None,
        }
    }
}

impl Framed for AskPage<'_> {
    fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    fn title(&self) -> String {
        let texts = self.texts();
        match self.ask {
            Ask::Leave { list } => texts.message("leave-title").text("list", list).plain(),
            Ask::Refuse => texts.plain("refuse-title"),
            Ask::Unsubscribe { .. } => texts.plain("unsubscribe-title"),
        }
    }

    fn scripts(&self) -> Vec<&'static str> {
        vec![assets::form()]
    }
}
