//! Calls of every method of every port.

use crate::samples::{
    ACTOR, active_list_in, change_status, create_waitlist, delete_entry, delete_variant, delete_waitlist, delete_webhook, delete_workspace,
    erase_entry, notifications, put_template, revoke_api_key, set, sign_up, slug, suppress, test_mail, workspace,
};
use crate::{changes, confirmations, entry_jobs, imports, invitations, proofs, referrals, replays, reviews, sessions, visits, webhooks};
use futures_util::StreamExt;
use rally_domain::access::{IdempotencyKey, Receipt, RequestScope};
use rally_domain::analytics::DaySpan;
use rally_domain::audit::{AuditAction, AuditFilter};
use rally_domain::command::{
    BeginSession, CreateSignInLink, CreateVariant, DeleteRequest, DeleteTemplate, EndSession, LiftSuppression, MintToken, NoteUse,
    ProfileChange, RenameWorkspace, ReplayState, RequestMail, Review, RotateSecret, Selected, SignUp, TestMail, TestWebhook, TrySignIn,
    UpdateVariant, UpdateWaitlist, UpdateWebhook,
};
use rally_domain::delivery::{AttemptResult, DeliveryState, SettleDelivery};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::event::{Event, EventKind};
use rally_domain::feed::{FeedFilter, FeedQuery};
use rally_domain::id::{ApiKeyId, AttemptId, AuditId, ClaimId, EntryId, EventId, VariantId, WorkspaceId};
use rally_domain::ledger::{ReferralFilter, ReferralState};
use rally_domain::mail::{MailBudget, MailFilter, MailKind, MailOutcome, SettleMail};
use rally_domain::paging::{AuditKey, Limit};
use rally_domain::port::Ports;
use rally_domain::queue::{ClaimRequest, RetrySchedule};
use rally_domain::referral::{Position, ReferralBoost};
use rally_domain::search::{EntryKey, EntryQuery, EntrySort, TermFilter};
use rally_domain::secret::NetworkHash;
use rally_domain::session::Session;
use rally_domain::suppression::SuppressionReason;
use rally_domain::variant::{VariantCopy, VariantKind, Weight};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::webhook::{DeliveryPolicy, SealedSecret};
use rally_domain::workspace::SettingsChange;
use serde_json::json;
use time::Duration;

