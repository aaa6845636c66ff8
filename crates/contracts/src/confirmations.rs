//! Cases of [`ConfirmationStore`](rally_domain::port::ConfirmationStore), and of sign-ups that confirm a request.

use futures_util::future::join_all;
use rally_domain::command::{
    DeleteRequest, Refuse, RequestMail, RequestMailRejection, Resend, ResendRejection, SignUp, SignUpRejection, Wish,
};
use rally_domain::confirmation::{DEFAULT_CONFIRMATION_TTL, KeptRequest, RequestEnded, RequestState, SignUpRequest};
use rally_domain::entry::Entry;
use rally_domain::error::CommandError;
use rally_domain::id::{MailId, RequestId, SuppressionId, WaitlistId, WorkspaceId};
use rally_domain::mail::{Mail, MailFilter, MailKind, MailState, Sender, SmtpPolicy};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_domain::referral::ReferralCode;
use rally_domain::secret::NetworkHash;
use rally_domain::suppression::SuppressionReason;
use rally_domain::text::PersonName;
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::workspace::{Notifications, SettingsChange};
use serde_json::{Value, json};
use time::Duration;

use crate::Fixture;
use crate::entries::{all_entries, control_variant, positions};
use crate::mail_claims::claim;
use crate::purges::purge_all;
use crate::samples::{
    ACTOR, active_list, active_list_in, change_status, delete_waitlist, email, full_profile, join, later, profile, set_over_smtp, suppress,
    told, workspace,
};

/// An active list that asks for confirmations, in a workspace that sends mail over SMTP.
pub async fn confirming_list(ports: &Ports, settings: Value) -> Waitlist {
    let list = active_list(ports, settings).await;
    send_over_smtp(ports, list.workspace_id).await;
    list
}

async fn send_over_smtp(ports: &Ports, workspace_id: WorkspaceId) {
    let change = SettingsChange { notifications: Some(Notifications::ViaSmtp.into()), ..SettingsChange::default() };
    let sender = Sender { name: None, address: email("rally@mail.example") };
    set_over_smtp(ports, workspace_id, change, SmtpPolicy { sender, domains: Vec::new(), links_are_local: false }).await;
}

/// The command that asks for a mail to an address.
pub fn request(ports: &Ports, list: &Waitlist, address: &str) -> RequestMail {
    request_as(ports, list, profile(address))
}

fn request_as(ports: &Ports, list: &Waitlist, profile: Profile) -> RequestMail {
    RequestMail {
        waitlist_id: list.id,
        link_mail_id: MailId::new(ports.ids.uuid()),
        address: ports.links.secret().hash_address(&profile.email),
        wish: Wish::SignUp {
            id: RequestId::new(ports.ids.uuid()),
            profile: profile.into(),
            friends_code: None,
            variant_id: None,
            network: None,
            ttl: DEFAULT_CONFIRMATION_TTL,
        },
        proof: None,
        client: None,
        actor: ACTOR,
        now: ports.clock.now(),
        links: ports.links.clone(),
    }
}

fn request_link(ports: &Ports, list: &Waitlist, address: &str) -> RequestMail {
    RequestMail { wish: Wish::Link { email: email(address) }, ..request(ports, list, address) }
}

fn at(now: Timestamp, command: RequestMail) -> RequestMail {
    RequestMail { now, ..command }
}

async fn ask(ports: &Ports, command: RequestMail) {
    ports.confirmations.request_mail(command).await.unwrap();
}

/// The requests of a list that wait, in pages of that size.
async fn pages(ports: &Ports, list: WaitlistId, now: Timestamp, rows: u64) -> Vec<SignUpRequest> {
    let limit = Limit::new(rows, Limit::MAX).unwrap();
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = ports.confirmations.list(list, now, after, limit).await.unwrap();
        assert!(page.items.len() <= limit.rows() && all.len() < 100, "pages come to an end");
        all.extend(page.items);
        match page.next {
            Some(key) => after = Some(key),
            None => return all,
        }
    }
}

/// The requests of a list that wait.
pub async fn waiting(ports: &Ports, list: &Waitlist) -> Vec<SignUpRequest> {
    pages(ports, list.id, ports.clock.now(), u64::from(Limit::MAX)).await
}

