//! What every page has round its content.

use crate::can::Can;
use crate::part::html::escape;
use crate::part::{Button, Count, Html, State};
use crate::urls::{ListUrls, Urls, WorkspaceUrls};

/// What every page has round its content. The middleware of sessions fills it: `root` from the public URL, the rest from the session.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The path of the public URL without a slash at its end. It is empty at the root of a host.
    pub root: String,
    /// The token of the session that every form carries.
    pub csrf: String,
    /// What the session may do in this workspace.
    pub can: Can,
    /// Who is signed in: the subject of a link, the name of a key, or an address. `None` on pages without a session.
    pub person: Option<String>,
    /// The workspace that is open.
    pub workspace: Option<OpenWorkspace>,
    /// The list that is open.
    pub list: Option<OpenList>,
    /// What has just happened.
    pub notices: Vec<Notice>,
}

/// The workspace that is open.
#[derive(Debug, Clone, Default)]
pub struct OpenWorkspace {
    /// The slug.
    pub slug: String,
    /// The name.
    pub name: String,
}

/// The list that is open.
#[derive(Debug, Clone, Default)]
pub struct OpenList {
    /// The slug.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// `draft`, `active`, `paused` or `closed`.
    pub status: State,
    /// The number of pending entries, from the totals of the list. 0 is not shown.
    pub pending: Count,
}

/// How a notice is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NoticeTone {
    /// Something was done.
    #[default]
    Good,
    /// Something needs attention, such as a public URL that links in mail cannot use.
    Attention,
    /// Something could not be done.
    Bad,
}

impl NoticeTone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Bad => "bad",
        }
    }
}

/// What has just happened, or what the admin should know.
#[derive(Debug, Clone, Default)]
pub struct Notice {
    /// How it is meant.
    pub tone: NoticeTone,
    /// One sentence.
    pub text: String,
    /// How it is undone, where that is possible.
    pub undo: Option<Undo>,
}

/// The request that undoes a change.
#[derive(Debug, Clone)]
pub struct Undo {
    /// What the button says.
    pub label: &'static str,
    /// The address that it is posted to.
    pub action: String,
    /// The fields beside the token.
    pub fields: Vec<(String, String)>,
}

/// The place of a page in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    Nowhere,
    Workspaces,
    Lists,
    Webhooks,
    Mail,
    Keys,
    Audit,
    Sessions,
    Help,
    Overview,
    Entries,
    Confirmations,
    Referrals,
    Variants,
    Imports,
    Settings,
}

/// A link of the navigation.
pub(crate) struct Link {
    pub(crate) label: &'static str,
    pub(crate) url: String,
    pub(crate) key: &'static str,
    pub(crate) current: bool,
    pub(crate) count: Count,
}

/// A page of the navigation: whether the session may open it, its label, its address, its key and its place.
type Destination = (bool, &'static str, String, &'static str, Here);

/// The pages of a workspace.
fn pages_of(urls: &WorkspaceUrls, can: Can) -> [Destination; 6] {
    [
        (can.list_read, "Lists", urls.lists(), "g l", Here::Lists),
        (can.webhook_read, "Webhooks", urls.webhooks(), "g h", Here::Webhooks),
        (can.settings_read, "Mail and brand", urls.mail(), "g m", Here::Mail),
        (can.entry_read && !can.settings_read, "Mail", urls.mail_log(), "g m", Here::Mail),
        (can.key_read, "API keys", urls.keys(), "g k", Here::Keys),
        (can.audit_read, "Audit log", urls.audit(), "g a", Here::Audit),
    ]
}

/// Returns the address of the first page of a workspace that a session may open, or `None` if it may open none.
pub fn first_page(urls: &WorkspaceUrls, can: Can) -> Option<String> {
    pages_of(urls, can).into_iter().find(|(allowed, ..)| *allowed).map(|(_, _, url, ..)| url)
}

/// What a template needs of a page.
pub(crate) trait Framed {
    fn frame(&self) -> &Frame;

    /// Returns the heading of the page.
    fn title(&self) -> String;

