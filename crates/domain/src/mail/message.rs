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
    /// Whether readers find a link in the text, and in the HTML if there is any.
    pub fn has_link(&self, url: &str) -> bool {
        has_url(&self.text, url) && self.html.as_ref().is_none_or(|html| leads_to(html, url))
    }

    /// Returns the message with a link at the end of its text and its HTML, each if readers find no such link in it.
    #[must_use]
    pub fn with_link(self, words: &str, url: &str) -> Self {
        let text = match has_url(&self.text, url) {
            true => self.text,
            false => format!("{}\n\n{words}\n{url}\n", self.text.trim_end()),
        };
        let html = self.html.map(|mut html| {
            if !leads_to(&html, url) {
                let end = html.to_ascii_lowercase().rfind("</body").unwrap_or(html.len());
                html.insert_str(end, &format!("<p><a href=\"{}\">{words}</a></p>\n", url.replace('&', "&amp;")));
            }
            html
        });
        Self { subject: self.subject, text, html }
    }
}

/// Whether a URL stands in a text where mail programs make a link of all of it: between white space, or in angle brackets.
fn has_url(text: &str, url: &str) -> bool {
    text.match_indices(url).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == '<');
        let after = text[at + url.len()..].chars().next().is_none_or(|c| c.is_whitespace() || c == '>');
        before && after
    })
}

/// Whether HTML has an attribute `href` with a URL. One in a comment counts: whoever writes that means to hide it.
fn leads_to(html: &str, url: &str) -> bool {
    let escaped = url.replace('&', "&amp;");
    let is_whole = |end: &str| end.is_empty() || end.starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '>'));
    let is_href = |start: &str| {
        let name = start.trim_ascii_end().trim_end_matches(['"', '\'']).trim_ascii_end().strip_suffix('=').map(str::trim_ascii_end);
        name.is_some_and(|name| name.len() >= 4 && name.as_bytes()[name.len() - 4..].eq_ignore_ascii_case(b"href"))
    };
    [url, &escaped].iter().any(|url| html.match_indices(*url).any(|(at, _)| is_href(&html[..at]) && is_whole(&html[at + url.len()..])))
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
        assert_eq!((kept.text, kept.html), (own.0.clone(), Some(own.1.clone())));
        assert_eq!(rendered("a", "").html, None);
        for text in [format!("<{url}>"), format!("a\n{url}"), url.to_owned()] {
            assert_eq!(rendered(&text, "").text, text);
        }
        for text in [format!("{url}d"), format!("x{url}"), format!("({url})"), format!("{url}.")] {
            assert_eq!(rendered(&text, "").text, format!("{text}\n\n{words}\n{url}\n"));
        }
        let hidden = format!("<p>{url}</p><!-- {url} --><a href=\"{url}d\">x</a>");
        assert!(rendered("a", &hidden).html.unwrap().ends_with(&format!("<p><a href=\"{url}\">{words}</a></p>\n")));
        let has_link = |text: &str, html: Option<&str>| {
            Rendered { subject: String::new(), text: text.to_owned(), html: html.map(str::to_owned) }.has_link(url)
        };
        assert!(has_link(url, None) && has_link(url, Some(&own.1)));
        assert!(!has_link("a", Some(&own.1)) && !has_link(url, Some(&hidden)));
        assert!(rendered("a", "<p>b</p>").html.unwrap().starts_with("<p>b</p><p><a href="));
    }
}
