//! Pages for requests that fail.

use askama::Template;

use crate::form;
use crate::frame::{Frame, Framed};
use crate::markup::Markup;

/// Tells what to do after a request that failed.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "error.html", whitespace = "minimize")]
pub struct ErrorPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// The status of the reply.
    pub status: u16,
    /// The seconds after which the request may be sent again.
    pub retry_after: Option<u64>,
    /// The id of the request, for questions about it.
    pub request_id: Option<&'a str>,
}

impl ErrorPage<'_> {
    /// Returns the keys of title and body.
    const fn keys(&self) -> (&'static str, &'static str) {
        match self.status {
            403 => ("forbidden-title", "forbidden-body"),
            404 => ("not-found-title", "not-found-body"),
            405 => ("method-title", "method-body"),
            410 => ("gone-title", "gone-body"),
            429 => ("too-often-title", "too-often-body"),
            500.. => ("broken-title", "broken-body"),
            _ => ("unprocessable-title", "unprocessable-body"),
        }
    }

    fn body(&self) -> Markup {
        match self.keys().1 {
            "too-often-body" => form::in_minutes(self.texts().message("too-often-body"), self.retry_after.unwrap_or(60)).markup(),
            key => self.texts().say(key),
        }
    }
}

impl Framed for ErrorPage<'_> {
    fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    fn title(&self) -> String {
        self.texts().plain(self.keys().0)
    }
}