/// Calls every method of every port of an empty store, for tests of statements and their plans.
pub async fn call_everything(ports: &Ports) {
    let now = ports.clock.now();
    let acme = workspace(ports, "acme").await;
    let renamed = RenameWorkspace { from: slug("acme"), to: slug("apex"), actor: ACTOR, now };
    ports.workspaces.rename(renamed).await.unwrap();
    ports.workspaces.rename(RenameWorkspace { from: slug("apex"), to: slug("acme"), actor: ACTOR, now }).await.unwrap();
    ports.workspaces.find(acme.id).await.unwrap().unwrap();
    ports.workspaces.find_by_slug(&slug("acme")).await.unwrap().unwrap();
    set(ports, acme.id, notifications()).await;
    ports.settings.get(acme.id).await.unwrap();
    let hook = webhooks::create_webhook(ports, acme.id, &EventKind::ALL);
    let hook = ports.webhooks.create(hook, None).await.unwrap();

    let scope = RequestScope { workspace_id: acme.id, route: "POST waitlists".to_owned(), key: IdempotencyKey::parse("once").unwrap() };
    let receipt = Receipt { scope: scope.clone(), fingerprint: [0; 32], now, seal: Box::new(|_| Vec::new()) };
    let draft = ports.waitlists.create(create_waitlist(ports, acme.id, "draft"), Some(receipt)).await.unwrap();
    change_status(ports, &draft, WaitlistStatus::Active).await;
    ports.replies.find(&scope, now).await.unwrap().unwrap();
    ports.replies.prune(now, 10).await.unwrap();
    let list = active_list_in(ports, acme.id, "list", json!({})).await;
    let update = UpdateWaitlist {
        id: list.id,
        workspace_id: acme.id,
        display_name: None,
        description: None,
        settings: json!({}).as_object().cloned(),
        actor: ACTOR,
        now,
    };
    ports.waitlists.update(update).await.unwrap();
    ports.waitlists.find(acme.id, list.id).await.unwrap().unwrap();
    let one = Limit::new(1, 100).unwrap();
    let page = ports.waitlists.list(acme.id, None, None, one).await.unwrap();
    ports.waitlists.list(acme.id, Some(WaitlistStatus::Active), page.next, one).await.unwrap();
    for workspace in ["acme", "apex"] {
        ports.waitlists.find_public(&slug(workspace), &slug("list")).await.unwrap().unwrap();
    }
    let variant = CreateVariant {
        id: VariantId::new(ports.ids.uuid()),
        waitlist_id: list.id,
        kind: VariantKind::Ab,
        locale: rally_domain::locale::Locale::parse("en").unwrap(),
        copy: VariantCopy::default(),
        weight: Weight::default(),
        active: true,
        actor: ACTOR,
        now,
    };
    let variant = ports.variants.create(variant).await.unwrap();
    let (id, waitlist_id) = (variant.id, list.id);
    let change = UpdateVariant { id, waitlist_id, locale: None, copy: None, weight: None, active: None, actor: ACTOR, now };
    ports.variants.update(change).await.unwrap();

    let ada = ports.entries.sign_up(SignUp { variant_id: Some(variant.id), ..sign_up(ports, &list, "ada@example.com") }).await.unwrap();
    let friend = SignUp { friends_code: Some(ada.referral_code.clone()), ..sign_up(ports, &list, "bob@example.com") };
    let bob = ports.entries.sign_up(friend).await.unwrap();
    ports.entries.review(reviews::review(ports, &ada, Review::Approve)).await.unwrap();
    let invitation = invitations::record(ports, &ada, "app", "invite");
    ports.entries.record_invitation(invitation).await.unwrap();
    ports.entries.find(list.id, ada.id).await.unwrap().unwrap();
    ports.entries.find_by_id(ada.id).await.unwrap();
    for status in [None, Some(EntryStatus::Approved)] {
        ports.entries.list(list.id, status, Some(ada.position), one).await.unwrap();
    }
    let change = ProfileChange { locale: Some(None), ..ProfileChange::default() };
    ports.entries.update_profile(visits::update_profile(ports, &ada, change)).await.unwrap();
    ports.entries.replace_link(visits::replace_link(ports, &ada)).await.unwrap();
    assert_eq!(ports.entries.friends(ada.id, 10).await.unwrap().len(), 1);
    assert_eq!(ports.entries.records(list.id, ada.id).await.unwrap().events.len(), 3);
    assert_eq!(ports.entries.ranks(list.id, ReferralBoost::default()).await.unwrap().len(), 2);
    ports.entries.export(list.id).await.unwrap().collect::<Vec<_>>().await;
    ports.stats.count(list.id).await.unwrap();
    ports.stats.standing(list.id).await.unwrap();
    ports.stats.leaders(list.id, one).await.unwrap();
    ports.stats.analytics(list.id, now.day()).await.unwrap();
    ports.stats.timeline(list.id, DaySpan::new(now, now.plus(Duration::days(1))).unwrap()).await.unwrap();

    ports.secrets.keep_secret(vec![1]).await.unwrap();
    ports.secrets.reseal_secret(vec![1], vec![2]).await.unwrap();
    call_feeds(ports, acme.id).await;
    call_webhooks(ports, &hook).await;
    call_deliveries(ports).await;
    call_mails(ports).await;
    call_log(ports, acme.id, ada.id).await;
    call_confirmations(ports, &list).await;
    imports::call_everything(ports, &list).await;
    entry_jobs::call_everything(ports, &list).await;
    call_audit(ports, acme.id).await;
    // Her mail is claimed before she wants no more.
    ports.suppressions.unsubscribe(changes::unsubscribe(ports, list.id, ada.id)).await.unwrap();
    call_suppressions(ports, acme.id).await;
    call_referrals(ports, &list, &ada).await;
    call_templates(ports, acme.id).await;
    ports.api_keys.list(acme.id).await.unwrap();
    ports.api_keys.find_by_prefix("none").await.unwrap();
    ports.api_keys.revoke(revoke_api_key(ApiKeyId::new(ports.ids.uuid()), now)).await.unwrap();
    call_sessions(ports, acme.id).await;
    call_search(ports, &list, bob.id).await;
    ports.health.ping().await.unwrap();

    ports.entries.delete(delete_entry(ports, list.id, bob.id)).await.unwrap();
    let eve = ports.entries.sign_up(sign_up(ports, &list, "eve@example.com")).await.unwrap();
    ports.entries.erase(erase_entry(ports, list.id, eve.id)).await.unwrap();
    while ports.purges.purge(1).await.unwrap() {}
    ports.entries.sign_up(sign_up(ports, &list, "eve@example.com")).await.unwrap();
    ports.purges.find_orphans().await.unwrap();
    ports.variants.list(list.id).await.unwrap();
    ports.variants.delete(delete_variant(ports, list.id, variant.id)).await.unwrap();
    ports.webhooks.delete(delete_webhook(ports, acme.id, hook.id)).await.unwrap();
    ports.waitlists.delete(delete_waitlist(ports, acme.id, list.id)).await.unwrap();
    while ports.purges.purge(1).await.unwrap() {}
    ports.purges.backlog().await.unwrap();
}