async fn only(ports: &Ports, list: &Waitlist) -> SignUpRequest {
    let mut waiting = waiting(ports, list).await;
    assert_eq!(waiting.len(), 1);
    waiting.remove(0)
}

/// The kinds of the mails that are written, in the order of their time.
async fn kinds(ports: &Ports) -> Vec<MailKind> {
    ports.mails.mails(1000).await.unwrap().into_iter().map(|mail| mail.kind).collect()
}

/// The command that confirms a request.
pub fn confirmation(ports: &Ports, request: &SignUpRequest) -> SignUp {
    let profile = request.profile.clone();
    SignUp {
        friends_code: request.friends_code.clone(),
        variant_id: request.variant_id,
        confirms: Some(request.id),
        ..SignUp::new(request.waitlist_id, profile, ports.links.clone(), &*ports.clock, &*ports.ids)
    }
}

async fn confirm(ports: &Ports, request: &SignUpRequest) -> Entry {
    ports.entries.sign_up(confirmation(ports, request)).await.unwrap()
}

/// The command that refuses a request.
pub fn refusal(ports: &Ports, id: RequestId) -> Refuse {
    Refuse { id, suppression_id: SuppressionId::new(ports.ids.uuid()), actor: ACTOR, now: ports.clock.now(), links: ports.links.clone() }
}

async fn reasons(ports: &Ports, workspace_id: WorkspaceId, address: &str) -> Vec<SuppressionReason> {
    let hash = ports.links.secret().hash_address(&email(address));
    ports.suppressions.find(workspace_id, hash).await.unwrap().into_iter().map(|row| row.reason).collect()
}

/// Sends the mail of a request once more.
async fn resend(ports: &Ports, request: &SignUpRequest) {
    let (waitlist_id, id) = (request.waitlist_id, request.id);
    let command = Resend { waitlist_id, id, actor: ACTOR, now: ports.clock.now(), links: ports.links.clone() };
    ports.confirmations.resend(command).await.unwrap();
}

/// Every field of a request reads back, alone and in a list, in another process too.
pub async fn a_request_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    let variant = control_variant(&ports, &list).await;
    let now = later(&ports, 5);
    let mut command = at(now, request_as(&ports, &list, full_profile("ada@example.com")));
    if let Wish::SignUp { friends_code, variant_id, network, .. } = &mut command.wish {
        (*friends_code, *variant_id) = (Some(ReferralCode::from_entropy(5)), Some(variant));
        *network = Some(NetworkHash::new([5; 16]));
    }
    ask(&ports, command.clone()).await;
    let Wish::SignUp { id, profile, friends_code, variant_id, network, ttl } = command.wish else { panic!("a wish to sign up") };
    let written = SignUpRequest {
        id,
        waitlist_id: list.id,
        workspace_id: list.workspace_id,
        profile: *profile,
        friends_code,
        variant_id,
        network,
        requested_at: now,
        expires_at: now.plus(ttl),
        mails_sent: 1,
        last_mail_at: Some(now),
    };
    assert_eq!(there.confirmations.find(id).await.unwrap(), Some(KeptRequest::from(written.clone())));
    assert_eq!(waiting(&there, &list).await, [written]);
    let mails: Vec<Mail> = there.mails.mails(10).await.unwrap();
    assert_eq!(mails.iter().map(|mail| (mail.kind, mail.recipient.request_id())).collect::<Vec<_>>(), [(MailKind::Confirm, Some(id))]);
    assert_eq!(there.confirmations.find(RequestId::new(ports.ids.uuid())).await.unwrap(), None);
}

/// What was sent first stands. A repeat sends the mail again when it may, and changes nothing else.
pub async fn the_first_request_of_an_address_stands(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    let name = |name: &str| Profile { name: PersonName::parse(name).unwrap(), ..profile("ada@example.com") };
    ask(&ports, request_as(&ports, &list, name("Ada"))).await;
    let first = only(&ports, &list).await;
    ask(&there, at(later(&ports, 60), request_as(&ports, &list, name("Mallory")))).await;
    assert_eq!(only(&ports, &list).await, first);
    let then = later(&ports, 600);
    ask(&there, at(then, request_as(&ports, &list, name("Mallory")))).await;
    assert_eq!(only(&ports, &list).await, SignUpRequest { mails_sent: 2, last_mail_at: Some(then), ..first });
    // Another list has requests of its own.
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    ask(&ports, request_as(&ports, &other, name("Mallory"))).await;
    assert_eq!(only(&ports, &other).await.profile.name.as_str(), "Mallory");
}

