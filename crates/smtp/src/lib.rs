//! The ports `Mailer` and `TemplateEngine` over SMTP (RFC 5321): templates are rendered here, and messages are sent to a mail server.
//!
//! - [`SmtpServer`] and [`parse_sender`] read what the operator sets.
//! - [`SmtpMailer`] makes one attempt: it writes the message, takes one of 4 connections, and translates the answer of the server.
//!
//! What is not here: when mail is sent, its retries, and which template a mail has. See `rally_domain::mail`. Nor are messages signed (DKIM),
//! which is the work of the mail server, or bounces read that arrive later as mail.

mod message;
mod outcome;
mod pool;
mod sender;
mod transport;
mod url;
mod wire;

pub use sender::parse_sender;
pub use transport::{SmtpError, SmtpMailer};
pub use url::SmtpServer;