async fn call_referrals(ports: &Ports, list: &Waitlist, ada: &Entry) {
    let (now, one) = (ports.clock.now(), Limit::new(1, 100).unwrap());
    let network = Some(NetworkHash::new([1; 16]));
    let friends_code = Some(ada.referral_code.clone());
    let friend = SignUp { friends_code: friends_code.clone(), network, ..sign_up(ports, list, "friend@example.com") };
    let friend = ports.entries.sign_up(friend).await.unwrap();
    let near = SignUp { friends_code, network, ..sign_up(ports, list, "ada+near@example.com") };
    ports.entries.sign_up(near).await.unwrap();
    for state in [None, Some(ReferralState::Credited)] {
        for referrer in [None, Some(ada.id)] {
            let filter = ReferralFilter { state, referrer };
            let page = ports.referrals.list(list.id, filter, None, one).await.unwrap();
            ports.referrals.list(list.id, filter, page.next, one).await.unwrap();
        }
    }
    for selected in [Selected::Referrer(ada.id), Selected::NetworkOf(friend.id)] {
        for state in [ReferralState::Revoked, ReferralState::Credited] {
            ports.referrals.decide(referrals::decision(ports, list, selected.clone(), state)).await.unwrap();
        }
    }
    assert_eq!(ports.referrals.suspects(list.id, 10).await.unwrap().len(), 1);
    assert!(!ports.referrals.standings(list.id).await.unwrap().is_empty());
    assert!(!ports.referrals.credited_at(ada.id, 2).await.unwrap().is_empty());
    assert!(ports.referrals.forget_networks(now.plus(Duration::days(31)), 1).await.unwrap() > 0);
    ports.referrals.fill(10).await.unwrap();
    ports.referrals.unfilled().await.unwrap();
}

async fn call_webhooks(ports: &Ports, hook: &rally_domain::webhook::Webhook) {
    let (id, workspace_id, now) = (hook.id, hook.workspace_id, ports.clock.now());
    for active in [false, true] {
        let switch = UpdateWebhook { id, workspace_id, url: None, events: None, active: Some(active), actor: ACTOR, now };
        ports.webhooks.update(switch).await.unwrap();
    }
    ports.webhooks.rotate(RotateSecret { id, workspace_id, secret: SealedSecret::new(Vec::new()), actor: ACTOR, now }, None).await.unwrap();
    let event_id = EventId::new(ports.ids.uuid());
    for id_of_event in [event_id, EventId::new(ports.ids.uuid()), EventId::new(ports.ids.uuid())] {
        let event = Event::test(id_of_event, EventKind::EntryCreated, now, workspace_id, None);
        ports.webhooks.test(TestWebhook { id, workspace_id, event, actor: ACTOR }).await.unwrap();
    }
    ports.webhooks.find(workspace_id, id).await.unwrap().unwrap();
    ports.webhooks.list(workspace_id).await.unwrap();
    ports.webhooks.attempts(id, Limit::default()).await.unwrap();
    for state in [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead] {
        ports.webhooks.attempts_of(id, state, Limit::default()).await.unwrap();
    }
    ports.webhooks.replay(replays::replay(ports, hook, ReplayState::Dead)).await.unwrap();
    let replayed = replays::replay(ports, hook, ReplayState::All);
    assert!(ports.webhooks.replay(replayed).await.unwrap() >= 3, "every statement has something to do");
    ports.webhooks.resend(replays::resend(ports, hook, event_id)).await.unwrap();
    let (_, secrets) = ports.webhooks.secrets().await.unwrap().remove(0);
    ports.webhooks.reseal(id, secrets.clone(), secrets).await.unwrap();
}

