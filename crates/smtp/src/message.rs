//! The bytes of a message (RFC 5322, MIME).
//!
//! Texts of persons stand in it only where they can do nothing: encoded in the body, or without control characters and encoded in the
//! subject and in the name of the sender.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, MultiPartKind, SinglePart};
use rally_domain::email::Email;
use rally_domain::mail::{Message, Rendered, Sender};
use url::Url;

/// The most bytes of a text that stands in a header without an encoding. A line may have 998 bytes (RFC 5322, section 2.1.1).
const MAX_PLAIN: usize = 900;
/// The most characters that a line should have (RFC 5322, section 2.1.1).
const MAX_LINE: usize = 78;
/// The most bytes of a text in one encoded word, so that a line with the name of its header has at most 78 characters.
const MAX_WORD: usize = 36;

/// A message as it goes to a server.
#[derive(Debug)]
pub(crate) struct Letter {
    /// The address of the sender in the envelope.
    pub(crate) from: Address,
    /// The address of the recipient in the envelope.
    pub(crate) to: Address,
    /// The headers and the body, with CRLF at the end of each line.
    pub(crate) text: String,
    /// Whether the sender or the recipient is not in ASCII, so that the server has to offer SMTPUTF8 (RFC 6531).
    pub(crate) needs_utf8: bool,
}

impl Letter {
    /// Writes a message.
    ///
    /// # Errors
    /// If an address cannot stand in an envelope. The text says which.
    pub(crate) fn write(message: &Message, content: &Rendered) -> Result<Self, &'static str> {
        let from = address(&message.from.address).ok_or("the address of the sender cannot be written into an envelope")?;
        let to = address(&message.to).ok_or("the address of the recipient cannot be written into an envelope")?;
        let reply_to = message.reply_to.as_ref().map(|reply_to| address(reply_to).ok_or("the address for replies cannot be written"));
        let reply_to = reply_to.transpose()?;
        let needs_utf8 = !is_ascii(&from) || !is_ascii(&to);
        // Only the address for replies would make all servers on the way need SMTPUTF8. It must not keep a mail from anybody.
        let reply_to = reply_to.filter(|reply_to| needs_utf8 || is_ascii(reply_to));

        let envelope = Envelope::new(Some(from.clone()), vec![to.clone()]).map_err(|_| "there is no recipient")?;
        let written = Duration::from_millis(u64::try_from(message.written_at.unix_millis()).unwrap_or_default());
        let mut builder = lettre::Message::builder()
            .envelope(envelope)
            .raw_header(sender(&message.from, &from))
            .to(Mailbox::new(None, to.clone()))
            .raw_header(subject(&content.subject))
            .date(SystemTime::UNIX_EPOCH + written)
            .message_id(Some(format!("<{}@{}>", message.id, from.domain())))
            .raw_header(fixed("Auto-Submitted", "auto-generated".to_owned()));
        if let Some(reply_to) = reply_to {
            builder = builder.reply_to(Mailbox::new(None, reply_to));
        }
        if let Some(url) = message.unsubscribe_url.as_deref().and_then(one_click) {
            builder = builder
                .raw_header(fixed("List-Unsubscribe", folded("List-Unsubscribe", format!("<{url}>"))))
                .raw_header(fixed("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        let text = part(ContentType::TEXT_PLAIN, &content.text);
        let message = match &content.html {
            None => builder.singlepart(text),
            Some(html) => {
                // `=_` stands in no text that is encoded as quoted-printable or base64 (RFC 2045, section 6.7).
                let boundary = format!("=_{}", message.id);
                let parts = MultiPart::builder().kind(MultiPartKind::Alternative).boundary(boundary);
                builder.multipart(parts.singlepart(text).singlepart(part(ContentType::TEXT_HTML, html)))
            }
        };
        let bytes = message.map_err(|_| "the message has no sender")?.formatted();
        let text = String::from_utf8(bytes).map_err(|_| "the message is not in UTF-8")?;
        Ok(Self { from, to, text, needs_utf8 })
    }

    /// Whose address is not in ASCII.
    pub(crate) fn beyond_ascii(&self) -> &'static str {
        if is_ascii(&self.to) { "sender" } else { "recipient" }
    }

    /// Returns the text as it follows the command DATA: with dots doubled at the beginning of lines, and the last line (RFC 5321, section
    /// 4.5.2).
    pub(crate) fn to_data(&self) -> String {
        let text = self.text.strip_suffix("\r\n").unwrap_or(&self.text);
        // The first line is a header and begins with no dot.
        format!("{}\r\n.\r\n", text.replace("\r\n.", "\r\n.."))
    }
}

/// Returns an address for the envelope.
///
/// A store may give an address that this version would not parse. Nothing of a header or a command may stand in it. What passes is wider
/// than the check of lettre, which does not know the marks of all scripts.
fn address(email: &Email) -> Option<Address> {
    let (local, domain) = email.as_str().rsplit_once('@')?;
    let in_local = |c: char| !c.is_control() && !c.is_whitespace() && !"\"(),:;<>@[\\]".contains(c);
    let in_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let fits = !local.is_empty() && !domain.is_empty() && email.as_str().len() <= Email::MAX;
    (fits && local.chars().all(in_local) && domain.chars().all(in_domain)).then(|| Address::new_dangerous(local, domain))
}

fn is_ascii(address: &Address) -> bool {
    let text: &str = address.as_ref();
    text.is_ascii()
}

/// The URL of a header `List-Unsubscribe`, which only https makes one (RFC 8058, section 3.1).
fn one_click(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "https")?;
    let text: String = url.into();
    let fits = text.len() <= MAX_PLAIN && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>'));
    fits.then_some(text)
}

