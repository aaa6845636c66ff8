//! The rules of a waitlist service: waitlists, entries, referrals, variants and the events they cause.
//!
//! Everything here is a value, a pure decision over values, a port (a trait some adapter implements) or a use case that
//! calls ports in order. Nothing here reads a clock, draws a random number, opens a socket or knows a database: time and
//! chance come in through [`port::Clock`] and [`port::Ids`], and what must be atomic is said by a command whose
//! `decide` an adapter runs inside one transaction of its own.
//!
//! # Using the rules alone
//!
//! A command carries what was asked for; its `decide` is given what is stored, as *facts*, and gives a *plan* or the reason why not.
//! No store is needed for that. A service that keeps a waitlist in a way of its own decides over a crowd like this:
//!
//! ```
//! use std::collections::{HashMap, HashSet};
//!
//! use rally_domain::command::{CreateWaitlist, CreateWaitlistFacts, GroupFacts, SignUp, SignUpGroup, SignUpRejection};
//! use rally_domain::email::Email;
//! use rally_domain::id::{VariantId, WaitlistId, WorkspaceId};
//! use rally_domain::mail::Links;
//! use rally_domain::port::{Clock, Ids};
//! use rally_domain::settings::Settings;
//! use rally_domain::slug::Slug;
//! use rally_domain::text::{DisplayName, PersonName};
//! use rally_domain::timestamp::Timestamp;
//! use rally_domain::uuid::Uuid;
//! use rally_domain::waitlist::{Waitlist, WaitlistStatus};
//! # use std::sync::atomic::{AtomicU64, Ordering};
//! # struct Noon;
//! # impl Clock for Noon {
//! #     fn now(&self) -> Timestamp {
//! #         Timestamp::parse("2026-01-31T12:00:00Z").unwrap()
//! #     }
//! # }
//! # #[derive(Default)]
//! # struct Numbers(AtomicU64);
//! # impl Ids for Numbers {
//! #     fn uuid(&self) -> Uuid {
//! #         Uuid::from_u64_pair(0, self.entropy())
//! #     }
//! #     fn entropy(&self) -> u64 {
//! #         self.0.fetch_add(1, Ordering::Relaxed)
//! #     }
//! # }
//!
//! // Time and chance are yours; tests freeze both.
//! let (clock, ids) = (Noon, Numbers::default());
//!
//! // A list for two people, as the rules make one; a store would write the plan.
//! let settings = rally_domain::serde_json::json!({"max_entries": 2});
//! let create = CreateWaitlist {
//!     id: WaitlistId::new(ids.uuid()),
//!     workspace_id: WorkspaceId::new(ids.uuid()),
//!     control_variant_id: VariantId::new(ids.uuid()),
//!     slug: Slug::parse("early-access")?,
//!     display_name: DisplayName::parse("Early access")?,
//!     description: None,
//!     settings: Settings::default().merge(settings.as_object().unwrap()).unwrap(),
//!     created_by: None,
//!     now: clock.now(),
//! };
//! let facts = CreateWaitlistFacts { workspace_exists: true, already_done: false, slug_taken: false };
//! let waitlist = Waitlist { status: WaitlistStatus::Active, ..create.decide(facts)?.waitlist };
//! let list = waitlist.id;
//!
//! // What is known of the list before anybody came.
//! let mut group = SignUpGroup::new(GroupFacts {
//!     waitlist,
//!     last_position: 0,
//!     entries: 0,
//!     emails: HashSet::new(),
//!     codes: HashMap::new(),
//!     variants: HashSet::new(),
//!     mail: None,
//! });
//!
//! let sign_up = |address: &str| {
//!     let (email, name) = (Email::parse(address).unwrap(), PersonName::parse("Somebody").unwrap());
//!     SignUp::new(list, email, name, Links::new("https://rally.example"), &clock, &ids)
//! };
//! let [ada, bob, eve] = ["ada@example.com", "bob@example.com", "eve@example.com"].map(sign_up);
//!
//! let ada = group.decide(&ada)?;
//! let bob = group.decide(&SignUp { friends_code: Some(ada.referral_code.clone()), ..bob })?;
//! assert_eq!((ada.position.number(), bob.position.number(), bob.referred_by), (1, 2, Some(ada.id)));
//! assert_eq!(group.decide(&eve), Err(SignUpRejection::WaitlistFull));
//!
//! // What is to be written, all of it or nothing: rows, totals, credit, and what to tell.
//! assert_eq!((group.entries().count(), group.tally().referred, group.credits()[&ada.id]), (2, 1, 1));
//! assert_eq!(group.events().next().unwrap().kind.as_str(), "entry.created");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Writing a store
//!
//! A store implements the traits of [`port`]; the crate `rally-contracts` holds their executable promises, and every MUST in their
//! documentation names the case that checks it. The crate `rally-memory` of the same repository is the shortest store that keeps them
//! all.
//!
//! # What a version number promises
//!
//! This crate follows [Semantic Versioning](https://semver.org). Until 1.0 a change of the second number may change names and
//! signatures; a change of the third one changes neither, nor what a rule decides.

pub mod access;
mod ambient;
pub mod analytics;
mod character;
pub mod command;
pub mod custom_field;
pub mod delivery;
pub mod document;
pub mod email;
pub mod entry;
pub mod error;
pub mod event;
pub mod id;
pub mod invite;
pub mod locale;
pub mod mail;
pub mod paging;
pub mod port;
pub mod queue;
pub mod referral;
pub mod settings;
pub mod slug;
pub mod tally;
pub mod text;
pub mod timestamp;
pub mod use_case;
pub mod variant;
pub mod waitlist;
pub mod webhook;
pub mod workspace;

/// Crates whose types stand in this one's interface, in the versions it is built with.
pub use {serde_json, time, url, uuid};
