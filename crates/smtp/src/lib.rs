//! The ports `Mailer` and `TemplateEngine` over SMTP (RFC 5321): templates are rendered here, and messages are sent to a mail server.
//!
//! - [`SmtpServer`] and [`parse_sender`] read what the operator sets.
//! - [`SmtpMailer`] makes one attempt: it writes the message, takes one of 4 connections, and translates the answer of the server.
//! - [`Templates`] has the templates, and three things bound them. `template/check.rs` checks the syntax tree when a template is saved, and
//!   again at each rendering. It accepts only what cannot fail later. Fuel and a size limit bound each rendering. All filters are our own
//!   (`template/filters.rs`), and fail only for the size of their result. The sentences of the built-in templates are in `locales`, one
//!   file per language. Their layout is in `template/built_in.rs`.
//!
//! What is not here: when mail is sent, its retries, and which template a mail has. See `rally_domain::mail`. Nor are messages signed
//! (DKIM), which is the work of the mail server, or bounces read that arrive later as mail.

mod message;
mod outcome;
mod pool;
mod sender;
mod template;
mod tls;
mod transport;
mod url;
mod wire;

pub use sender::parse_sender;
pub use template::Templates;
pub use transport::{MAX_CONNECTIONS, SmtpError, SmtpMailer};
pub use url::SmtpServer;