    fn here(&self) -> Here;

    fn is_here(&self, here: Here) -> bool {
        self.here() == here
    }

    fn can(&self) -> &Can {
        &self.frame().can
    }

    /// Whether a form was refused.
    fn is_refused(&self) -> bool {
        false
    }

    /// Returns the title of the tab. That of a refused form begins with it.
    fn tab(&self) -> String {
        let frame = self.frame();
        let list = frame.list.iter().map(|list| list.name.as_str());
        let workspace = frame.workspace.iter().map(|workspace| workspace.name.as_str());
        let title = self.title();
        let mut parts: Vec<&str> = vec![&title];
        parts.extend(list.chain(workspace).filter(|part| *part != title));
        parts.push("Rally");
        format!("{}{}", if self.is_refused() { "Error: " } else { "" }, parts.join(" – "))
    }

    fn urls(&self) -> Urls {
        Urls::new(&self.frame().root)
    }

    /// Returns the addresses of the open workspace.
    fn ws(&self) -> WorkspaceUrls {
        let slug = self.frame().workspace.as_ref().map_or("", |workspace| &workspace.slug);
        self.urls().workspace(slug)
    }

    /// Returns the addresses of the open list.
    fn list(&self) -> ListUrls {
        let slug = self.frame().list.as_ref().map_or("", |list| &list.slug);
        self.ws().list(slug)
    }

    /// Whether the open list takes people.
    fn is_open(&self) -> bool {
        self.frame().list.as_ref().is_some_and(|list| list.status.is("active"))
    }

    /// Returns the hidden field with the token of the session.
    fn csrf(&self) -> Html {
        Html::of(format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", escape(&self.frame().csrf)))
    }

    /// Returns a button that posts to an address.
    fn post(&self, action: String, label: &str) -> Button {
        Button::new(&self.frame().csrf, action, label)
    }

    fn undo(&self, undo: &Undo) -> Button {
        let button = self.post(undo.action.clone(), undo.label).small().key("u");
        undo.fields.iter().fold(button, |button, (name, value)| button.with(name, value))
    }

    fn workspace_links(&self) -> Vec<Link> {
        self.links(pages_of(&self.ws(), *self.can()).into())
    }

    fn list_links(&self) -> Vec<Link> {
        let (urls, can) = (self.list(), self.can());
        let all = [
            (can.list_read, "Overview", urls.overview(), "g o", Here::Overview),
            (can.entry_read, "Entries", urls.entries(), "g e", Here::Entries),
            (can.entry_read, "Confirmations", urls.confirmations(), "g c", Here::Confirmations),
            (can.entry_read, "Referrals", urls.referrals(), "g r", Here::Referrals),
            (can.variant_read, "Variants", urls.variants(), "g v", Here::Variants),
            (can.entry_update, "Imports", urls.imports(), "g i", Here::Imports),
            (can.list_read, "Settings", urls.settings(), "g s", Here::Settings),
        ];
        let mut links = self.links(all.into());
        let pending = self.frame().list.as_ref().map(|list| list.pending).unwrap_or_default();
        for link in links.iter_mut().filter(|link| link.label == "Entries") {
            link.count = pending;
        }
        links
    }

    fn links(&self, all: Vec<Destination>) -> Vec<Link> {
        let link = |(_, label, url, key, here)| Link { label, url, key, current: here == self.here(), count: Count::default() };
        all.into_iter().filter(|(allowed, ..)| *allowed).map(link).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_begins_with_the_first_page_that_it_may_open() {
        let urls = Urls::new("").workspace("acme");
        let of = |actions: &[&str]| first_page(&urls, Can::of(|action| actions.contains(&action)));
        assert_eq!(of(&["waitlist.read", "webhook.read"]), Some(urls.lists()));
        assert_eq!(of(&["entry.read", "webhook.read"]), Some(urls.webhooks()));
        assert_eq!(of(&["entry.read"]), Some(urls.mail_log()));
        assert_eq!(of(&["variant.create"]), None);
    }
}