async fn call_suppressions(ports: &Ports, id: WorkspaceId) {
    let one = Limit::new(1, 100).unwrap();
    let (gone, reason) = (workspace(ports, "gone").await.id, SuppressionReason::Erased);
    ports.suppressions.suppress(suppress(ports, gone, "ada@example.com", reason)).await.unwrap();
    let first = ports.suppressions.suppress(suppress(ports, id, "ada@example.com", reason)).await.unwrap();
    let last = ports.suppressions.suppress(suppress(ports, id, "bob@example.com", reason)).await.unwrap();
    let page = ports.suppressions.list(id, None, one).await.unwrap();
    ports.suppressions.list(id, Some(page.next.unwrap()), one).await.unwrap();
    assert_eq!(ports.suppressions.find(id, last.address).await.unwrap().len(), 1);
    assert!(ports.suppressions.lift_reason(id, last.address, reason).await.unwrap());
    let lift = LiftSuppression { workspace_id: id, id: first.id, actor: ACTOR, now: ports.clock.now() };
    assert!(ports.suppressions.lift(lift).await.unwrap());
    // Its purge has something to do.
    ports.workspaces.delete(delete_workspace(ports, "gone")).await.unwrap();
}

async fn call_search(ports: &Ports, list: &Waitlist, bob: EntryId) {
    let (one, now) = (Limit::new(1, 100).unwrap(), ports.clock.now());
    while ports.search.index(2).await.unwrap() {}
    let all = EntryQuery::default;
    let filters = [
        all(),
        EntryQuery { confirmed: Some(false), ..all() },
        EntryQuery { confirmed: Some(true), ..all() },
        EntryQuery { invited: Some(true), ..all() },
        EntryQuery { referred_by: Some(bob), ..all() },
        EntryQuery { created_since: Some(now), created_until: Some(now), ..all() },
        EntryQuery { terms: vec![TermFilter::referrer("a blog")], ..all() },
        EntryQuery { terms: TermFilter::text("a").unwrap().into_iter().collect(), invited: Some(false), ..all() },
        EntryQuery { terms: TermFilter::text("a").unwrap().into_iter().chain([TermFilter::referrer("a blog")]).collect(), ..all() },
    ];
    for filter in filters {
        for sort in EntrySort::ALL {
            let query = EntryQuery { sort, ..filter.clone() };
            let page = ports.search.search(list.id, query.clone(), None, one).await.unwrap();
            let key = page.next.unwrap_or(EntryKey { value: 1, position: Position::new(1) });
            ports.search.search(list.id, query, Some(key), one).await.unwrap();
        }
        ports.search.count(list.id, filter, Position::new(5)).await.unwrap();
    }
    // The order of the index by status is that by position.
    for sort in [EntrySort::Position, EntrySort::LastPosition] {
        let query = EntryQuery { status: Some(EntryStatus::Pending), invited: Some(false), sort, ..all() };
        ports.search.search(list.id, query, None, one).await.unwrap();
    }
}

async fn call_sessions(ports: &Ports, id: WorkspaceId) {
    let now = ports.clock.now();
    let link = sessions::link(ports, Some(id));
    ports.sessions.create_link(CreateSignInLink { link: link.clone(), actor: ACTOR }).await.unwrap();
    ports.sessions.find_link(link.id, now).await.unwrap().unwrap();
    let spent = ports.sessions.spend_link(sessions::spend(ports, &link)).await.unwrap();
    let key = ApiKeyId::new(ports.ids.uuid());
    ports.sessions.begin(BeginSession { session: Session { api_key_id: Some(key), ..sessions::session(ports) } }).await.unwrap();
    assert_eq!(ports.sessions.list(now).await.unwrap().len(), 1, "there is no such key");
    ports.sessions.note_use(NoteUse { id: spent.id, now }).await.unwrap();
    ports.sessions.find(spent.id, now).await.unwrap().unwrap();
    assert!(ports.sessions.end(EndSession { id: spent.id, actor: ACTOR, now }).await.unwrap());
    let client = ports.links.secret().hash_client(None);
    ports.sessions.try_sign_in(TrySignIn { client, now }).await.unwrap();
    ports.sessions.forgive(TrySignIn { client, now }).await.unwrap();
    ports.sessions.prune(now.plus(Duration::days(1)), 1).await.unwrap();
}

