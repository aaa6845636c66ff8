//! Messages: mail in the form that a mail service is given.

use serde::Serialize;

use crate::email::Email;
use crate::id::{MailId, WorkspaceId};
use crate::timestamp::Timestamp;

/// A mail as it is given to a [`Mailer`](crate::port::Mailer).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id of the mail, the same on every attempt.
    pub id: MailId,
    /// The workspace that sends it.
    pub workspace_id: WorkspaceId,
    /// The sender.
    pub from: Sender,
    /// The address for replies, if it is not the sender's.
    pub reply_to: Option<Email>,
    /// The address of the recipient.
    pub to: Email,
    /// The content.
    pub content: Content,
    /// The URL that ends the mail to this person with one POST (RFC 8058). Only mail that a person may end has one.
    pub unsubscribe_url: Option<String>,
    /// When the mail was written.
    pub written_at: Timestamp,
}

/// The sender of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name that people see, if there is one.
    pub name: Option<String>,
    /// The address.
    pub address: Email,
}

/// The content of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A template that the mail service keeps. The service renders it.
    Template {
        /// The name of the template.
        name: String,
        /// The data for the template: a JSON object.
        data: String,
    },
    /// A message that is rendered.
    Rendered(Rendered),
}

/// A rendered message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// The subject: one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML, if there is any.
    pub html: Option<String>,
}

impl Rendered {
    /// Returns the message with a link at the end of its text and its HTML, each if it does not have the address already.
    #[must_use]
    pub fn with_link(self, words: &str, url: &str) -> Self {
        let escaped = url.replace('&', "&amp;");
        let text = match self.text.contains(url) {
            true => self.text,
            false => format!("{}\n\n{words}\n{url}\n", self.text.trim_end()),
        };
        let html = self.html.map(|mut html| {
            if !html.contains(url) && !html.contains(&escaped) {
                let end = html.to_ascii_lowercase().rfind("</body").unwrap_or(html.len());
                html.insert_str(end, &format!("<p><a href=\"{escaped}\">{words}</a></p>\n"));
            }
            html
        });
        Self { subject: self.subject, text, html }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_added_where_it_is_missing() {
        let (words, url) = ("Unsubscribe", "https://rally.example/unsubscribe/abc");
        let rendered = |text: &str, html: &str| {
            let html = Some(html).filter(|html| !html.is_empty()).map(str::to_owned);
            Rendered { subject: "Hi".to_owned(), text: text.to_owned(), html }.with_link(words, url)
        };
        let added = rendered("Plain words\n", "<html><body><p>hi</p></BODY></html>");
        assert_eq!(added.text, format!("Plain words\n\n{words}\n{url}\n"));
        let html = format!("<html><body><p>hi</p><p><a href=\"{url}\">{words}</a></p>\n</BODY></html>");
        assert_eq!(added.html.as_deref(), Some(&*html));
        let own = (format!("Leave: {url}"), format!("<a href='{url}'>x</a>"));
        let kept = rendered(&own.0, &own.1);
        assert_eq!((kept.text, kept.html), (own.0, Some(own.1)));
        assert_eq!(rendered("a", "").html, None);
        assert!(rendered("a", "<p>b</p>").html.unwrap().starts_with("<p>b</p><p><a href="));
    }
}
