//! The addresses of the console, and what is posted to them.
//!
//! [`ROUTES`] is the list for a router. Every POST carries `csrf`, the token of the session, and is answered 303 to a page of the console
//! after success. A refused form is answered 422 with the same page, what was typed, and the errors. The names of fields are the paths of
//! errors in the API, such as `settings.custom_fields[0].key`. A box that is not ticked sends nothing.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a segment of a path keeps.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a route is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Shows a page and changes nothing.
    Get,
    /// Changes something.
    Post,
}

/// A route of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// How it is asked.
    pub method: Method,
    /// The path below the root of the server.
    pub path: &'static str,
    /// The action that the session needs. Empty: none.
    pub action: &'static str,
    /// The page that answers a GET. What a POST takes beside `csrf`, and what it does.
    pub about: &'static str,
}

const fn get(path: &'static str, action: &'static str, about: &'static str) -> Route {
    Route { method: Method::Get, path, action, about }
}

const fn post(path: &'static str, action: &'static str, about: &'static str) -> Route {
    Route { method: Method::Post, path, action, about }
}

/// All routes of the console. A fixed segment comes before a parameter in the same place.
pub const ROUTES: &[Route] = &[
    get("/console", "", "WorkspacesPage, or 303 to the only workspace"),
    get("/console/help", "", "HelpPage"),
    get("/console/sign-in", "", "SignInPage"),
    post("/console/sign-in", "", "key, next: signs in with an API key, then 303 to next"),
    get("/console/sign-in/provider", "", "query next: 303 to the identity provider; a link, because form-action holds for redirects too"),
    get("/console/sign-in/provider/callback", "", "code, state: signs in, then 303"),
    get("/console/sign-in/link/{token}", "", "SignInLinkPage; changes nothing"),
    post("/console/sign-in/link/{token}", "", "spends the link and signs in"),
    post("/console/sign-out", "", "ends the session"),
    get("/console/sessions", "", "SessionsPage"),
    post("/console/sessions/{session}/end", "", "ends a session"),
    post("/console/sessions/end-others", "", "ends all sessions but this one"),
    get("/console/new-workspace", "", "FormPage::new_workspace; for sessions of all workspaces"),
    post("/console/new-workspace", "", "slug, name: creates a workspace"),
    get("/console/w/{ws}", "waitlist.read", "ListsPage; query status, cursor"),
    get("/console/w/{ws}/new-list", "waitlist.create", "FormPage::new_list"),
    post("/console/w/{ws}/new-list", "waitlist.create", "display_name, slug, description: creates a list"),
    get("/console/w/{ws}/webhooks", "webhook.read", "WebhooksPage"),
    get("/console/w/{ws}/new-webhook", "webhook.create", "FormPage::new_webhook"),
    post("/console/w/{ws}/new-webhook", "webhook.create", "url, events (many), once: 200 with SecretPage"),
    get("/console/w/{ws}/webhooks/{webhook}", "webhook.read", "WebhookPage; query state"),
    post("/console/w/{ws}/webhooks/{webhook}", "webhook.update", "url, events (many)"),
    post("/console/w/{ws}/webhooks/{webhook}/active", "webhook.update", "active: true or false"),
    post(
        "/console/w/{ws}/webhooks/{webhook}/rotate",
        "webhook.update",
        "once: 200 with SecretPage; without confirm=yes ConfirmPage::rotate",
    ),
    post("/console/w/{ws}/webhooks/{webhook}/test", "webhook.update", "type: sends a test event"),
    post("/console/w/{ws}/webhooks/{webhook}/resend", "webhook.update", "event_id"),
    post("/console/w/{ws}/webhooks/{webhook}/replay", "webhook.update", "since, until (datetime-local, UTC), state: dead or all"),
    post("/console/w/{ws}/webhooks/{webhook}/delete", "webhook.delete", "without confirm=yes ConfirmPage::delete_webhook"),
    get("/console/w/{ws}/mail", "rally.settings.read", "MailSettingsPage"),
    post(
        "/console/w/{ws}/mail",
        "rally.settings.update",
        "brand_name, brand_logo_url, primary_color, default_heimdall_app_slug, default_locale, notifications, default_sender_address, \
         reply_to_address, default_sender_domain_id, welcome_template_name, approved_template_name, rejected_template_name, \
         confirm_template_name, link_template_name; an empty one is null, and one with the value that `seen` has stays as it is",
    ),
    get("/console/w/{ws}/mail/templates", "rally.settings.read", "TemplatesPage"),
    get("/console/w/{ws}/mail/new-template", "rally.settings.update", "FormPage::new_template"),
    post("/console/w/{ws}/mail/new-template", "rally.settings.update", "kind, locale: 303 to the template, which nobody has written yet"),
    get("/console/w/{ws}/mail/templates/{kind}/{locale}", "rally.settings.read", "TemplatePage"),
    post("/console/w/{ws}/mail/templates/{kind}/{locale}", "rally.settings.update", "subject, text, html, updated_at"),
    get(
        "/console/w/{ws}/mail/templates/{kind}/{locale}/preview",
        "rally.settings.read",
        "MailPreviewPage of what is stored, or of the text that is sent in its place; shown in the frame `preview`",
    ),
    post(
        "/console/w/{ws}/mail/templates/{kind}/{locale}/preview",
        "rally.settings.read",
        "subject, text, html: MailPreviewPage under policy::MAIL_PREVIEW, shown in the frame `preview`",
    ),
    post("/console/w/{ws}/mail/templates/{kind}/{locale}/test", "rally.settings.update", "to: sends the stored template"),
    post(
        "/console/w/{ws}/mail/templates/{kind}/{locale}/reset",
        "rally.settings.update",
        "the built-in text again; without confirm=yes ConfirmPage::reset_template",
    ),
    get("/console/w/{ws}/mail/log", "entry.read", "MailLogPage; query state, kind, entry_id, cursor"),
    get("/console/w/{ws}/mail/suppressions", "entry.read", "SuppressionsPage; query cursor"),
    post("/console/w/{ws}/mail/suppressions", "entry.update", "email: suppresses it"),
    post("/console/w/{ws}/mail/suppressions/check", "entry.read", "email: 200 with SuppressionsPage and the answer"),
    post("/console/w/{ws}/mail/suppressions/{suppression}/lift", "entry.update", "lifts it"),
    get("/console/w/{ws}/keys", "key.read", "KeysPage"),
    get("/console/w/{ws}/new-key", "key.create", "FormPage::new_key"),
    post("/console/w/{ws}/new-key", "key.create", "name, actions (many; none: all of the session), once: 200 with SecretPage"),
    post("/console/w/{ws}/keys/{key}/revoke", "key.delete", "without confirm=yes ConfirmPage::revoke_key"),
    get("/console/w/{ws}/audit", "rally.audit.read", "AuditPage; query target, actor, action, cursor"),
    get("/console/w/{ws}/lists/{list}", "waitlist.read", "OverviewPage; query days: 7, 30, 90 or 365"),
    post("/console/w/{ws}/lists/{list}/status", "waitlist.update", "status: active, paused or closed"),
    post("/console/w/{ws}/lists/{list}/delete", "waitlist.delete", "without confirm=yes ConfirmPage::delete_list"),
    get(
        "/console/w/{ws}/lists/{list}/entries",
        "entry.read",
        "EntriesPage; query q, status, confirmed, invited, referred_by, variant_id, referrer, created_since, created_until (dates), \
         field.<key>, sort, cursor",
    ),
    post(
        "/console/w/{ws}/lists/{list}/entries/bulk",
        "entry.update",
        "do: approve, reject, invite, delete or erase; scope: ticked (entry, many) or matching (filter, the query of the page; until, \
         the last position, which the page that asks adds). Without confirm=yes, delete and erase: ConfirmPage::delete_entries, others on all that match: \
         ConfirmPage::change_entries. Up to 100 ticked ones are done \
         at once, the rest by a job: 303 to the entries",
    ),
    get("/console/w/{ws}/lists/{list}/entries/export.csv", "entry.read", "the file; query bom=1"),
    get("/console/w/{ws}/lists/{list}/entries/export.jsonl", "entry.read", "the file"),
    post("/console/w/{ws}/lists/{list}/jobs/{job}/cancel", "entry.update", "cancels a job on entries"),
    get("/console/w/{ws}/lists/{list}/entries/{entry}", "entry.read", "EntryPage"),
    post("/console/w/{ws}/lists/{list}/entries/{entry}/review", "entry.update", "status: approved or rejected"),
    post("/console/w/{ws}/lists/{list}/entries/{entry}/invite", "entry.update", "app_slug, send_email (a box)"),
    post("/console/w/{ws}/lists/{list}/entries/{entry}/new-link", "entry.update", "without confirm=yes ConfirmPage::new_link"),
    post("/console/w/{ws}/lists/{list}/entries/{entry}/delete", "entry.update", "erase: true or none; without confirm=yes ConfirmPage"),
    get("/console/w/{ws}/lists/{list}/confirmations", "entry.read", "ConfirmationsPage; query cursor"),
    post("/console/w/{ws}/lists/{list}/confirmations/{request}/resend", "entry.update", "sends the link again"),
    post("/console/w/{ws}/lists/{list}/confirmations/{request}/confirm", "entry.update", "confirms in the person's place"),
    post("/console/w/{ws}/lists/{list}/confirmations/{request}/delete", "entry.update", "without confirm=yes ConfirmPage"),
    get("/console/w/{ws}/lists/{list}/referrals", "entry.read", "ReferralsPage; query state, referrer_entry_id, cursor"),
    get("/console/w/{ws}/lists/{list}/referrals/rings", "entry.read", "RingsPage"),
    post(
        "/console/w/{ws}/lists/{list}/referrals/decide",
        "entry.update",
        "one of id (many), referrer_entry_id, network_of; state; reason. Without confirm=yes a dry run: 200 with DecidePage",
    ),
    get("/console/w/{ws}/lists/{list}/referrals/policy", "entry.read", "PolicyPage; query referral_boost shows who would move"),
    get("/console/w/{ws}/lists/{list}/variants", "variant.read", "VariantsPage"),
    get("/console/w/{ws}/lists/{list}/new-variant", "variant.create", "VariantPage without a variant"),
    post("/console/w/{ws}/lists/{list}/new-variant", "variant.create", "kind, locale, weight, active (a box), copy.<key>"),
    get("/console/w/{ws}/lists/{list}/variants/{variant}", "variant.read", "VariantPage"),
    post("/console/w/{ws}/lists/{list}/variants/{variant}", "variant.update", "locale, weight, active (a box), copy.<key>"),
    post("/console/w/{ws}/lists/{list}/variants/{variant}/delete", "variant.delete", "without confirm=yes ConfirmPage::delete_variant"),
    get("/console/w/{ws}/lists/{list}/settings", "waitlist.read", "SettingsPage"),
    post(
        "/console/w/{ws}/lists/{list}/settings",
        "waitlist.update",
        "display_name, description, settings.<key>, seen; do: save, or a change of rows (edit_rows): 200 with the changed form",
    ),
    post(
        "/console/w/{ws}/lists/{list}/preview",
        "waitlist.read",
        "the form of settings or of a variant: the sign-up page under policy::PAGE_PREVIEW, shown in the frame `preview`",
    ),
    get(
        "/console/w/{ws}/lists/{list}/preview",
        "waitlist.read",
        "the sign-up page as stored, under policy::PAGE_PREVIEW; query variant_id",
    ),
    get("/console/w/{ws}/lists/{list}/imports", "entry.update", "ImportsPage"),
    get(
        "/console/w/{ws}/lists/{list}/new-import",
        "entry.update",
        "FormPage::new_import; query after, the id of an import whose choices are proposed",
    ),
    post(
        "/console/w/{ws}/lists/{list}/new-import",
        "entry.update",
        "multipart: csrf first, then format, on_duplicate, map, dry_run, notify (boxes), file last",
    ),
    get("/console/w/{ws}/lists/{list}/imports/{import}", "entry.update", "ImportPage"),
    post("/console/w/{ws}/lists/{list}/imports/{import}/cancel", "entry.update", "cancels an import"),
    get("/console/w/{ws}/lists/{list}/imports/{import}/problems.csv", "entry.update", "the file"),
];