/// Of requests at once, in two processes, one waits.
pub async fn one_request_waits_for_an_address_under_concurrency(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    let each = |n| (if n % 2 == 0 { &ports } else { &there }, request(&ports, &list, "ada@example.com"));
    let asked = join_all((0..20).map(each).map(|(ports, command)| ports.confirmations.request_mail(command))).await;
    assert!(asked.into_iter().all(|asked| asked.is_ok()));
    assert_eq!(only(&ports, &list).await.mails_sent, 1);
}

/// A request whose time is over is not listed, and another one of the same address waits in its place.
pub async fn an_expired_request_gives_way(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    let first = only(&ports, &list).await;
    resend(&ports, &first).await;
    assert_eq!(pages(&ports, list.id, first.expires_at, 10).await, []);
    assert_eq!(ports.confirmations.count(list.id, first.expires_at).await.unwrap(), 0);
    ask(&ports, at(first.expires_at, request(&ports, &list, "ada@example.com"))).await;
    let waiting = pages(&ports, list.id, first.expires_at, 10).await;
    assert_eq!(waiting.iter().map(|request| request.requested_at).collect::<Vec<_>>(), [first.expires_at]);
    assert_eq!(ports.confirmations.find(first.id).await.unwrap(), None);
    let mails = ports.mails.mails(10).await.unwrap();
    assert_eq!(mails.iter().map(|mail| mail.recipient.request_id()).collect::<Vec<_>>(), [Some(waiting[0].id)]);
}

/// Mail that strangers cause is counted by address, over all lists and workspaces, and over processes.
pub async fn strangers_cause_few_mails_to_an_address(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    for minute in 0..60 {
        ask(if minute % 2 == 0 { &ports } else { &there }, at(later(&ports, minute * 60), request(&ports, &list, "ada@example.com"))).await;
    }
    assert_eq!(kinds(&ports).await.len(), 3);
    let beta = workspace(&ports, "beta").await.id;
    send_over_smtp(&ports, beta).await;
    for n in 0..5 {
        let list = active_list_in(&ports, beta, &format!("list-{n}"), json!({})).await;
        ask(&there, at(later(&ports, 3600), request(&ports, &list, "ada@example.com"))).await;
        assert_eq!(only(&ports, &list).await.mails_sent, u32::from(n < 2), "{n}");
    }
    assert_eq!(kinds(&ports).await.len(), 5);
    ask(&ports, request(&ports, &list, "bob@example.com")).await;
    assert_eq!(kinds(&ports).await.len(), 6, "the share of one address is not that of another");
}

/// Requests at once, of several lists and in two processes, cause no more mail than one after the other.
pub async fn parallel_requests_cause_one_mail(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    let mut lists = vec![list.clone()];
    for n in 0..7 {
        lists.push(active_list_in(&ports, list.workspace_id, &format!("list-{n}"), json!({})).await);
    }
    let each = |n: usize| (if n.is_multiple_of(2) { &ports } else { &there }, request(&ports, &lists[n % 8], "ada@example.com"));
    join_all((0..32).map(each).map(|(ports, command)| ports.confirmations.request_mail(command))).await;
    assert_eq!(kinds(&ports).await.len(), 5, "one mail of each list, and five of all");
}

/// A suppressed address waits without a mail. Suppressions of another workspace do not count.
pub async fn a_suppressed_address_waits_without_mail(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    let beta = workspace(&ports, "beta").await.id;
    for (id, address) in [(list.workspace_id, "ada@example.com"), (beta, "bob@example.com")] {
        ports.suppressions.suppress(suppress(&ports, id, address, SuppressionReason::Manual)).await.unwrap();
    }
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    assert_eq!((only(&ports, &list).await.mails_sent, kinds(&ports).await), (0, vec![]));
    ask(&ports, request(&ports, &list, "bob@example.com")).await;
    assert_eq!(kinds(&ports).await, [MailKind::Confirm]);
}