fn part(content_type: ContentType, text: &str) -> SinglePart {
    // Encoded, a line has at most 76 characters of ASCII. So the server needs neither 8BITMIME nor long lines.
    let beyond_ascii = text.bytes().filter(|byte| !byte.is_ascii()).count();
    let encoding = if beyond_ascii * 6 > text.len() { ContentTransferEncoding::Base64 } else { ContentTransferEncoding::QuotedPrintable };
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    let body = Body::new_with_encoding(text, encoding)
        .unwrap_or_else(|bytes| Body::dangerous_pre_encoded(STANDARD.encode(bytes).into_bytes(), ContentTransferEncoding::Base64));
    SinglePart::builder().header(content_type).body(body)
}

/// The value of a header, on a line of its own if it is too long to stand beside the name (RFC 5322, section 2.1.1).
fn folded(name: &str, value: String) -> String {
    if name.len() + ": ".len() + value.len() <= MAX_LINE { value } else { format!("\r\n {value}") }
}

/// A header whose value is ASCII of ours.
fn fixed(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

fn subject(text: &str) -> HeaderValue {
    let (name, text) = (HeaderName::new_from_ascii_str("Subject"), one_line(text));
    if is_plain(&text) && text.len() <= MAX_PLAIN {
        HeaderValue::new(name, text)
    } else {
        let encoded = encode(&text);
        HeaderValue::dangerous_new_pre_encoded(name, text, encoded)
    }
}

fn sender(sender: &Sender, address: &Address) -> HeaderValue {
    let name = sender.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    let value = match name {
        None => address.to_string(),
        Some(name) if is_plain(&name) && name.len() <= MAX_WORD => {
            format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Some(name) => format!("{}\r\n <{address}>", encode(&name)),
    };
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str("From"), address.to_string(), value)
}

/// The text without control characters and line breaks, and without spaces around it.
fn one_line(text: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.replace(is_break, " ").trim().to_owned()
}

/// Whether a program that reads the text in a header sees the same, however the line is folded.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && !text.contains("=?") && !text.contains("  ")
}