async fn call_audit(ports: &Ports, id: WorkspaceId) {
    let (now, scope) = (ports.clock.now(), "entry.read".to_owned());
    let mint = MintToken { workspace_id: Some(id), subject: None, scope, expires_at: now, actor: ACTOR, now };
    ports.audit.note_token(mint).await.unwrap();
    let one = Limit::new(1, Limit::MAX).unwrap();
    for filters in 0..8 {
        let given = |filter: u8, text: &str| Some(text.to_owned()).filter(|_| filters & filter != 0);
        let action = Some(AuditAction::WaitlistCreate).filter(|_| filters & 4 != 0);
        let filter = AuditFilter { target: given(1, "target"), actor: given(2, "actor"), action };
        for workspace_id in [Some(id), None] {
            let after = Some(AuditKey { at: now, id: AuditId::new(ports.ids.uuid()) });
            ports.audit.list(workspace_id, filter.clone(), None, one).await.unwrap();
            ports.audit.list(workspace_id, filter.clone(), after, one).await.unwrap();
        }
    }
    ports.audit.prune(now, 1).await.unwrap();
}

async fn call_templates(ports: &Ports, id: WorkspaceId) {
    let (kind, now) = (MailKind::Welcome, ports.clock.now());
    let template = ports.mail_templates.put(put_template(ports, id, kind, "de")).await.unwrap();
    assert_eq!(ports.mail_templates.list(id).await.unwrap().len(), 1);
    assert_eq!(ports.mail_templates.of_kind(id, kind).await.unwrap().len(), 1);
    let delete = DeleteTemplate { workspace_id: id, kind, locale: template.locale, actor: ACTOR, now };
    assert!(ports.mail_templates.delete(delete).await.unwrap());
}

async fn call_deliveries(ports: &Ports) {
    let now = ports.clock.now();
    let shares = ports.deliveries.due(now).await.unwrap().into_iter().map(|lane| (lane, 10)).collect();
    let request = ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now, shares };
    let claimed = ports.deliveries.claim(request).await.unwrap();
    assert!(claimed.len() >= 3, "every statement has something to do");
    let keys = claimed.iter().map(|delivery| (delivery.claim, delivery.event_id, delivery.webhook_id)).collect();
    ports.deliveries.confirm(keys, now).await.unwrap();
    ports.deliveries.release(claimed[0].claim, vec![(claimed[0].event_id, claimed[0].webhook_id)], now).await.unwrap();
    let result =
        AttemptResult { status_code: Some(410), response_body: None, error_message: None, retry_after: None, latency: Duration::ZERO };
    let tried = SettleDelivery {
        attempt_id: AttemptId::new(ports.ids.uuid()),
        claim: claimed[1].claim,
        webhook_id: claimed[1].webhook_id,
        event_id: claimed[1].event_id,
        kind: claimed[1].kind,
        attempt: 1,
        result,
        chance: 0,
        now,
    };
    assert_eq!(ports.deliveries.settle(vec![tried], DeliveryPolicy::default()).await.unwrap(), 1);
    let later = now.plus(Duration::days(1));
    ports.deliveries.reap(later, 8).await.unwrap();
    ports.deliveries.prune(later, 1).await.unwrap();
    ports.deliveries.depth().await.unwrap();
}

async fn call_feeds(ports: &Ports, workspace_id: WorkspaceId) {
    let oldest = ports.clock.now();
    assert_eq!(ports.feeds.news(vec![(workspace_id, 0)]).await.unwrap(), [workspace_id]);
    assert!(ports.feeds.number(workspace_id, 2).await.unwrap() == 2, "every statement has something to do");
    let query = |after| FeedQuery { workspace_id, after, oldest, filter: FeedFilter::default(), limit: Limit::new(1, 100).unwrap() };
    let page = ports.feeds.page(query(None)).await.unwrap().unwrap();
    assert_eq!(ports.feeds.page(query(page.last)).await.unwrap().unwrap().bodies.len(), 1);
    ports.feeds.number(workspace_id, 1000).await.unwrap();
}

