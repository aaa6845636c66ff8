//! The console: pages with which admins run their waitlists.
//!
//! A page is a struct with what it shows, and [`Page::html`] writes it. A session sees only what it [may do](Can). Every change is a
//! form with a hidden `csrf` field that is posted to an address of [`urls`]. Every page is complete without scripts. Everything that a
//! person or an admin wrote is escaped, and no page has a script or a style of its own, so that a strict policy ([`policy::CONSOLE`])
//! holds everywhere.
//!
//! Deliberately absent: HTTP, a store, a clock, and the choice of what a page shows.

#![warn(missing_docs)]

mod advice;
pub mod assets;
mod can;
mod form;
mod frame;
pub mod page;
mod part;
pub mod policy;
mod settings;
pub mod urls;

pub use self::can::Can;
pub use self::form::{Choice, Form};
pub use self::frame::{Frame, Notice, NoticeTone, OpenList, OpenWorkspace, Undo, first_page};
pub use self::part::{Bar, Count, Day, Days, Job, Pager, Share, State, Time};
pub use self::settings::{edit_rows, form_of_settings, patch_of_settings};
pub use rally_pages::Page;
