//! The pages. Each is a struct with what it shows, and [`Page::html`] writes it.

mod ask;
mod confirm;
mod error;
mod index;
mod lost_link;
mod notice;
mod sign_up;
mod visitor;

use askama::Template;

pub use self::ask::{Ask, AskPage};
pub use self::confirm::ConfirmPage;
pub use self::error::ErrorPage;
pub use self::index::IndexPage;
pub use self::lost_link::LostLinkPage;
pub use self::notice::{Notice, NoticePage};
pub use self::sign_up::{Check, ConsentBox, Hidden, Leader, ListText, Reward, SignUpPage};
pub use self::visitor::{Friend, NextReward, ReachedReward, Review, Section, Standing, VisitorLinks, VisitorPage};

/// A page that can be written as HTML.
pub trait Page {
    /// Writes the page.
    fn html(&self) -> String;
}

impl<T: Template> Page for T {
    fn html(&self) -> String {
        self.render().expect("nothing that a template shows can fail, and neither can writing into a string")
    }
}