/// Encodes a text in words of base64 (RFC 2047), each on a line.
fn encode(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = (0..=MAX_WORD.min(rest.len())).rev().find(|&end| rest.is_char_boundary(end)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        words.push(format!("=?utf-8?b?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use mail_parser::{Address as Addresses, HeaderValue as Parsed, MessageParser};
    use proptest::prelude::*;
    use rally_domain::id::{MailId, WorkspaceId};
    use rally_domain::mail::Content;
    use rally_domain::timestamp::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn message() -> Message {
        Message {
            id: MailId::new(Uuid::from_u128(7)),
            workspace_id: WorkspaceId::new(Uuid::from_u128(1)),
            from: Sender { name: Some("Acme".to_owned()), address: Email::parse("hello@acme.example").unwrap() },
            reply_to: None,
            to: Email::parse("ada@example.com").unwrap(),
            content: Content::Rendered(content("")),
            unsubscribe_url: None,
            written_at: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
        }
    }

    fn content(subject: &str) -> Rendered {
        Rendered { subject: subject.to_owned(), text: "Hello".to_owned(), html: None }
    }

    fn write(message: &Message, content: &Rendered) -> Letter {
        let letter = Letter::write(message, content).unwrap();
        for line in letter.to_data().strip_suffix("\r\n").unwrap().split("\r\n") {
            assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']), "{line:?}");
        }
        letter
    }

    fn names(letter: &Letter) -> Vec<String> {
        let parsed = MessageParser::new().parse(&letter.text).unwrap();
        parsed.headers().iter().map(|header| header.name().to_ascii_lowercase()).collect()
    }

    fn only(addresses: Option<&Addresses<'_>>) -> (Option<String>, String) {
        let Some(Addresses::List(list)) = addresses else { panic!("{addresses:?}") };
        let [address] = list.as_slice() else { panic!("{list:?}") };
        (address.name.as_deref().map(str::to_owned), address.address.as_deref().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_message_has_the_headers_of_a_mail_that_a_program_sends() {
        let reply_to = Some(Email::parse("team@acme.example").unwrap());
        let unsubscribe_url = Some("https://rally.example/unsubscribe/abc".to_owned());
        let html = Some("<p>Hello</p>".to_owned());
        let message = Message { reply_to, unsubscribe_url, ..message() };
        let letter = write(&message, &Rendered { html, ..content("You are on the list") });
        let text = &letter.text;
        for line in [
            "From: \"Acme\" <hello@acme.example>\r\n",
            "To: ada@example.com\r\n",
            "Subject: You are on the list\r\n",
            "Reply-To: team@acme.example\r\n",
            "Date: Sat, 31 Jan 2026 09:00:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@acme.example>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "List-Unsubscribe: <https://rally.example/unsubscribe/abc>\r\n",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Type: multipart/alternative;",
        ] {
            assert_eq!(text.matches(line).count(), 1, "{line}: {text}");
        }
        assert!(!letter.needs_utf8 && text.is_ascii(), "{text}");
        assert_eq!(write(&message, &Rendered { html: Some("<p>Hello</p>".to_owned()), ..content("You are on the list") }).text, *text);
    }

    #[test]
    fn a_long_url_that_ends_mail_stands_on_a_line_of_its_own() {
        for length in [20, 58, 59, 75, 76, 500] {
            let url = format!("https://a.example/{}", "u".repeat(length - 18));
            let letter = write(&Message { unsubscribe_url: Some(url.clone()), ..message() }, &content("Hi"));
            let header = letter.text.split("List-Unsubscribe:").nth(1).unwrap().split("\r\nList").next().unwrap();
            let longest = letter.text.lines().map(str::len).max().unwrap();
            assert!(longest <= 78.max(length + 3), "{length}: {}", letter.text);
            assert_eq!(header.contains("\r\n <"), length > 58, "{length}: {header:?}");
            let parsed = MessageParser::new().parse(&letter.text).unwrap();
            let raw = parsed.header_raw("List-Unsubscribe").unwrap();
            assert_eq!(raw.split_whitespace().collect::<Vec<_>>(), [format!("<{url}>")], "{length}");
        }
    }

    /// Its domain is in A-labels as that of any address.
    #[test]
    fn an_address_for_replies_beyond_ascii_is_left_out_of_mail_in_ascii() {
        for (to, reply_to, written) in [
            ("ada@example.com", "r\u{fc}ck@acme.example", None),
            ("ada@example.com", "back@b\u{fc}cher.example", Some("back@xn--bcher-kva.example")),
            ("\u{fc}nal@example.com", "r\u{fc}ck@acme.example", Some("r\u{fc}ck@acme.example")),
        ] {
            let message = Message { to: Email::parse(to).unwrap(), reply_to: Some(Email::parse(reply_to).unwrap()), ..message() };
            let letter = write(&message, &content("Hi"));
            assert_eq!(letter.needs_utf8, !to.is_ascii(), "{to} {reply_to}");
            let header = letter.text.lines().find_map(|line| line.strip_prefix("Reply-To: "));
            assert_eq!(header, written, "{}", letter.text);
        }
    }

    #[test]
    fn only_an_https_url_ends_mail_with_one_click() {
        for url in [
            "http://rally.example/u",
            "mailto:u@rally.example",
            "",
            "https://",
            "https://rally.example/\u{0}",
            "x\r\nBcc: eve@evil.example",
        ] {
            let letter = write(&Message { unsubscribe_url: Some(url.to_owned()), ..message() }, &content("Hi"));
            let headers = names(&letter);
            assert!(url.contains('\0') || !headers.iter().any(|name| name.starts_with("list-")), "{url:?}: {headers:?}");
            assert!(!headers.contains(&"bcc".to_owned()), "{url:?}");
        }
        let hostile = "https://rally.example/a b<c>\r\nBcc: eve@evil.example";
        let letter = write(&Message { unsubscribe_url: Some(hostile.to_owned()), ..message() }, &content("Hi"));
        assert!(
            letter.text.contains("List-Unsubscribe: <https://rally.example/a%20b%3Cc%3EBcc:%20eve@evil.example>\r\n"),
            "{}",
            letter.text
        );
    }

    #[test]
    fn both_forms_of_a_body_read_back() {
        let long = "x".repeat(3000);
        for text in [
            "plain",
            ".\r\n..dots\n.\r\nQUIT\r\n",
            "tr\u{e4}iling spaces  \n\ttabs\t\n\nFrom here\n",
            "\u{5317}\u{4eac}\u{5e02} \u{1f600}\nzwei",
            "--=_00000000-0000-0000-0000-000000000007--\n",
            &long,
            "",
        ] {
            let html = format!("<p>{text}</p>");
            for html in [None, Some(html)] {
                let letter = write(&message(), &Rendered { text: text.to_owned(), html: html.clone(), subject: "Hi".to_owned() });
                assert!(letter.text.is_ascii());
                let parsed = MessageParser::new().parse(&letter.text).unwrap();
                let read = |body: Option<std::borrow::Cow<'_, str>>| body.unwrap().replace("\r\n", "\n");
                assert_eq!(read(parsed.body_text(0)).trim_end_matches('\n'), text.replace("\r\n", "\n").trim_end_matches('\n'));
                if let Some(html) = html {
                    assert_eq!(read(parsed.body_html(0)).trim_end(), html.replace("\r\n", "\n").trim_end());
                    assert_eq!(parsed.parts.len(), 3);
                }
            }
        }
    }

    #[test]
    fn dots_at_the_beginning_of_lines_are_doubled() {
        let letter = write(&message(), &Rendered { text: ".a\n..b\n.".to_owned(), ..content("Hi") });
        let data = letter.to_data();
        assert!(data.contains("\r\n..a\r\n...b\r\n..") && data.ends_with("\r\n.\r\n"), "{data}");
        assert_eq!(data.matches("\r\n.\r\n").count(), 1);
    }

    #[test]
    fn a_text_of_a_person_adds_no_header_and_no_recipient() {
        for hostile in [
            "x\r\nBcc: eve@evil.example",
            "x\nBcc: eve@evil.example",
            "x\rBcc: eve@evil.example",
            "x\0\r\n\r\nbody",
            "x\u{2028}Bcc: eve@evil.example\u{85}To: eve@evil.example",
            "\" <eve@evil.example>, \"",
            "eve@evil.example, ",
            "=?utf-8?b?CkJjYzogZXZlQGV2aWwuZXhhbXBsZQ==?=",
            "=?utf-8?q?=0ABcc:_eve@evil.example?= (comment",
            "a:b;c<d>[e]\\",
        ] {
            let mut message = message();
            message.from.name = Some(hostile.to_owned());
            let letter = write(&message, &content(hostile));
            let headers = names(&letter);
            let expected = [
                "from",
                "to",
                "subject",
                "date",
                "message-id",
                "auto-submitted",
                "mime-version",
                "content-type",
                "content-transfer-encoding",
            ];
            let mut sorted = headers.clone();
            sorted.sort();
            let mut expected = expected.map(str::to_owned).to_vec();
            expected.sort();
            assert_eq!(sorted, expected, "{hostile:?}: {}", letter.text);
            let parsed = MessageParser::new().parse(&letter.text).unwrap();
            assert_eq!(only(parsed.from()), (Some(one_line(hostile)), "hello@acme.example".to_owned()));
            assert_eq!(only(parsed.to()), (None, "ada@example.com".to_owned()));
            assert_eq!(parsed.subject(), Some(one_line(hostile).as_str()));
        }
    }

    #[test]
    fn an_address_that_could_be_more_is_refused() {
        for hostile in [
            "ada@example.com\r\nRCPT TO:<eve@evil.example>",
            "ada@example.com>\r\n",
            "ada@example.com, eve@evil.example",
            "\"a b\"@example.com",
            "ada@example.com\0",
            "ada",
            "",
        ] {
            let hostile = Email::from_stored(hostile.to_owned());
            assert!(Letter::write(&Message { to: hostile.clone(), ..message() }, &content("Hi")).is_err(), "{hostile:?}");
            let from = Sender { name: None, address: hostile.clone() };
            assert!(Letter::write(&Message { from, ..message() }, &content("Hi")).is_err(), "{hostile:?}");
            assert!(Letter::write(&Message { reply_to: Some(hostile), ..message() }, &content("Hi")).is_err());
        }
    }

    #[test]
    fn an_address_of_any_script_can_be_written() {
        for to in ["\u{fc}nal@example.com", "\u{938}\u{902}\u{92a}\u{930}\u{94d}\u{915}@example.com", "ada\u{2764}@example.com"] {
            let letter = write(&Message { to: Email::parse(to).unwrap(), ..message() }, &content("Hi"));
            assert!(letter.needs_utf8, "{to}");
            assert!(letter.text.contains(&format!("\r\nTo: {to}\r\n")), "{}", letter.text);
        }
        assert!(!write(&Message { to: Email::parse("ada@b\u{fc}cher.example").unwrap(), ..message() }, &content("Hi")).needs_utf8);
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_and_adds_nothing(
            subject in any::<String>(), name in any::<String>(), text in any::<String>(), html in proptest::option::of(any::<String>()),
            local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}",
        ) {
            let mut message = message();
            message.from.name = Some(name.clone());
            message.to = Email::parse(&format!("{local}@example.com")).unwrap();
            let letter = write(&message, &Rendered { subject: subject.clone(), text: text.clone(), html: html.clone() });
            let parsed = MessageParser::new().parse(&letter.text).unwrap();
            let (subject, name) = (one_line(&subject), one_line(&name));
            prop_assert_eq!(parsed.subject().unwrap_or_default(), subject);
            prop_assert_eq!(only(parsed.from()), ((!name.is_empty()).then_some(name), "hello@acme.example".to_owned()));
            prop_assert_eq!(only(parsed.to()), (None, message.to.to_string()));
            for single in ["From", "To", "Subject", "Date", "Message-ID", "Content-Type"] {
                prop_assert_eq!(parsed.header_values(single).filter(|value| !matches!(value, Parsed::Empty)).count() <= 1, true);
            }
            prop_assert_eq!(parsed.headers().len(), if html.is_some() { 8 } else { 9 });
            let breaks = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned();
            prop_assert_eq!(breaks(&parsed.body_text(0).unwrap_or_default()), breaks(&text));
        }
    }
}