async fn call_mails(ports: &Ports) {
    let now = ports.clock.now();
    let shares = ports.mails.due(now).await.unwrap().into_iter().map(|lane| (lane, 10)).collect();
    let request = ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now, shares };
    let claimed = ports.mails.claim(request, Some(MailBudget::default())).await.unwrap();
    assert!(claimed.len() >= 2, "every statement has something to do");
    ports.mails.confirm(claimed.iter().map(|claimed| (claimed.claim, claimed.mail.id)).collect()).await.unwrap();
    ports.mails.release(claimed[0].claim, vec![claimed[0].mail.id], now).await.unwrap();
    let tried = SettleMail {
        claim: claimed[1].claim,
        mail_id: claimed[1].mail.id,
        workspace_id: claimed[1].mail.workspace_id,
        attempt: 1,
        outcome: MailOutcome::Accepted,
        error: None,
        latency: Duration::ZERO,
        chance: 0,
        now,
    };
    ports.mails.settle(vec![tried], RetrySchedule::default()).await.unwrap();
    let later = now.plus(Duration::days(1));
    ports.mails.reap(later, 8).await.unwrap();
    ports.mails.prune(later, 1).await.unwrap();
    ports.mails.depth().await.unwrap();
    ports.mails.kept_back().await.unwrap();
}

async fn call_log(ports: &Ports, id: WorkspaceId, entry_id: EntryId) {
    let one = Limit::new(1, 100).unwrap();
    ports.mails.test(test_mail(ports, id, "ada@example.com")).await.unwrap();
    let claim = Some((ClaimId::new(ports.ids.uuid()), ports.clock.now()));
    ports.mails.test(TestMail { claim, ..test_mail(ports, id, "bob@example.com") }).await.unwrap();
    let page = ports.mails.log(id, MailFilter::default(), None, one).await.unwrap();
    ports.mails.log(id, MailFilter::default(), page.next, one).await.unwrap();
    ports.mails.log(id, MailFilter { entry_id: Some(entry_id), ..MailFilter::default() }, page.next, one).await.unwrap();
}

async fn call_confirmations(ports: &Ports, list: &Waitlist) {
    let (now, one) = (ports.clock.now(), Limit::new(1, 100).unwrap());
    let name = |name: &str| Some(Some(name.to_owned()));
    let confirm = SettingsChange { confirm_template_name: name("confirm"), link_template_name: name("link"), ..SettingsChange::default() };
    set(ports, list.workspace_id, confirm).await;
    for address in ["p1@example.com", "p2@example.com", "p3@example.com"] {
        ports.confirmations.request_mail(confirmations::request(ports, list, address)).await.unwrap();
    }
    let once = active_list_in(ports, list.workspace_id, "once", json!({"one_per_mailbox": true})).await;
    ports.entries.sign_up(sign_up(ports, &once, "ada@example.com")).await.unwrap();
    for address in ["ada+a@example.com", "eve+a@example.com", "eve+b@example.com"] {
        ports.confirmations.request_mail(confirmations::request(ports, &once, address)).await.unwrap();
    }
    let proof = proofs::proof(ports);
    let used = RequestMail { proof: Some(proof), ..confirmations::request(ports, list, "p3@example.com") };
    ports.confirmations.request_mail(used).await.unwrap();
    assert!(ports.proofs.taken_since(list.id, now.plus(-Duration::days(1)), 100).await.unwrap() > 0);
    assert_eq!(ports.proofs.prune(now.plus(Duration::days(1)), 1).await.unwrap(), 1);
    let waiting = confirmations::waiting(ports, list).await;
    let page = ports.confirmations.list(list.id, now, None, one).await.unwrap();
    ports.confirmations.list(list.id, now, page.next, one).await.unwrap();
    assert_eq!(ports.confirmations.count(list.id, now).await.unwrap(), 3);
    ports.confirmations.find(waiting[0].id).await.unwrap().unwrap();
    ports.entries.sign_up(confirmations::confirmation(ports, &waiting[0])).await.unwrap();
    ports.confirmations.refuse(confirmations::refusal(ports, waiting[1].id)).await.unwrap();
    let delete = DeleteRequest { waitlist_id: list.id, id: waiting[2].id, actor: ACTOR, now };
    assert!(ports.confirmations.delete(delete).await.unwrap());
    let month = now.plus(Duration::days(30));
    ports.confirmations.prune(month, month, 1).await.unwrap();
}