/// Whoever is on the list is sent their own link, and nobody waits.
pub async fn a_person_on_the_list_is_sent_their_link(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let welcome = ports.mails.mails(10).await.unwrap().len();
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    ask(&ports, at(later(&ports, 600), request_link(&ports, &list, "ada@example.com"))).await;
    ask(&ports, request_link(&ports, &list, "nobody@example.com")).await;
    assert_eq!(waiting(&ports, &list).await, []);
    let links: Vec<Mail> = ports.mails.mails(10).await.unwrap().into_iter().filter(|mail| mail.kind == MailKind::Link).collect();
    assert_eq!((welcome, links.len()), (1, 2));
    assert!(links.iter().all(|mail| mail.recipient.entry_id() == Some(ada.id)));
}

/// A request has no position, is counted nowhere else, and tells no webhook.
pub async fn a_request_is_no_entry(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 0);
    assert_eq!(told(&ports, 10).await, []);
    assert_eq!(join(&ports, &list, "bob@example.com").await.position.number(), 1);
    assert_eq!(ports.confirmations.count(list.id, ports.clock.now()).await.unwrap(), 1);
}

/// A full, closed or deleted list takes no request, whoever asks.
pub async fn a_full_or_closed_list_takes_no_requests(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({"max_entries": 1})).await;
    join(&ports, &list, "ada@example.com").await;
    let refused = async |ports: &Ports, list: &Waitlist, address: &str| {
        let outcome = ports.confirmations.request_mail(request(ports, list, address)).await;
        let Err(CommandError::Rejected(rejection)) = outcome else { panic!("{outcome:?}") };
        rejection
    };
    for address in ["ada@example.com", "bob@example.com"] {
        assert_eq!(refused(&ports, &list, address).await, RequestMailRejection::WaitlistFull);
    }
    let paused = active_list_in(&ports, list.workspace_id, "paused", json!({})).await;
    change_status(&ports, &paused, WaitlistStatus::Paused).await;
    assert_eq!(refused(&ports, &paused, "ada@example.com").await, RequestMailRejection::WaitlistNotActive);
    let deleted = active_list_in(&ports, list.workspace_id, "deleted", json!({})).await;
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, deleted.id)).await.unwrap());
    assert_eq!(refused(&ports, &deleted, "ada@example.com").await, RequestMailRejection::NoSuchWaitlist);
}

/// A person who was erased takes no place: the list takes a request again.
pub async fn an_erased_person_leaves_room_for_a_request(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({"max_entries": 1})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    assert!(ports.entries.erase(crate::samples::erase_entry(&ports, list.id, ada.id)).await.unwrap());
    ask(&ports, request(&ports, &list, "bob@example.com")).await;
    assert_eq!(waiting(&ports, &list).await.len(), 1);
}

/// A confirmation makes an entry of what was sent. Its request keeps only that it was confirmed, and its mails become the entry's.
pub async fn a_confirmation_ends_its_request(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({"email_confirmation": true})).await;
    ask(&ports, request_as(&ports, &list, full_profile("ada@example.com"))).await;
    let waiting = only(&ports, &list).await;
    resend(&ports, &waiting).await;
    let entry = confirm(&there, &waiting).await;
    assert_eq!((&entry.profile, entry.confirmed_at, entry.position.number()), (&waiting.profile, Some(entry.created_at), 1));
    assert_eq!(ports.entries.find(list.id, entry.id).await.unwrap(), Some(entry.clone()));
    let kept = ports.confirmations.find(waiting.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.expires_at), (RequestState::Confirmed(entry.id), waiting.expires_at));
    assert_eq!(ports.confirmations.count(list.id, ports.clock.now()).await.unwrap(), 0);
    let mails = ports.mails.mails(10).await.unwrap();
    assert_eq!(mails.len(), 3);
    assert!(mails.iter().all(|mail| mail.recipient.entry_id() == Some(entry.id)), "{mails:?}");
    let again = ports.entries.sign_up(confirmation(&ports, &waiting)).await.unwrap_err();
    let CommandError::Rejected(SignUpRejection::Ended(ended)) = again else { panic!("{again:?}") };
    assert_eq!(ended, RequestEnded::Confirmed(entry.id));
}

