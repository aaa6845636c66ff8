//! The ports `Mailer` and `TemplateEngine` over SMTP (RFC 5321): templates are rendered here, and messages are sent to a mail server.
//!
//! What is not here: when mail is sent, its retries, and which template a mail has. See `rally_domain::mail`.