/// Writes addresses under the root of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Urls {
    base: String,
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

macro_rules! fixed {
    ($($(#[$doc:meta])+ $name:ident = $path:literal)+) => {
        $($(#[$doc])+ pub fn $name(&self) -> String { format!(concat!("{}", $path), self.base) })+
    };
}

macro_rules! of_one {
    ($($(#[$doc:meta])+ $name:ident = $before:literal, $after:literal)+) => {
        $($(#[$doc])+ pub fn $name(&self, id: &str) -> String { format!(concat!("{}", $before, "{}", $after), self.base, segment(id)) })+
    };
}

impl Urls {
    /// Writes addresses under the path of the public URL, which has no slash at its end.
    pub fn new(root: &str) -> Self {
        Self { base: format!("{root}/console") }
    }

    /// Goes into a workspace.
    pub fn workspace(&self, slug: &str) -> WorkspaceUrls {
        WorkspaceUrls { base: format!("{}/w/{}", self.base, segment(slug)) }
    }

    fixed! {
        /// The workspaces.
        home = ""
        /// The keyboard.
        help = "/help"
        /// Signing in, also with an API key.
        sign_in = "/sign-in"
        /// Signing in through the identity provider.
        sign_in_provider = "/sign-in/provider"
        /// Signing out.
        sign_out = "/sign-out"
        /// The sessions.
        sessions = "/sessions"
        /// Ending all other sessions.
        end_others = "/sessions/end-others"
        /// Creating a workspace.
        new_workspace = "/new-workspace"
    }

    of_one! {
        /// Signing in with a link.
        sign_in_link = "/sign-in/link/", ""
        /// Ending a session.
        end_session = "/sessions/", "/end"
    }
}

/// Writes addresses in a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceUrls {
    base: String,
}

impl WorkspaceUrls {
    /// Goes into a list.
    pub fn list(&self, slug: &str) -> ListUrls {
        ListUrls { base: format!("{}/lists/{}", self.base, segment(slug)) }
    }

    /// A template of mail.
    pub fn template(&self, kind: &str, locale: &str) -> String {
        format!("{}/mail/templates/{}/{}", self.base, segment(kind), segment(locale))
    }

    /// The log of mail about an entry.
    pub fn mail_of_entry(&self, id: &str) -> String {
        format!("{}?entry_id={}", self.mail_log(), segment(id))
    }

    fixed! {
        /// The lists.
        lists = ""
        /// Creating a list.
        new_list = "/new-list"
        /// The webhooks.
        webhooks = "/webhooks"
        /// Creating a webhook.
        new_webhook = "/new-webhook"
        /// The settings of mail and brand.
        mail = "/mail"
        /// The templates of mail.
        templates = "/mail/templates"
        /// Writing the text of a mail in another language.
        new_template = "/mail/new-template"
        /// The log of mail.
        mail_log = "/mail/log"
        /// The suppressions.
        suppressions = "/mail/suppressions"
        /// Asking whether an address is suppressed.
        check_suppression = "/mail/suppressions/check"
        /// The API keys.
        keys = "/keys"
        /// Creating an API key.
        new_key = "/new-key"
        /// The audit log.
        audit = "/audit"
    }

    of_one! {
        /// A webhook.
        webhook = "/webhooks/", ""
        /// Enabling or disabling a webhook.
        webhook_active = "/webhooks/", "/active"
        /// Rotating the secret of a webhook.
        rotate = "/webhooks/", "/rotate"
        /// Sending a test event.
        test = "/webhooks/", "/test"
        /// Sending an event again.
        resend = "/webhooks/", "/resend"
        /// Sending the events of a time again.
        replay = "/webhooks/", "/replay"
        /// Deleting a webhook.
        delete_webhook = "/webhooks/", "/delete"
        /// Lifting a suppression.
        lift = "/mail/suppressions/", "/lift"
        /// Revoking an API key.
        revoke = "/keys/", "/revoke"
    }
}

/// Writes addresses in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListUrls {
    base: String,
}

impl ListUrls {
    /// The entries that a query finds, such as `status=pending`.
    pub fn entries_where(&self, query: &str) -> String {
        if query.is_empty() { self.entries() } else { format!("{}?{query}", self.entries()) }
    }

    /// The overview over a number of days.
    pub fn overview_of(&self, days: &u16) -> String {
        format!("{}?days={days}", self.base)
    }

    /// The referrals of an entry.
    pub fn referrals_of(&self, entry: &str) -> String {
        format!("{}?referrer_entry_id={}", self.referrals(), segment(entry))
    }

    /// The referrals in a state.
    pub fn referrals_in(&self, state: &str) -> String {
        format!("{}?state={}", self.referrals(), segment(state))
    }

    fixed! {
        /// The overview.
        overview = ""
        /// Changing the status.
        status = "/status"
        /// Deleting the list.
        delete = "/delete"
        /// The entries.
        entries = "/entries"
        /// Acting on many entries.
        bulk = "/entries/bulk"
        /// The entries as CSV.
        csv = "/entries/export.csv"
        /// The whole list as JSON lines.
        jsonl = "/entries/export.jsonl"
        /// The confirmations.
        confirmations = "/confirmations"
        /// The referrals.
        referrals = "/referrals"
        /// The rings.
        rings = "/referrals/rings"
        /// Deciding on many referrals.
        decide = "/referrals/decide"
        /// What another boost would change.
        policy = "/referrals/policy"
        /// The variants.
        variants = "/variants"
        /// Creating a variant.
        new_variant = "/new-variant"
        /// The settings.
        settings = "/settings"
        /// The preview of the sign-up page.
        preview = "/preview"
        /// The imports.
        imports = "/imports"
        /// Starting an import.
        new_import = "/new-import"
    }

    of_one! {
        /// Cancelling a job.
        cancel_job = "/jobs/", "/cancel"
        /// An entry.
        entry = "/entries/", ""
        /// Approving or rejecting an entry.
        review = "/entries/", "/review"
        /// Inviting an entry.
        invite = "/entries/", "/invite"
        /// Replacing the link of an entry.
        new_link = "/entries/", "/new-link"
        /// Deleting or erasing an entry.
        delete_entry = "/entries/", "/delete"
        /// Sending a confirmation again.
        resend = "/confirmations/", "/resend"
        /// Confirming in a person's place.
        confirm = "/confirmations/", "/confirm"
        /// Deleting a confirmation.
        delete_confirmation = "/confirmations/", "/delete"
        /// A variant.
        variant = "/variants/", ""
        /// Deleting a variant.
        delete_variant = "/variants/", "/delete"
        /// An import.
        import = "/imports/", ""
        /// Starting an import with the choices of another one.
        import_again = "/new-import?after=", ""
        /// Cancelling an import.
        cancel_import = "/imports/", "/cancel"
        /// The problems of an import.
        problems = "/imports/", "/problems.csv"
    }
}

impl Route {
    fn fits(&self, path: &str) -> bool {
        let (wanted, given) = (self.path.split('/'), path.split('/'));
        wanted.clone().count() == given.clone().count() && wanted.zip(given).all(|(part, segment)| part.starts_with('{') || part == segment)
    }

    fn is_page(&self) -> bool {
        self.method == Method::Get
    }
}

/// Returns the path of the nearest page above an address, if the address only takes a form.
pub fn page_above(path: &str) -> Option<&str> {
    let mut of_forms = ROUTES.iter().filter(|route| !route.is_page() && route.fits(path));
    if !of_forms.any(|form| ROUTES.iter().all(|route| !route.is_page() || route.path != form.path)) {
        return None;
    }
    let above = |path: &str| path.rsplit_once('/').map(|(above, _)| above.len());
    let is_page = |path: &str| ROUTES.iter().any(|route| route.is_page() && route.fits(path));
    std::iter::successors(Some(path), |path| Some(&path[..above(path)?])).skip(1).find(|path| is_page(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_segments_apart() {
        let list = Urls::new("/rally").workspace("acme").list("early/access");
        assert_eq!(list.entry("a b?c"), "/rally/console/w/acme/lists/early%2Faccess/entries/a%20b%3Fc");
        assert_eq!(list.entries_where("status=pending"), "/rally/console/w/acme/lists/early%2Faccess/entries?status=pending");
        assert_eq!(Urls::new("").home(), "/console");
    }

    #[test]
    fn the_page_above_a_form_is_found() {
        let above = |path| page_above(path).unwrap_or_default();
        assert_eq!(above("/console/sign-out"), "/console");
        assert_eq!(above("/console/w/acme/mail/templates/welcome/de/test"), "/console/w/acme/mail/templates/welcome/de");
        assert_eq!(above("/console/w/acme/lists/early/status"), "/console/w/acme/lists/early");
        assert_eq!(above("/console/w/acme/lists/early/entries/bulk"), "/console/w/acme/lists/early/entries");
        let none = ["/w/acme", "console", "/console/w/acme", "/console/w/acme/lists/early/entries/7", "/console/w/acme/mail"];
        assert_eq!(none.map(page_above), [None; 5]);
        // Every address that only takes a form has a page above it.
        let pages: Vec<&str> = ROUTES.iter().filter(|route| route.is_page()).map(|route| route.path).collect();
        for route in ROUTES.iter().filter(|route| !pages.contains(&route.path)) {
            assert!(page_above(route.path).is_some(), "{}", route.path);
        }
    }

    #[test]
    fn every_route_is_there_once() {
        for (index, route) in ROUTES.iter().enumerate() {
            let same = |other: &Route| (other.method, other.path) == (route.method, route.path);
            assert_eq!(ROUTES.iter().position(same), Some(index), "{}", route.path);
        }
    }
}