/// A request is confirmed on its own list, for its own address. Otherwise it goes on waiting.
pub async fn a_confirmation_is_of_its_list_and_address(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({"email_confirmation": true})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({"email_confirmation": true})).await;
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    let waiting = only(&ports, &list).await;
    let own = confirmation(&ports, &waiting);
    for command in [SignUp { waitlist_id: other.id, ..own.clone() }, SignUp { profile: profile("bob@example.com"), ..own.clone() }] {
        let refused = ports.entries.sign_up(command).await;
        let is_unknown = matches!(refused, Err(CommandError::Rejected(SignUpRejection::Ended(RequestEnded::NoSuchRequest))));
        assert!(is_unknown, "{refused:?}");
        assert_eq!(only(&ports, &list).await, waiting);
    }
    assert_eq!(ports.entries.sign_up(own).await.unwrap().profile, waiting.profile);
}

/// Of confirmations of one request at once, in two processes and with sign-ups between, one makes the entry.
pub async fn parallel_confirmations_make_one_entry(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    let waiting = only(&ports, &list).await;
    let each = |n: usize| {
        let ports = if n.is_multiple_of(2) { &ports } else { &there };
        let command = match n % 3 {
            0 => crate::samples::sign_up(ports, &list, &format!("p{n}@example.com")),
            _ => confirmation(ports, &waiting),
        };
        ports.entries.sign_up(command)
    };
    let outcomes = join_all((0..24).map(each)).await;
    let confirmed = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).filter(|entry| entry.confirmed_at.is_some());
    let confirmed: Vec<_> = confirmed.map(|entry| entry.id).collect();
    assert_eq!(confirmed.len(), 1);
    for outcome in outcomes {
        match outcome {
            Ok(_) => {}
            Err(CommandError::Rejected(SignUpRejection::Ended(ended))) => assert_eq!(ended, RequestEnded::Confirmed(confirmed[0])),
            Err(error) => panic!("{error:?}"),
        }
    }
    let entries = all_entries(&ports, list.id, None, 100).await;
    assert_eq!(positions(&entries), (1..=9).collect::<Vec<_>>());
}

/// A list that is full when a person confirms keeps their request waiting.
pub async fn a_full_list_keeps_the_request_waiting(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({"max_entries": 1})).await;
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    let waiting = only(&ports, &list).await;
    let bob = join(&ports, &list, "bob@example.com").await;
    let refused = ports.entries.sign_up(confirmation(&ports, &waiting)).await.unwrap_err();
    assert!(matches!(refused, CommandError::Rejected(SignUpRejection::WaitlistFull)), "{refused:?}");
    assert_eq!(only(&ports, &list).await, waiting);
    assert!(ports.entries.delete(crate::samples::delete_entry(&ports, list.id, bob.id)).await.unwrap());
    assert_eq!(confirm(&ports, &waiting).await.position.number(), 2);
}

/// Refusing a request deletes what was sent with its mails, and suppresses the address. Refusing it again changes nothing.
pub async fn refusing_deletes_what_was_sent_and_suppresses_the_address(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    for address in ["ada@example.com", "bob@example.com"] {
        ask(&ports, request(&ports, &list, address)).await;
    }
    let ada = waiting(&ports, &list).await.remove(0);
    resend(&ports, &ada).await;
    for ports in [&ports, &there] {
        ports.confirmations.refuse(refusal(ports, ada.id)).await.unwrap();
        assert_eq!(reasons(ports, list.workspace_id, "ada@example.com").await, [SuppressionReason::Refused]);
    }
    let kept = ports.confirmations.find(ada.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.expires_at), (RequestState::Refused, ada.expires_at));
    assert_eq!(only(&ports, &list).await.profile.email, email("bob@example.com"));
    let left: Vec<_> = ports.mails.mails(10).await.unwrap().into_iter().map(|mail| mail.to).collect();
    assert_eq!(left, [email("bob@example.com")]);
    // The address may sign up again. It gets no mail for that.
    ask(&ports, at(later(&ports, 600), request(&ports, &list, "ada@example.com"))).await;
    assert_eq!((waiting(&ports, &list).await.len(), ports.mails.mails(10).await.unwrap().len()), (2, 1));
}

