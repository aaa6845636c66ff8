//! The built-in templates: two layouts, and the sentences of a language.
//!
//! A built-in template is what an operator would see and edit: the sentences stand in it, and nothing of Rally is called but filters.

use rally_domain::mail::{MailKind, TemplateSource};

use super::words::{Direction, Words};

/// The frame of every HTML part.
const FRAME: &str = include_str!("layout/frame.html");
const HEADING: &str = include_str!("layout/heading.html");
const GREETING: &str = include_str!("layout/greeting.html");
const PARAGRAPH: &str = include_str!("layout/paragraph.html");
const PLACE: &str = include_str!("layout/place.html");
const BUTTON: &str = include_str!("layout/button.html");
const LINK: &str = include_str!("layout/link.html");
const URL: &str = include_str!("layout/url.html");
const UNSUBSCRIBE: &str = include_str!("layout/unsubscribe.html");

/// A piece of a mail, from its top to its bottom.
enum Piece {
    /// A sentence.
    Say(&'static str),
    /// The first sentence where a condition holds, else the other one. A variable holds if it is neither empty nor 0. Mail of an older
    /// program lacks some variables.
    SayIf(&'static str, &'static str, &'static str),
    /// The place in line: its label in HTML, and its sentence in text.
    Place { label: &'static str, sentence: &'static str },
    /// The one action: its words, and the variable of its address.
    Button(&'static str, &'static str),
    /// The action if its variable is not empty, with a link to the other page below it. Else the other page is the action.
    ButtonOr((&'static str, &'static str), (&'static str, &'static str)),
    /// An address to copy.
    Url(&'static str),
    /// A link with words.
    Link(&'static str, &'static str),
}

use Piece::{Button, ButtonOr, Link, Place, Say, SayIf, Url};

/// What a list has is promised, and nothing else.
const SHARE: Piece = SayIf("waitlist.referral_boost", "welcome_share", "welcome_invite");
const PAGE: Piece = SayIf("waitlist.rewards", "page_body_rewards", "page_body");
const LINK_BODY: Piece = SayIf("entry.status == 'rejected'", "link_body_rejected", "link_body");
const OPEN_PAGE: (&str, &str) = ("open_page", "entry.status_url");

fn pieces(kind: MailKind) -> Vec<Piece> {
    match kind {
        MailKind::Confirm => vec![
            Say("confirm_body"),
            Button("confirm_button", "confirm_url"),
            Say("confirm_until"),
            Say("confirm_refuse_body"),
            Link("confirm_refuse", "refuse_url"),
        ],
        MailKind::Welcome => vec![
            Say("welcome_body"),
            Place { label: "welcome_place_label", sentence: "welcome_place" },
            SHARE,
            Url("entry.referral_url"),
            PAGE,
            Button(OPEN_PAGE.0, OPEN_PAGE.1),
        ],
        MailKind::Approved => vec![Say("approved_body"), PAGE, Button(OPEN_PAGE.0, OPEN_PAGE.1)],
        MailKind::Rejected => vec![Say("rejected_body"), Say("rejected_page"), Button(OPEN_PAGE.0, OPEN_PAGE.1)],
        MailKind::Invited => vec![Say("invited_body"), ButtonOr(("invited_button", "invite_url"), OPEN_PAGE)],
        MailKind::Link => vec![LINK_BODY, Button(OPEN_PAGE.0, OPEN_PAGE.1), Say("link_keep")],
    }
}

/// The sentence that mail programs show beside the subject. It tells more than the subject.
const fn preheader(kind: MailKind) -> &'static str {
    match kind {
        MailKind::Confirm => "confirm_until",
        MailKind::Welcome => "welcome_place",
        MailKind::Approved => "page_body",
        MailKind::Rejected => "rejected_body",
        MailKind::Invited => "invited_body",
        MailKind::Link => "link_keep",
    }
}

/// Returns the built-in template of a kind in a language.
pub fn source(kind: MailKind, words: &Words) -> TemplateSource {
    let mail = BuiltIn { kind, words };
    TemplateSource { subject: mail.plain(&mail.of_kind("subject")), text: mail.text(), html: Some(mail.html()) }
}

struct BuiltIn<'a> {
    kind: MailKind,
    words: &'a Words,
}

impl BuiltIn<'_> {
    fn of_kind(&self, key: &str) -> String {
        format!("{}_{key}", self.kind.as_str())
    }

