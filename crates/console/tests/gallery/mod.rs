//! Every page in every state.

use rally_console::page::*;
use rally_console::{
    Bar, Can, Choice, Count, Day, Days, Form, Frame, Job, Notice, NoticeTone, OpenList, OpenWorkspace, Page, Pager, Share, State, Time,
    Undo, form_of_settings,
};
use rally_domain::timestamp::Timestamp;
use serde_json::json;

/// The texts that people and admins wrote.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub text: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub id: &'a str,
}

/// Words as they usually are.
pub const USUAL: Words<'static> =
    Words { text: "Early access", email: "ada.lovelace@example.com", name: "Ada Lovelace", id: "0199c0de-0000-7000-8000-000000000000" };

type Pages = Vec<(String, String)>;

fn at(minutes: i64) -> Time {
    Time(Timestamp::from_unix_millis(1_764_144_000_000 + minutes * 60_000).expect("an instant of this century"))
}

/// What pages are made of.
struct Samples<'a> {
    can: Can,
    words: Words<'a>,
}

/// Returns every page in every state, with a name for each.
pub fn pages(can: Can, words: Words<'_>) -> Pages {
    let samples = Samples { can, words };
    let mut pages = Pages::new();
    let mut add = |name: &str, page: &dyn Page| pages.push((name.to_owned(), page.html()));
    samples.access(&mut add);
    samples.lists(&mut add);
    samples.entries(&mut add);
    samples.entry(&mut add);
    samples.referrals(&mut add);
    samples.settings(&mut add);
    samples.webhooks(&mut add);
    samples.mail(&mut add);
    samples.imports(&mut add);
    samples.plain(&mut add);
    pages
}

type Add<'a> = &'a mut dyn FnMut(&str, &dyn Page);