/// Of a refusal and a confirmation at once one is carried out, and the other is told so.
pub async fn a_refusal_and_a_confirmation_at_once_exclude_each_other(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    for n in 0..10 {
        ask(&ports, request(&ports, &list, &format!("p{n}@example.com"))).await;
    }
    for (n, request) in waiting(&ports, &list).await.into_iter().enumerate() {
        let address = request.profile.email.to_string();
        let confirms = ports.entries.sign_up(confirmation(&ports, &request));
        let refuses = there.confirmations.refuse(refusal(&there, request.id));
        let (confirmed, refused) = match n % 2 {
            0 => tokio::join!(confirms, refuses),
            _ => {
                let (refused, confirmed) = tokio::join!(refuses, confirms);
                (confirmed, refused)
            }
        };
        let state = ports.confirmations.find(request.id).await.unwrap().unwrap().state;
        let suppressed = reasons(&ports, list.workspace_id, &address).await;
        match (confirmed, refused) {
            (Ok(entry), Err(CommandError::Rejected(ended))) => {
                assert_eq!((ended, state), (RequestEnded::Confirmed(entry.id), RequestState::Confirmed(entry.id)));
                assert_eq!(suppressed, []);
            }
            (Err(CommandError::Rejected(SignUpRejection::Ended(ended))), Ok(())) => {
                assert_eq!((ended, state), (RequestEnded::Refused, RequestState::Refused));
                assert_eq!(suppressed, [SuppressionReason::Refused]);
            }
            outcomes => panic!("{outcomes:?}"),
        }
    }
}

/// An admin sends the mail of a request at once, and any number of times.
pub async fn an_admin_sends_the_mail_again(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    let waiting = only(&ports, &list).await;
    let resend = |waitlist_id, id| Resend { waitlist_id, id, actor: ACTOR, now: later(&ports, 1), links: ports.links.clone() };
    for _ in 0..5 {
        ports.confirmations.resend(resend(list.id, waiting.id)).await.unwrap();
    }
    assert_eq!(only(&ports, &list).await, SignUpRequest { mails_sent: 6, last_mail_at: Some(later(&ports, 1)), ..waiting.clone() });
    assert_eq!(kinds(&ports).await, [MailKind::Confirm; 6]);
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    for (list, id) in [(other.id, waiting.id), (list.id, RequestId::new(ports.ids.uuid()))] {
        let refused = ports.confirmations.resend(resend(list, id)).await.unwrap_err();
        assert!(matches!(refused, CommandError::Rejected(ResendRejection::NoSuchRequest)), "{refused:?}");
    }
}

/// A deleted request is gone with its mails, and its address may wait again.
pub async fn a_deleted_request_leaves_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    let first = only(&ports, &list).await;
    resend(&ports, &first).await;
    let id = first.id;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let delete = |waitlist_id| DeleteRequest { waitlist_id, id, actor: ACTOR, now: ports.clock.now() };
    assert!(!ports.confirmations.delete(delete(other.id)).await.unwrap());
    assert!(ports.confirmations.delete(delete(list.id)).await.unwrap());
    assert!(!ports.confirmations.delete(delete(list.id)).await.unwrap());
    assert_eq!((waiting(&ports, &list).await, ports.mails.mails(10).await.unwrap()), (vec![], vec![]));
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    assert_eq!(waiting(&ports, &list).await.len(), 1);
}

/// Erasing a person deletes the request of their address that waits on the same list, and no other.
pub async fn an_erasure_takes_the_requests_of_the_person(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    for (list, address) in [(&list, "ada@example.com"), (&list, "bob@example.com"), (&other, "ada@example.com")] {
        ask(&ports, request(&ports, list, address)).await;
    }
    // The address came on the list in another way, while its request waits.
    let ada = join(&ports, &list, "ada@example.com").await;
    assert!(ports.entries.erase(crate::samples::erase_entry(&ports, list.id, ada.id)).await.unwrap());
    assert_eq!(only(&ports, &list).await.profile.email, email("bob@example.com"));
    assert_eq!(only(&ports, &other).await.profile.email, email("ada@example.com"));
    let left: Vec<_> = ports.mails.mails(10).await.unwrap().into_iter().map(|mail| (mail.to, mail.recipient.waitlist_id())).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(!left.contains(&(email("ada@example.com"), Some(list.id))));
}