    fn why(&self) -> &'static str {
        match self.kind {
            MailKind::Confirm => "why_confirm",
            MailKind::Link => "why_link",
            _ => "why",
        }
    }

    /// Returns a sentence with its variables, each made by `place` of the name and the filters.
    fn sentence(&self, key: &str, place: impl Fn(&str) -> String) -> String {
        let sentence = &self.words.sentences[key];
        let variables = [
            ("{waitlist}", "waitlist.display_name"),
            ("{name}", "entry.name"),
            ("{email}", "entry.email"),
            ("{place}", "entry.effective_position|number"),
            ("{expires}", "expires_at|date"),
        ];
        variables.into_iter().fold(sentence.clone(), |sentence, (mark, variable)| {
            if sentence.contains(mark) { sentence.replace(mark, &place(variable)) } else { sentence }
        })
    }

    /// Returns a sentence as text. What a person typed does not turn the words around it in languages from right to left.
    fn plain(&self, key: &str) -> String {
        self.sentence(key, |variable| match self.words.dir {
            Direction::Ltr => format!("{{{{ {variable} }}}}"),
            Direction::Rtl => format!("{{{{ {variable}|isolate }}}}"),
        })
    }

    /// Returns a sentence as HTML.
    fn marked_up(&self, key: &str) -> String {
        self.sentence(key, |variable| format!("<bdi>{{{{ {variable} }}}}</bdi>"))
    }

    fn text(&self) -> String {
        let mut parts = vec![format!(
            "{{% if entry.name is plain_name %}}\n{}\n{{% else %}}\n{}\n{{% endif %}}",
            self.plain("hello_name"),
            self.plain("hello")
        )];
        let action = |words: &str, url: &str| format!("{}\n{{{{ {url} }}}}", self.plain(words));
        for piece in pieces(self.kind) {
            parts.push(match piece {
                Say(sentence) => self.plain(sentence),
                SayIf(condition, sentence, other) => {
                    format!("{{% if {condition} %}}\n{}\n{{% else %}}\n{}\n{{% endif %}}", self.plain(sentence), self.plain(other))
                }
                Place { sentence, .. } => self.plain(sentence),
                Button(words, url) | Link(words, url) => action(words, url),
                Url(url) => format!("{{{{ {url} }}}}"),
                ButtonOr((words, url), (other_words, other)) => {
                    let (first, other) = (action(words, url), action(other_words, other));
                    format!("{{% if {url} %}}\n{first}\n\n{other}\n{{% else %}}\n{other}\n{{% endif %}}")
                }
            });
        }
        parts.push(format!("--\n{}", self.plain(self.why())));
        if self.kind.can_be_unsubscribed() {
            parts.push(action("unsubscribe", "entry.unsubscribe_url"));
        }
        parts.push("{{ brand.name or waitlist.display_name }}\n".to_owned());
        parts.join("\n\n")
    }

    fn html(&self) -> String {
        let mut body = filled(HEADING, &[("title", &self.marked_up(&self.of_kind("title")))]);
        body += &filled(GREETING, &[("named", &self.marked_up("hello_name")), ("unnamed", &self.marked_up("hello"))]);
        let button = |words: &str, url: &str| {
            filled(BUTTON, &[("words", &self.marked_up(words)), ("url", url), ("below", &self.marked_up("address_below"))])
        };
        let link = |words: &str, url: &str| filled(LINK, &[("words", &self.marked_up(words)), ("url", url)]);
        let paragraph = |sentence: &str| filled(PARAGRAPH, &[("sentence", &self.marked_up(sentence))]);
        for piece in pieces(self.kind) {
            body += &match piece {
                Say(sentence) => paragraph(sentence),
                SayIf(condition, sentence, other) => {
                    format!("{{% if {condition} %}}\n{}{{% else %}}\n{}{{% endif %}}\n", paragraph(sentence), paragraph(other))
                }
                Place { label, .. } => filled(PLACE, &[("label", &self.marked_up(label))]),
                Button(words, url) => button(words, url),
                ButtonOr((words, url), (other_words, other)) => {
                    let first = button(words, url) + &link(other_words, other);
                    format!("{{% if {url} %}}\n{first}{{% else %}}\n{}{{% endif %}}\n", button(other_words, other))
                }
                Url(url) => filled(URL, &[("url", url)]),
                Link(words, url) => link(words, url),
            };
        }
        let unsubscribe =
            if self.kind.can_be_unsubscribed() { filled(UNSUBSCRIBE, &[("words", &self.marked_up("unsubscribe"))]) } else { String::new() };
        // Some mail programs drop the elements html and body. So the outer table repeats the language, the direction and the colours.
        filled(
            FRAME,
            &[
                ("lang", self.words.tag),
                ("dir", self.words.dir.as_str()),
                ("align", self.words.dir.align()),
                ("preheader", &self.marked_up(preheader(self.kind))),
                ("title", &self.sentence(&self.of_kind("subject"), |variable| format!("{{{{ {variable} }}}}"))),
                ("body", &body),
                ("why", &self.marked_up(self.why())),
                ("unsubscribe", &unsubscribe),
            ],
        )
    }
}

/// Fills a layout: `[[name]]` becomes what has that name.
fn filled(layout: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(layout.to_owned(), |layout, (name, value)| layout.replace(&format!("[[{name}]]"), value))
}
