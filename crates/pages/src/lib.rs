//! Pages for people, and the widget: typed templates, texts in thirteen languages, a style sheet and small scripts.
//!
//! A page is a struct with what it shows. [`Page::html`] writes it. Everything that a person or an operator wrote is escaped, and no
//! page has a script or a style of its own, so that a strict policy ([`content_security_policy`]) holds everywhere. Every page is
//! complete without scripts.
//!
//! Deliberately absent: HTTP, a store, a clock, and the choice of what a page shows.

#![warn(missing_docs)]

pub mod assets;
mod brand;
mod form;
mod frame;
mod language;
mod markup;
mod number;
mod page;
mod policy;
mod texts;
mod widget;

pub use self::brand::{Brand, Color};
pub use self::form::{Form, Problem, answers_of, field_name, typed_of};
pub use self::frame::Frame;
pub use self::language::{Direction, Language};
pub use self::page::{
    Ask, AskPage, Check, ConfirmPage, ConsentBox, ErrorPage, Friend, Hidden, IndexPage, Leader, ListText, LostLinkPage, NextReward, Notice,
    NoticePage, Page, ReachedReward, Review, Reward, Section, SignUpPage, Standing, VisitorLinks, VisitorPage,
};
pub use self::policy::content_security_policy;
pub use self::widget::{Openness, WidgetForm};