/// Whoever is erased while their link is asked for has no mail afterwards. Whoever is not there any more is sent nothing.
pub async fn no_mail_is_left_of_somebody_who_is_erased_meanwhile(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    for n in 0..40 {
        let address = format!("p{n}@example.com");
        let person = join(&ports, &list, &address).await;
        let erase = ports.entries.erase(crate::samples::erase_entry(&ports, list.id, person.id));
        let asked = at(later(&ports, 600), request_link(&ports, &list, &address));
        let (asked, erased) = futures_util::join!(ports.confirmations.request_mail(asked), erase);
        asked.unwrap();
        assert!(erased.unwrap());
        let left = ports.entries.records(list.id, person.id).await.unwrap().mails;
        assert_eq!(left, [], "{address}");
    }
}

/// A request that ends while its address asks again stays ended: somebody on the list does not wait too, and a deleted request is not back.
pub async fn a_request_that_ends_meanwhile_stays_ended(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    for n in 0..40 {
        let address = format!("p{n}@example.com");
        ask(&ports, request(&ports, &list, &address)).await;
        let first = only(&ports, &list).await;
        let again = ports.confirmations.request_mail(at(later(&ports, 600), request(&ports, &list, &address)));
        if n % 2 == 0 {
            let (again, confirmed) = futures_util::join!(again, ports.entries.sign_up(confirmation(&ports, &first)));
            again.unwrap();
            confirmed.unwrap();
            assert_eq!(waiting(&ports, &list).await, [], "{address}");
        } else {
            let delete = DeleteRequest { waitlist_id: list.id, id: first.id, actor: ACTOR, now: ports.clock.now() };
            let (again, deleted) = futures_util::join!(again, ports.confirmations.delete(delete));
            again.unwrap();
            assert!(deleted.unwrap());
            let left = waiting(&ports, &list).await;
            assert!(left.iter().all(|request| request.id != first.id), "{address}");
            for request in left {
                ports
                    .confirmations
                    .delete(DeleteRequest { waitlist_id: list.id, id: request.id, actor: ACTOR, now: ports.clock.now() })
                    .await
                    .unwrap();
            }
        }
    }
}

/// Requests are listed oldest first, in pages of any size, and as many are counted.
pub async fn requests_go_oldest_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    let mut expected = Vec::new();
    for n in [4, 1, 3, 3, 2] {
        let address = format!("p{}@example.com", expected.len());
        ask(&ports, at(later(&ports, n), request(&ports, &list, &address))).await;
        expected.push((later(&ports, n), address));
    }
    expected.sort();
    for rows in [1, 2, 5, 100] {
        let found = pages(&ports, list.id, ports.clock.now(), rows).await;
        let found: Vec<_> = found.into_iter().map(|request| (request.requested_at, request.profile.email.to_string())).collect();
        assert_eq!(found, expected, "{rows}");
    }
    let full = ports.confirmations.list(list.id, ports.clock.now(), None, Limit::new(5, Limit::MAX).unwrap()).await.unwrap();
    assert_eq!(full.next, None);
    assert_eq!(ports.confirmations.count(list.id, ports.clock.now()).await.unwrap(), 5);
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    assert_eq!((waiting(&ports, &other).await, ports.confirmations.count(other.id, ports.clock.now()).await.unwrap()), (vec![], 0));
}

/// The requests of a deleted list are not found, and its purge deletes them with their mails.
pub async fn requests_go_with_their_list(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    ask(&ports, request(&ports, &list, "ada@example.com")).await;
    let id = only(&ports, &list).await.id;
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    for ports in [&ports, &there] {
        assert_eq!((ports.confirmations.find(id).await.unwrap(), waiting(ports, &list).await), (None, vec![]));
    }
    purge_all(&ports).await;
    assert_eq!(ports.mails.mails(10).await.unwrap(), []);
    let after = later(&ports, 30 * 24 * 3600);
    assert_eq!(ports.confirmations.prune(after, ports.clock.now(), 10).await.unwrap(), 0, "nothing is left to prune");
}