impl Samples<'_> {
    fn text(&self) -> String {
        self.words.text.to_owned()
    }

    fn id(&self) -> String {
        self.words.id.to_owned()
    }

    /// The frame of a page outside any workspace.
    fn server(&self) -> Frame {
        Frame { csrf: "token".to_owned(), can: self.can, person: Some(self.words.name.to_owned()), ..Frame::default() }
    }

    fn stranger(&self) -> Frame {
        Frame { csrf: "token".to_owned(), ..Frame::default() }
    }

    fn workspace(&self) -> Frame {
        let workspace = Some(OpenWorkspace { slug: "acme".to_owned(), name: self.text() });
        Frame { workspace, ..self.server() }
    }

    fn list(&self) -> Frame {
        let list = OpenList { slug: "early-access".to_owned(), name: self.text(), status: "active".into(), pending: Count(12) };
        Frame { list: Some(list), ..self.workspace() }
    }

    fn list_that_is(&self, status: &str) -> Frame {
        let list = OpenList { slug: "early-access".to_owned(), name: self.text(), status: status.into(), pending: Count(0) };
        Frame { list: Some(list), ..self.workspace() }
    }

    fn person(&self) -> Person {
        Person { id: self.id(), email: self.words.email.to_owned() }
    }

    fn days(&self, number: u64) -> Days {
        let day = |index: u64| {
            let date = (at(index as i64 * 1440).0).day().to_string();
            Day { date, count: Count(index * 37 % 23 + index * index / 90) }
        };
        Days((0..number).map(day).collect())
    }

    fn access(&self, add: Add<'_>) {
        let sign_in = SignInPage { frame: self.stranger(), next: "/console".to_owned(), ..SignInPage::default() };
        add("sign-in", &sign_in);
        add("sign-in-provider", &SignInPage { provider: true, ..sign_in.clone() });
        let form = Form::default().refused([("key", "Enter a key that works. This one is unknown or revoked")]);
        add("sign-in-refused", &SignInPage { form, ..sign_in.clone() });
        add("sign-in-unsaved", &SignInPage { is_unsaved: true, ..sign_in.clone() });
        add("sign-in-often", &SignInPage { retry_in: Some(Count(10)), ..sign_in });
        for (name, usable) in [("sign-in-link", true), ("sign-in-link-used", false)] {
            add(name, &SignInLinkPage { frame: self.stranger(), token: self.id(), usable });
        }
        let row = |lists, entries| WorkspaceRow { slug: "acme".to_owned(), name: self.text(), lists: Count(lists), entries };
        let workspaces = vec![row(3, Some(Count(15_310))), row(0, None)];
        add("workspaces", &WorkspacesPage { frame: self.server(), workspaces, may_create: true });
        for (name, may_create) in [("workspaces-none", true), ("workspaces-hidden", false)] {
            add(name, &WorkspacesPage { frame: self.server(), workspaces: Vec::new(), may_create });
        }
        add("new-workspace", &FormPage::new_workspace(self.server(), Form::default()));
        let key = |revoked_at| KeyRow {
            id: self.id(),
            name: self.text(),
            prefix: "rally_live_7Kq2".to_owned(),
            scope: "entry.read entry.update waitlist.*".to_owned(),
            created_at: at(0),
            revoked_at,
        };
        add("keys", &KeysPage { frame: self.workspace(), keys: vec![key(None), key(Some(at(900)))] });
        add("keys-none", &KeysPage { frame: self.workspace(), keys: Vec::new() });
        let actions: Vec<String> =
            ["waitlist.read", "waitlist.update", "entry.read", "entry.update", "rally.read", "webhook.read"].map(str::to_owned).into();
        let form = Form::new([("name", self.words.text), ("actions", "entry.read")]);
        add("new-key", &FormPage::new_key(self.workspace(), form.clone(), &actions));
        let form = form.refused([("name", "Enter a name")]);
        add("new-key-refused", &FormPage::new_key(self.workspace(), form, &actions));
        add(
            "audit",
            &AuditPage {
                frame: self.workspace(),
                actions: vec!["entry.approve"],
                rows: self.history(),
                pager: self.pager("rows"),
                ..AuditPage::default()
            },
        );
        let filter = Form::new([("action", "approve")]).refused([("action", "must be an action of the audit log")]);
        add("audit-refused", &AuditPage { frame: self.workspace(), filter, actions: vec!["entry.approve"], ..AuditPage::default() });
        add("audit-none", &AuditPage { frame: self.workspace(), ..AuditPage::default() });
        let session = |is_current, workspace: Option<&str>| SessionRow {
            id: self.id(),
            person: self.words.name.to_owned(),
            how: "link".to_owned(),
            workspace: workspace.map(str::to_owned),
            created_at: at(0),
            seen_at: at(125),
            expires_at: at(10_080),
            is_current,
        };
        let sessions = vec![session(true, None), session(false, Some("acme"))];
        add("sessions", &SessionsPage { frame: self.server(), sessions });
    }

    fn pager(&self, swap: &'static str) -> Pager {
        let page = |cursor: &str| Some(format!("/console/w/acme/audit?cursor={cursor}"));
        Pager { first: page("a"), next: page("b"), swap }
    }

    fn history(&self) -> Vec<AuditRow> {
        let change = |field: &str, before: Option<&str>, after: Option<&str>| AuditChange {
            field: field.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let row = |action: &str, changes| AuditRow {
            at: at(90),
            actor_kind: "session".to_owned(),
            actor_id: self.id(),
            actor: self.words.name.to_owned(),
            action: action.to_owned(),
            target_type: "entry".to_owned(),
            target_id: self.id(),
            target_url: Some("/console/w/acme/lists/early-access/entries/1".to_owned()),
            target_name: Some(self.text()),
            changes,
            request_id: Some(self.id()),
        };
        vec![
            row("entry.approve", vec![change("status", Some("pending"), Some("approved"))]),
            row(
                "waitlist.update",
                vec![change("display_name", Some(self.words.text), Some(self.words.text)), change("max_entries", None, Some("500"))],
            ),
            AuditRow { target_url: None, request_id: None, ..row("entry.delete", vec![change("position", Some("12"), None)]) },
        ]
    }

    fn lists(&self, add: Add<'_>) {
        let row = |status: &str, pending, entries: Option<Count>| ListRow {
            slug: "early-access".to_owned(),
            name: self.text(),
            status: status.into(),
            entries,
            is_full: pending > 1000,
            pending: Count(pending),
            days: if entries.is_some() { self.days(30) } else { Days::default() },
            created_at: at(0),
        };
        let lists = vec![
            row("active", 1204, Some(Count(15_310))),
            row("draft", 0, Some(Count(0))),
            row("paused", 0, None),
            row("closed", 2, Some(Count(90))),
        ];
        let page = ListsPage { frame: self.workspace(), status: None, lists, pager: self.pager("") };
        add("lists", &page);
        let undo = Undo {
            label: "Undo",
            action: "/console/w/acme/lists/early-access/status".to_owned(),
            fields: vec![("status".to_owned(), "active".to_owned())],
        };
        let notices = vec![Notice { tone: NoticeTone::Good, text: format!("Paused {}", self.words.text), undo: Some(undo) }];
        add("lists-notice", &ListsPage { frame: Frame { notices, ..self.workspace() }, ..page.clone() });
        add("lists-none", &ListsPage { lists: Vec::new(), pager: Pager::default(), ..page.clone() });
        add("lists-none-paused", &ListsPage { lists: Vec::new(), status: Some("paused".to_owned()), pager: Pager::default(), ..page });
        add("new-list", &FormPage::new_list(self.workspace(), Form::default()));
        let form =
            Form::new([("display_name", self.words.text), ("slug", self.words.text)]).refused([("slug", "Use a-z, 0-9 and hyphens")]);
        add("new-list-refused", &FormPage::new_list(self.workspace(), form));
        self.overview(add);
    }

    fn overview(&self, add: Add<'_>) {
        let numbers = Numbers {
            total: Count(15_310),
            pending: Count(1204),
            approved: Count(14_000),
            rejected: Count(106),
            today: Count(48),
            week: Count(310),
            month: Count(1210),
            referred: Count(5100),
            awaiting: Some(Count(33)),
            max_entries: Some(Count(20_000)),
        };
        let bar = |label: Option<&str>, query: Option<&str>, count, share| Bar {
            label: label.map(str::to_owned),
            query: query.map(str::to_owned),
            count: Count(count),
            share: Share(share),
        };
        let leader = |referrals| LeaderRow {
            id: self.id(),
            email: self.words.email.to_owned(),
            name: self.words.name.to_owned(),
            referrals: Count(referrals),
            position: Count(1204),
            effective: Count(1),
        };
        let page = OverviewPage {
            frame: self.list(),
            description: Some(self.text()),
            page_url: "https://rally.example.com/w/acme/early-access".to_owned(),
            embed: "<script src=\"https://rally.example.com/widget.js\" async></script>\n<rally-waitlist list=\"acme/early-access\"></rally-waitlist>"
                .to_owned(),
            next_statuses: vec!["paused".to_owned(), "closed".to_owned()],
            numbers: Some(numbers),
            decisions: Decisions {
                pending: Count(1204),
                withheld: Count(3),
                more_withheld: false,
                disabled_webhooks: Count(1),
                cannot_confirm: true,
                mail_fails: true,
                is_full: true,
                is_draft: false,
            },
            span: 30,
            days: self.days(30),
            sources: vec![
                bar(Some(self.words.text), Some("referrer=News"), 8000, 0.52),
                bar(None, None, 5310, 0.35),
                bar(Some("producthunt.com"), Some("referrer=producthunt.com"), 2000, 0.13),
            ],
            variants: vec![bar(Some("en, at random"), Some("variant_id=1"), 9000, 0.59), bar(None, None, 6310, 0.41)],
            leaders: vec![leader(124), leader(12)],
        };
        add("overview", &page);
        let empty = OverviewPage {
            frame: self.list_that_is("draft"),
            description: None,
            next_statuses: vec!["active".to_owned(), "closed".to_owned()],
            numbers: Some(Numbers::default()),
            decisions: Decisions { is_draft: true, ..Decisions::default() },
            days: Days::default(),
            sources: Vec::new(),
            variants: Vec::new(),
            leaders: Vec::new(),
            ..page.clone()
        };
        add("overview-draft", &empty);
        for status in ["active", "paused", "closed"] {
            let frame = self.list_that_is(status);
            add(&format!("overview-none-{status}"), &OverviewPage { frame, decisions: Decisions::default(), ..empty.clone() });
        }
        add("overview-year", &OverviewPage { span: 365, days: self.days(365), decisions: Decisions::default(), ..page.clone() });
        add("overview-blind", &OverviewPage { numbers: None, ..page });
    }

    fn entries(&self, add: Add<'_>) {
        let row = |index: u64| EntryRow {
            id: format!("{}{index}", self.words.id),
            email: self.words.email.to_owned(),
            name: self.words.name.to_owned(),
            status: ["pending", "approved", "rejected"][index as usize % 3].into(),
            position: Count(index + 1),
            effective: Count(index / 2 + 1),
            referrals: Count(index % 4),
            created_at: at(index as i64),
            is_invited: index % 5 == 1,
            is_unconfirmed: index % 7 == 3,
        };
        let page = EntriesPage {
            frame: self.list(),
            filter: EntryFilter::default(),
            cursor: "5ZbT".to_owned(),
            errors: Vec::new(),
            variants: vec![Choice::new(self.words.id, self.words.text)],
            fields: vec![
                FieldFilter { key: "company".to_owned(), label: self.words.text.to_owned(), answers: Vec::new() },
                FieldFilter { key: "beta".to_owned(), label: self.words.text.to_owned(), answers: vec![Choice::new("true", "Yes")] },
            ],
            matched: Some(Count(15_310)),
            rows: (0..20).map(row).collect(),
            pager: self.pager("entries"),
            job: None,
            may_invite: true,
            sends_mail: true,
        };
        add("entries", &page);
        let filter =
            |pairs: &[(&str, &str)]| EntryFilter(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let narrow = filter(&[("q", self.words.text), ("status", "pending"), ("confirmed", "true"), ("sort", "-referral_count")]);
        let job = |state: &str, failed| Job {
            id: self.id(),
            title: "Approving entries".to_owned(),
            state: state.into(),
            done: Count(640),
            total: Count(1204),
            changed: Count(600),
            failed: Count(failed),
            reasons: if failed > 0 { vec![(self.text(), Count(failed))] } else { Vec::new() },
            started_at: at(5),
        };
        add(
            "entries-filtered",
            &EntriesPage { filter: narrow.clone(), matched: Some(Count(1204)), job: Some(job("running", 0)), ..page.clone() },
        );
        add("entries-done", &EntriesPage { job: Some(job("done", 3)), matched: None, ..page.clone() });
        let none = EntriesPage { rows: Vec::new(), matched: Some(Count(0)), pager: Pager::default(), ..page.clone() };
        add("entries-none", &none);
        add("entries-none-closed", &EntriesPage { frame: self.list_that_is("closed"), ..none.clone() });
        add("entries-no-match", &EntriesPage { filter: narrow, ..none.clone() });
        add("entries-none-left", &EntriesPage { pager: page.pager.clone(), ..none.clone() });
        let wrong = filter(&[("created_since", self.words.text)]);
        let errors = vec![("created_since".to_owned(), "Enter a day such as 2026-01-31".to_owned())];
        add("entries-wrong", &EntriesPage { filter: wrong, errors, ..none });
        let frame = Frame { can: Can { entry_read: true, ..Can::default() }, ..self.list() };
        add("entries-reader", &EntriesPage { frame, ..page });
        let row = |email: &str, last_mail_at| ConfirmationRow {
            id: self.id(),
            email: email.to_owned(),
            name: self.words.name.to_owned(),
            requested_at: at(0),
            expires_at: at(10_080),
            mails_sent: Count(2),
            last_mail_at,
        };
        let rows = vec![row(self.words.email, Some(at(30))), row("grace@a-rather-long-domain.example.org", None)];
        let page = ConfirmationsPage { frame: self.list(), is_on: true, waiting: Count(2), rows, pager: self.pager("confirmations") };
        add("confirmations", &page);
        let none = ConfirmationsPage { rows: Vec::new(), pager: Pager::default(), ..page };
        add("confirmations-off", &ConfirmationsPage { is_on: false, ..none.clone() });
        add("confirmations-none", &none);
    }

    fn entry(&self, add: Add<'_>) {
        let entry = EntryView {
            id: self.id(),
            email: self.words.email.to_owned(),
            name: self.words.name.to_owned(),
            status: "pending".into(),
            position: Count(1204),
            effective: Count(980),
            referral_code: "ABCD2345".to_owned(),
            referral_count: Count(3),
            status_url: Some("https://rally.example.com/me/token".to_owned()),
            locale: Some("pt-BR".to_owned()),
            referrer: Some(self.text()),
            interest: Some(self.text()),
            variant: Some(self.text()),
            created_at: at(0),
            confirmed_at: Some(at(4)),
            invited_at: None,
            invited_to: None,
            consent: Some((self.text(), at(0))),
            suppressed: None,
        };
        let event = |kind: &str| EventRow {
            id: self.id(),
            kind: kind.to_owned(),
            at: at(1),
            deliveries: vec![(State::from("delivered"), Count(2)), (State::from("dead"), Count(1))],
        };
        let page = EntryPage {
            frame: self.list(),
            entry: entry.clone(),
            answers: vec![(self.text(), self.text()), ("team".to_owned(), "12".to_owned())],
            referred_by: Some(self.person()),
            referrals: self.ledger(),
            mails: self.mails(),
            events: vec![event("entry.created")],
            history: self.history(),
            may_invite: false,
            has_apps: false,
            app_slug: None,
            sends_mail: true,
            conflict: None,
        };
        add("entry", &page);
        let approved = EntryView { status: "approved".into(), ..entry.clone() };
        add(
            "entry-approved",
            &EntryPage { entry: approved.clone(), may_invite: true, has_apps: true, app_slug: Some("app".to_owned()), ..page.clone() },
        );
        let invited = EntryView {
            invited_at: Some(at(9)),
            invited_to: Some("app".to_owned()),
            suppressed: Some("bounced".into()),
            status_url: None,
            interest: None,
            ..approved
        };
        let bare = EntryPage {
            entry: invited,
            answers: Vec::new(),
            referred_by: None,
            referrals: Vec::new(),
            mails: Vec::new(),
            events: Vec::new(),
            history: Vec::new(),
            may_invite: true,
            sends_mail: false,
            ..page.clone()
        };
        add("entry-bare", &bare);
        let conflict = Some(Conflict { by: Some(self.words.name.to_owned()), at: at(7), of: Vec::new() });
        add("entry-conflict", &EntryPage { entry: EntryView { status: "rejected".into(), ..entry }, conflict, ..page });
    }

    fn ledger(&self) -> Vec<ReferralRow> {
        let row = |state: &str, score, reasons: &[&str]| ReferralRow {
            id: format!("{}{score}", self.words.id),
            referrer: Some(self.person()),
            referred: Some(self.person()),
            state: state.into(),
            score,
            reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
            created_at: at(10),
            decided_at: (score > 90).then(|| at(20)),
            decided_by: (score > 90).then(|| self.words.name.to_owned()),
            reason: (score > 90).then(|| self.text()),
        };
        let withheld = row("withheld", 60, &["same_network", "burst"]);
        vec![row("credited", 0, &[]), withheld, ReferralRow { referrer: None, referred: None, ..row("revoked", 100, &["same_mailbox"]) }]
    }

    fn referrals(&self, add: Add<'_>) {
        let page = ReferralsPage {
            frame: self.list(),
            state: None,
            referrer: None,
            rings: Count(2),
            rows: self.ledger(),
            pager: self.pager("referrals"),
        };
        add("referrals", &page);
        let undo = Undo {
            label: "Undo",
            action: "/console/w/acme/lists/early-access/referrals/decide".to_owned(),
            fields: vec![("id".to_owned(), self.id()), ("state".to_owned(), "credited".to_owned())],
        };
        let notices = vec![
            Notice { tone: NoticeTone::Good, text: "Revoked 1 referral".to_owned(), undo: Some(undo) },
            Notice { tone: NoticeTone::Attention, text: self.text(), undo: None },
            Notice { tone: NoticeTone::Bad, text: self.text(), undo: None },
        ];
        let frame = Frame { notices, ..self.list() };
        add("referrals-of", &ReferralsPage { frame, referrer: Some(self.person()), state: Some("withheld".to_owned()), ..page.clone() });
        let none = ReferralsPage { rows: Vec::new(), rings: Count(0), pager: Pager::default(), ..page };
        add("referrals-none-withheld", &ReferralsPage { state: Some("withheld".to_owned()), ..none.clone() });
        add("referrals-none", &none);
        let ring = |network_of: Option<String>| RingRow {
            key: if network_of.is_some() { "one network".to_owned() } else { "ABCD2345".to_owned() },
            reasons: vec!["same_network".to_owned(), "burst".to_owned()],
            size: Count(14),
            referrers: vec![self.person(), self.person()],
            more: Count(if network_of.is_some() { 7 } else { 0 }),
            network_of,
            first_at: at(0),
            last_at: at(55),
        };
        add("rings", &RingsPage { frame: self.list(), rings: vec![ring(None), ring(Some(self.id()))] });
        add("rings-none", &RingsPage { frame: self.list(), rings: Vec::new() });
        let effect = |count| Effect { person: self.person(), referrals: (Count(count), Count(0)), effective: (Count(1), Count(1204)) };
        let decide = DecidePage {
            frame: self.list(),
            state: "revoked".into(),
            selector: vec![("referrer_entry_id".to_owned(), self.id())],
            matched: Count(14),
            changed: Count(12),
            more: true,
            effects: vec![effect(12), effect(2)],
        };
        add("decide", &decide);
        add("decide-none", &DecidePage { changed: Count(0), more: false, effects: Vec::new(), ..decide });
        let form = Form::new([("referral_boost", "5")]);
        let policy = PolicyPage { frame: self.list(), form, stored: Count(1), preview: None };
        add("policy", &policy);
        let preview = PolicyPreview { moved: Count(240), effects: vec![effect(3)] };
        add("policy-preview", &PolicyPage { preview: Some(preview), ..policy });
    }

    fn settings(&self, add: Add<'_>) {
        let text = self.words.text;
        let settings = json!({
            "max_entries": 20_000, "approval_required": true, "confirmation_message": text, "referral_boost": 3, "leaderboard_enabled": true,
            "custom_fields": [
                {"key": "company", "label": text, "type": "text", "required": true, "placeholder": text},
                {"key": "tools", "label": text, "type": "multiselect", "required": false, "options": [text, "b"], "help_text": text},
            ],
            "referral_rewards": {"milestones": [{"count": 3, "reward": text}, {"count": 10, "reward": text}]},
            "referral_fraud": "flag", "proof_of_work": "auto", "consent_text": text, "allowed_origins": ["https://example.com"],
            "privacy_url": "https://example.com/privacy",
        });
        let form = form_of_settings(text, Some(text), settings.as_object().expect("an object"));
        let page = SettingsPage { frame: self.list(), form, conflict: None, sends_confirmations: false, is_unsaved: false };
        add("settings", &page);
        let errors = [
            ("settings.max_entries", "Enter a whole number of at least 1, or leave it empty"),
            ("settings.custom_fields[1].options[0]", "Enter at most 200 characters"),
            ("settings.custom_fields[0].key", "must be unique"),
            ("settings.referral_rewards.milestones[0].count", "Enter another number: two rewards have this one"),
            ("settings.custom_fields", "Ask at most 50 questions"),
        ];
        let conflict = Some(Conflict { by: Some(self.words.name.to_owned()), at: at(3), of: vec!["settings.max_entries".to_owned()] });
        let form = page.form.clone().refused(errors);
        add("settings-refused", &SettingsPage { form, sends_confirmations: true, is_unsaved: true, ..page.clone() });
        add("settings-overtaken", &SettingsPage { conflict, is_unsaved: true, ..page.clone() });
        let form = form_of_settings(text, None, &serde_json::Map::new());
        add(
            "settings-bare",
            &SettingsPage { form, conflict: Some(Conflict { by: None, at: at(3), of: vec!["settings.custom_fields".to_owned()] }), ..page },
        );
        let row = |kind: &str, name: Option<String>, is_active| VariantRow {
            id: self.id(),
            kind: kind.to_owned(),
            locale: "en".to_owned(),
            display_name: name,
            weight: 3,
            is_active,
            signups: Count(9000),
            share: Share(0.59),
        };
        let rows = vec![row("ab", None, true), row("ab", Some(self.text()), true), row("locale", Some(self.text()), false)];
        add("variants", &VariantsPage { frame: self.list(), rows });
        add("variants-none", &VariantsPage { frame: self.list(), rows: Vec::new() });
        let form = Form::new([("locale", "en"), ("weight", "3"), ("active", "true"), ("copy.display_name", text)]);
        add("variant", &VariantPage { frame: self.list(), id: Some(self.id()), form: form.clone() });
        let form = form.refused([("weight", "Enter a whole number from 1 to 100")]);
        add("new-variant-refused", &VariantPage { frame: self.list(), id: None, form });
    }

    fn webhooks(&self, add: Add<'_>) {
        let types: Vec<String> =
            ["entry.created", "entry.approved", "entry.rejected", "entry.deleted", "referral.credited", "reward.reached"]
                .map(str::to_owned)
                .into();
        let row = |is_active, failures, auto_disabled_at| WebhookRow {
            id: self.id(),
            url: format!("https://hooks.example.com/{}", self.words.text),
            events: types[..2].to_vec(),
            is_active,
            auto_disabled_at,
            failures: Count(failures),
        };
        let rows = vec![row(true, 0, None), row(true, 7, None), row(false, 0, Some(at(4))), row(false, 0, None)];
        add("webhooks", &WebhooksPage { frame: self.workspace(), rows });
        add("webhooks-none", &WebhooksPage { frame: self.workspace(), rows: Vec::new() });
        add("new-webhook", &FormPage::new_webhook(self.workspace(), Form::default(), &types));
        let form = Form::new([("url", self.words.text), ("events", "entry.created")])
            .refused([("url", "Enter an https address"), ("form", "Too many")]);
        add("new-webhook-refused", &FormPage::new_webhook(self.workspace(), form.clone(), &types));
        let delivery = |state: &str, status_code, error: Option<&str>| DeliveryRow {
            event_id: self.id(),
            event_type: "entry.created".to_owned(),
            state: state.into(),
            attempt: Count(3),
            status_code,
            error: error.map(str::to_owned),
            response: error.map(str::to_owned),
            latency: Count(1204),
            at: at(12),
        };
        let page = WebhookPage {
            frame: self.workspace(),
            webhook: row(true, 7, None),
            form: Form::new([("url", "https://hooks.example.com/"), ("events", "entry.created")]),
            event_types: types.clone(),
            state: None,
            deliveries: vec![
                delivery("delivered", Some(204), None),
                delivery("pending", Some(500), Some(self.words.text)),
                delivery("dead", None, Some(self.words.text)),
            ],
        };
        add("webhook", &page);
        let form = Form::new([("url", self.words.text)]).refused([("url", "Enter an https address"), ("since", "Enter a time")]);
        let disabled =
            WebhookPage { webhook: row(false, 0, Some(at(4))), form, deliveries: Vec::new(), state: Some("dead".to_owned()), ..page };
        add("webhook-refused", &disabled);
        add("webhook-disabled", &WebhookPage { form: Form::default(), ..disabled });
        let secret = |of| SecretPage { frame: self.workspace(), of, secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned() };
        let (id, url) = (self.id(), format!("https://hooks.example.com/{}", self.words.text));
        add("secret-webhook", &secret(Secret::Webhook { id: id.clone(), url: url.clone() }));
        add("secret-rotated", &secret(Secret::Rotated { id, url }));
        add("secret-key", &secret(Secret::Key(self.text())));
    }

    fn mails(&self) -> Vec<MailRow> {
        let row = |state: &str, last_error: Option<&str>| MailRow {
            id: self.id(),
            kind: "welcome".to_owned(),
            locale: "pt-BR".to_owned(),
            to: self.words.email.to_owned(),
            entry: last_error.is_none().then(|| (self.person(), "early-access".to_owned())),
            state: state.into(),
            is_kept_back: state == "pending",
            attempts: Count(1),
            last_error: last_error.map(str::to_owned),
            created_at: at(1),
            sent_at: last_error.is_none().then(|| at(2)),
        };
        vec![row("sent", None), row("failed", Some(self.words.text)), row("suppressed", None), row("pending", None)]
    }

    fn mail(&self, add: Add<'_>) {
        let text = self.words.text;
        let form = Form::new([("brand_name", text), ("primary_color", "#0f766e"), ("notifications", "smtp"), ("default_locale", "en")]);
        let page = MailSettingsPage { frame: self.workspace(), form: form.clone(), seen: self.text(), has_smtp: true, has_envoi: true };
        add("mail", &page);
        let refused = form.refused([("default_sender_address", "Use an address of example.com"), ("primary_color", "Enter #RRGGBB")]);
        add("mail-refused", &MailSettingsPage { form: refused, ..page.clone() });
        add("mail-none", &MailSettingsPage { form: Form::default(), has_smtp: false, has_envoi: false, ..page });
        let row = |kind: &str, locale: &str, is_own: bool| TemplateRow {
            kind: kind.to_owned(),
            locale: locale.to_owned(),
            is_own,
            subject: self.text(),
            updated_at: is_own.then(|| at(0)),
        };
        let kinds = ["confirm", "welcome", "approved", "rejected", "invited", "link"];
        let rows = kinds.iter().flat_map(|kind| ["en", "de", "pt-BR", "ar"].map(|locale| row(kind, locale, locale == "de"))).collect();
        add("templates", &TemplatesPage { frame: self.workspace(), rows });
        let page = TemplatePage {
            frame: self.workspace(),
            kind: "welcome".to_owned(),
            locale: "de".to_owned(),
            is_own: true,
            has_built_in: true,
            form: Form::new([("subject", text), ("text", text), ("html", text)]),
            updated_at: "2026-11-26T13:00:00.000Z".to_owned(),
            variables: ["entry.name", "entry.position", "waitlist.display_name"].map(str::to_owned).into(),
            conflict: None,
        };
        add("template", &page);
        add("template-new", &TemplatePage { locale: "sv".to_owned(), is_own: false, has_built_in: false, ..page.clone() });
        add("template-sv", &TemplatePage { locale: "sv".to_owned(), has_built_in: false, ..page.clone() });
        let form = Form::default().refused([("locale", "must be a BCP 47 language tag such as en or pt-BR")]);
        add("new-template", &FormPage::new_template(self.workspace(), form));
        let form = page.form.clone().refused([("html", "Line 3: end the loop with endfor"), ("to", "Enter an address")]);
        let conflict = Some(Conflict { by: Some(self.text()), at: at(2), of: Vec::new() });
        add("template-overtaken", &TemplatePage { conflict, ..page.clone() });
        add("template-refused", &TemplatePage { form, is_own: false, ..page });
        let preview = MailPreviewPage {
            root: String::new(),
            locale: "en".into(),
            subject: self.text(),
            text: format!("{text}\n\nYou are in."),
            html: Some(format!("<p>{}</p>", "You are in.")),
            errors: Vec::new(),
        };
        add("mail-preview", &preview);
        add("mail-preview-text", &MailPreviewPage { html: None, ..preview.clone() });
        add("mail-log", &MailLogPage { frame: self.workspace(), filter: Form::default(), rows: self.mails(), pager: self.pager("rows") });
        let filter = Form::new([("state", "failed"), ("entry_id", self.words.id)]);
        add("mail-log-none", &MailLogPage { frame: self.workspace(), filter, rows: Vec::new(), pager: Pager::default() });
        let row = |reason: &str, masked: Option<&str>| SuppressionRow {
            id: self.id(),
            masked_email: masked.map(str::to_owned),
            reason: reason.into(),
            created_at: at(0),
        };
        let page = SuppressionsPage {
            frame: self.workspace(),
            form: Form::default(),
            answer: None,
            rows: vec![row("unsubscribed", Some(self.words.email)), row("erased", None), row("bounced", Some("g***@example.com"))],
            pager: self.pager("rows"),
        };
        add("suppressions", &page);
        let answer = |reason: Option<&str>| Some(SuppressionAnswer { email: self.words.email.to_owned(), reason: reason.map(State::from) });
        let none = SuppressionsPage { rows: Vec::new(), answer: answer(None), pager: Pager::default(), ..page.clone() };
        add("suppressions-none", &none);
        let form = Form::new([("email", text)]).refused([("email", "Enter an address like name@example.com")]);
        add("suppressions-asked", &SuppressionsPage { answer: answer(Some("bounced")), form, ..page });
    }

    fn imports(&self, add: Add<'_>) {
        let row = |state: &str, failed, is_dry_run| ImportRow {
            id: self.id(),
            state: state.into(),
            format: "prefinery".to_owned(),
            is_dry_run,
            read: Count(15_310),
            added: Count(14_000),
            updated: Count(0),
            skipped: Count(1204),
            failed: Count(failed),
            started_at: (state != "queued").then(|| at(0)),
            ended_at: (state == "done").then(|| at(4)),
        };
        let rows = vec![row("running", 0, false), row("done", 106, false), row("done", 0, true), row("queued", 0, false)];
        add("imports", &ImportsPage { frame: self.list(), rows });
        add("imports-none", &ImportsPage { frame: self.list(), rows: Vec::new() });
        let form = Form::new([("format", "auto"), ("on_duplicate", "skip"), ("dry_run", "true")]);
        add("new-import", &FormPage::new_import(self.list(), form.clone(), None));
        add("new-import-again", &FormPage::new_import(self.list(), form.clone(), Some(&row("done", 0, true))));
        let form = form.refused([("map", "Line 1: name a field such as email"), ("file", "Choose a file")]);
        add("new-import-refused", &FormPage::new_import(self.list(), form, None));
        let page = ImportPage {
            frame: self.list(),
            import: row("running", 0, false),
            percent: Some(42),
            encoding: Some("UTF-8".to_owned()),
            separator: Some(";".to_owned()),
            mapping: vec![(self.text(), "email".to_owned())],
            problem_count: String::new(),
            problems: Vec::new(),
            failure: None,
        };
        add("import-running", &page);
        add(
            "import-queued",
            &ImportPage { import: row("queued", 0, true), percent: None, encoding: None, separator: None, ..page.clone() },
        );
        let problems = vec![(Count(12), self.text(), self.text()), (Count(1204), "email".to_owned(), "is no address".to_owned())];
        let counted = || ImportPage { problem_count: "106 problems".to_owned(), ..page.clone() };
        add("import-done", &ImportPage { import: row("done", 106, false), problems: problems.clone(), ..counted() });
        add("import-trial", &ImportPage { import: row("done", 0, true), problems, ..counted() });
        add("import-cancelled", &ImportPage { import: row("cancelled", 0, false), ..page.clone() });
        add("import-failed", &ImportPage { import: row("failed", 0, false), failure: Some(self.text()), ..page.clone() });
        let unread = ImportRow { format: String::new(), ..row("failed", 0, false) };
        let failure = Some("the file is empty".to_owned());
        add("import-unread", &ImportPage { import: unread, encoding: None, separator: None, failure, ..page });
    }

    fn plain(&self, add: Add<'_>) {
        let (list, workspace, id, email) = (self.list(), self.workspace(), self.words.id, self.words.email);
        let posted = vec![("do".to_owned(), "erase".to_owned()), ("entry".to_owned(), self.id())];
        let confirms = [
            ("list", ConfirmPage::delete_list(list.clone(), Count(15_310), Count(3))),
            ("entry", ConfirmPage::delete_entry(list.clone(), id, email)),
            ("erase", ConfirmPage::erase_entry(list.clone(), id, email)),
            ("entries", ConfirmPage::delete_entries(list.clone(), Count(1204), false, vec![email.to_owned(); 5], posted.clone())),
            ("erasures", ConfirmPage::delete_entries(list.clone(), Count(1), true, vec![email.to_owned()], posted.clone())),
            ("approvals", ConfirmPage::change_entries(list.clone(), "approve", Count(1204), Count(106), true, posted.clone())),
            ("link", ConfirmPage::new_link(list.clone(), id, email)),
            ("confirmation", ConfirmPage::delete_confirmation(list.clone(), id, email)),
            ("variant", ConfirmPage::delete_variant(list.clone(), id, Count(9000))),
            ("webhook", ConfirmPage::delete_webhook(workspace.clone(), id, self.words.text, Count(12))),
            ("rotate", ConfirmPage::rotate(workspace.clone(), id, self.words.text, Vec::new())),
            ("key", ConfirmPage::revoke_key(workspace.clone(), id, self.words.text, "rally_live_7Kq2")),
            ("template", ConfirmPage::reset_template(workspace.clone(), "welcome", "de", true)),
        ];
        for (name, page) in &confirms {
            add(&format!("confirm-{name}"), page);
        }
        for status in [400, 403, 404, 409, 422, 429, 500, 503] {
            let error = ErrorPage {
                frame: list.clone(),
                status,
                action: (status == 403).then(|| "entry.update".to_owned()),
                is_for_owners: false,
                message: matches!(status, 400 | 409 | 422).then(|| self.text()),
                retry_after: matches!(status, 429 | 503).then_some(Count(30)),
                request_id: Some(self.id()),
                back: (status == 409).then(|| "/console/w/acme/lists/early-access/entries".to_owned()),
            };
            add(&format!("error-{status}"), &error);
        }
        let owners = ErrorPage { frame: self.server(), status: 403, is_for_owners: true, ..ErrorPage::default() };
        add("error-403-owners", &owners);
        add("error-403-csrf", &ErrorPage { frame: workspace, status: 403, ..ErrorPage::default() });
        add("error-404-stranger", &ErrorPage { frame: self.stranger(), status: 404, ..ErrorPage::default() });
        add("help", &HelpPage { frame: self.server() });
    }
}
