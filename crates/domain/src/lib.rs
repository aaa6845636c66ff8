//! The rules of a waitlist service: waitlists, entries, referrals, variants and their events.
//!
//! This crate has four kinds of items: values, pure decisions on values, ports (traits that adapters implement), and use cases that call
//! ports in order. No item reads a clock, draws a random number, opens a socket or knows a database. Time and chance come from
//! [`port::Clock`] and [`port::Ids`]. A command describes a change that must be atomic, and an adapter runs the command's `decide` in a
//! transaction of its own.
//!
//! # Using the rules without a store
//!
//! A command holds the requested change. Its `decide` takes the stored state, the *facts*, and returns a *plan* or a rejection. This works
//! without a store. The following program keeps a waitlist in memory and signs up a group of people:
//!
//! ```
//! use std::collections::{HashMap, HashSet};
//!
//! use rally_domain::actor::Actor;
//! use rally_domain::command::{CreateWaitlist, CreateWaitlistFacts, GroupFacts, SignUp, SignUpGroup, SignUpRejection};
//! use rally_domain::email::Email;
//! use rally_domain::id::{VariantId, WaitlistId, WorkspaceId};
//! use rally_domain::mail::Links;
//! use rally_domain::port::{Clock, Ids};
//! use rally_domain::profile::Profile;
//! use rally_domain::secret::StoreSecret;
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
//! // You provide time and chance. A test freezes both.
//! let (clock, ids) = (Noon, Numbers::default());
//!
//! // A list for two people, as the rules create it. A store would write the plan.
//! let settings = rally_domain::serde_json::json!({"max_entries": 2});
//! let create = CreateWaitlist {
//!     id: WaitlistId::new(ids.uuid()),
//!     workspace_id: WorkspaceId::new(ids.uuid()),
//!     control_variant_id: VariantId::new(ids.uuid()),
//!     slug: Slug::parse("early-access")?,
//!     display_name: DisplayName::parse("Early access")?,
//!     description: None,
//!     settings: Settings::default().merge(settings.as_object().unwrap()).unwrap(),
//!     actor: Actor::System,
//!     now: clock.now(),
//! };
//! let facts = CreateWaitlistFacts { workspace_exists: true, already_done: false, slug_taken: false };
//! let waitlist = Waitlist { status: WaitlistStatus::Active, ..create.decide(facts)?.into_parts().0.waitlist };
//! let list = waitlist.id;
//!
//! // The facts of the list before the first sign-up.
//! let mut group = SignUpGroup::new(GroupFacts {
//!     waitlist,
//!     last_position: 0,
//!     entries: 0,
//!     emails: HashSet::new(),
//!     codes: HashMap::new(),
//!     old_codes: HashSet::new(),
//!     mailboxes: HashSet::new(),
//!     waiting_mailboxes: HashSet::new(),
//!     proofs: HashSet::new(),
//!     variants: HashSet::new(),
//!     requests: HashMap::new(),
//!     erased: HashMap::new(),
//!     neighbours: HashMap::new(),
//!     rewarded: HashMap::new(),
//!     mail: None,
//! });
//!
//! // Links need a secret that stays the same.
//! let links = Links::new("https://rally.example", StoreSecret::new([7; 32]));
//! let sign_up = |address: &str| {
//!     let (email, name) = (Email::parse(address).unwrap(), PersonName::parse("Somebody").unwrap());
//!     SignUp::new(list, Profile::new(email, name), links.clone(), &clock, &ids)
//! };
//! let [ada, bob, eve] = ["ada@example.com", "bob@example.com", "eve@example.com"].map(sign_up);
//!
//! let ada = group.decide(&ada)?;
//! let bob = group.decide(&SignUp { friends_code: Some(ada.referral_code.clone()), ..bob })?;
//! assert_eq!((ada.position.number(), bob.position.number(), bob.referred_by), (1, 2, Some(ada.id)));
//! assert_eq!(group.decide(&eve), Err(SignUpRejection::WaitlistFull));
//!
//! // The plan, to be written as a whole or not at all: rows, totals, credits and events.
//! assert_eq!((group.entries().count(), group.tally().referred, group.credits()[&ada.id]), (2, 1, 1));
//! assert_eq!(group.events().next().unwrap().kind.as_str(), "entry.created");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Writing a store
//!
//! A store implements the traits of [`port`]. The crate `rally-contracts` holds their executable promises, and every MUST in their
//! documentation names the case that checks it. The crate `rally-memory` of the same repository is the shortest store that keeps all of
//! them.
//!
//! # Version numbers
//!
//! This crate follows [Semantic Versioning](https://semver.org). Until 1.0 a change of the second number may change names and signatures. A
//! change of the third number changes neither, and it does not change the decision of any rule.

pub mod access;
pub mod actor;
mod ambient;
pub mod analytics;
pub mod audit;
mod character;
pub mod command;
pub mod confirmation;
pub mod consent;
pub mod custom_field;
pub mod delivery;
pub mod disposable;
pub mod document;
pub mod email;
pub mod entry;
pub mod entry_job;
pub mod error;
pub mod event;
pub mod export;
pub mod feed;
pub mod id;
pub mod import;
pub mod invite;
pub mod ledger;
pub mod locale;
pub mod mail;
pub mod paging;
pub mod port;
pub mod profile;
pub mod proof_of_work;
pub mod queue;
pub mod rank;
pub mod referral;
pub mod search;
pub mod secret;
pub mod session;
pub mod settings;
pub mod slug;
pub mod suppression;
pub mod tally;
pub mod text;
pub mod timestamp;
pub mod tombstone;
pub mod use_case;
pub mod variant;
pub mod waitlist;
pub mod web_origin;
pub mod web_url;
pub mod webhook;
pub mod workspace;

/// The crate of the doubles of ports, in the version that this crate is built with.
#[cfg(feature = "mock")]
pub use mockall;
/// The attribute of the ports and of their implementations, and crates whose types are part of this crate's interface, in the versions that
/// it is built with.
pub use {async_trait::async_trait, futures_core, serde_json, time, url, uuid};