/// A mail that asks for a confirmation is not sent after its request has ended in any way.
pub async fn mail_of_an_ended_request_is_not_sent(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    for address in ["ada@example.com", "bob@example.com"] {
        ask(&ports, request(&ports, &list, address)).await;
    }
    let ada = waiting(&ports, &list).await.remove(0);
    confirm(&ports, &ada).await;
    let claimed = claim(&ports, ports.clock.now()).await;
    let told: Vec<_> = claimed.iter().map(|claimed| (claimed.mail.kind, claimed.mail.to.to_string())).collect();
    assert!(told.contains(&(MailKind::Welcome, "ada@example.com".to_owned())), "{told:?}");
    assert!(told.contains(&(MailKind::Confirm, "bob@example.com".to_owned())), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
    let key = |kind| claimed.iter().find(|claimed| claimed.mail.kind == kind).map(|claimed| (claimed.claim, claimed.mail.id)).unwrap();
    let bob = only(&ports, &list).await;
    ports.confirmations.refuse(refusal(&ports, bob.id)).await.unwrap();
    let left = ports.mails.confirm(vec![key(MailKind::Confirm), key(MailKind::Welcome)]).await.unwrap();
    assert_eq!(left.iter().map(|claimed| claimed.mail.kind).collect::<Vec<_>>(), [MailKind::Welcome]);
    // Nor is one that was claimed before its request was confirmed.
    ask(&ports, request(&ports, &list, "fay@example.com")).await;
    let asked: Vec<_> = claim(&ports, ports.clock.now()).await.iter().map(|claimed| (claimed.claim, claimed.mail.id)).collect();
    assert_eq!(ports.mails.confirm(asked.clone()).await.unwrap().len(), 1);
    confirm(&ports, &only(&ports, &list).await).await;
    assert_eq!(ports.mails.confirm(asked).await.unwrap(), []);
    // One whose time is over is not claimed, and the log tells it.
    ask(&ports, request(&ports, &list, "eve@example.com")).await;
    let eve = only(&ports, &list).await;
    let late = claim(&ports, eve.expires_at).await;
    assert_eq!(late.iter().filter(|claimed| claimed.mail.kind == MailKind::Confirm).count(), 0);
    let filter = MailFilter { state: Some(MailState::Expired), ..MailFilter::default() };
    let expired = ports.mails.log(list.workspace_id, filter, None, Limit::default()).await.unwrap().items;
    let is_late = |mail: &&Mail| expired.iter().any(|logged| logged.id == mail.id);
    assert_eq!(ports.mails.mails(100).await.unwrap().iter().filter(is_late).map(|mail| mail.data.as_str()).collect::<Vec<_>>(), [""]);
    assert_eq!(expired.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["eve@example.com"]);
}

/// A request is deleted after its end, with its mails, and the share of an address when nobody has asked for a day.
pub async fn requests_are_deleted_after_their_end(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    for (n, address) in [(0, "ada@example.com"), (60, "bob@example.com")] {
        ask(&ports, at(later(&ports, n), request(&ports, &list, address))).await;
    }
    let (ada, bob) = (waiting(&ports, &list).await.remove(0), waiting(&ports, &list).await.remove(1));
    let prune = async |expired_before, asked_before| ports.confirmations.prune(expired_before, asked_before, 10).await.unwrap();
    assert_eq!(prune(ada.expires_at, ports.clock.now()).await, 0);
    assert_eq!(prune(bob.expires_at, later(&ports, 1)).await, 2, "a request and a share");
    assert_eq!(waiting(&ports, &list).await, [bob]);
    assert_eq!(ports.mails.mails(10).await.unwrap().len(), 1);
    assert_eq!(ports.confirmations.find(ada.id).await.unwrap(), None);
    // The share that stayed counts.
    ask(&ports, at(later(&ports, 120), request(&ports, &list, "bob@example.com"))).await;
    assert_eq!(only(&ports, &list).await.mails_sent, 1);
    // Deleting at most that many leaves the rest.
    let month = Duration::days(30);
    assert_eq!(ports.confirmations.prune(later(&ports, 0).plus(month), ports.clock.now(), 0).await.unwrap(), 0);
    assert_eq!(prune(later(&ports, 0).plus(month), later(&ports, 0).plus(month)).await, 2);
    // A share counts from the last time that somebody asked.
    let last = later(&ports, 20 * 3600);
    for now in [ports.clock.now(), last] {
        ask(&ports, at(now, request(&ports, &list, "eve@example.com"))).await;
    }
    assert_eq!(prune(ports.clock.now(), last).await, 0);
    assert_eq!(prune(ports.clock.now(), last.plus(Duration::SECOND)).await, 1);
}
