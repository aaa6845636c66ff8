//! The first page of a server.

use askama::Template;

use crate::frame::{Frame, Framed};

/// Shows where to go.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "index.html", whitespace = "minimize")]
pub struct IndexPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// The console.
    pub console: Option<&'a str>,
    /// The documentation of the API.
    pub docs: Option<&'a str>,
}

impl Framed for IndexPage<'_> {
    fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    fn title(&self) -> String {
        self.texts().plain("index-title")
    }
}
