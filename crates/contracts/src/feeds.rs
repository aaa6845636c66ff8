//! Cases of [`EventFeed`](rally_domain::port::EventFeed).

use std::collections::{HashMap, HashSet};

use futures_util::future::{join, join_all};
use rally_domain::command::{Review, SignUp};
use rally_domain::event::EventKind;
use rally_domain::feed::{FeedFilter, FeedKey, FeedPage, FeedQuery};
use rally_domain::id::{EventId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::uuid::Uuid;
use rally_domain::waitlist::Waitlist;
use serde_json::{Value, json};

use crate::Fixture;
use crate::reviews::review;
use crate::samples::{self, active_list, active_list_in, delete_entry, delete_waitlist, erase_entry, later, sign_up, workspace};
use crate::webhooks::{test, webhook};

fn query(ports: &Ports, workspace_id: WorkspaceId, after: Option<FeedKey>) -> FeedQuery {
    let limit = Limit::new(100, Limit::MAX).unwrap();
    FeedQuery { workspace_id, after, oldest: later(ports, -3600), filter: FeedFilter::default(), limit }
}

/// The page after a key, once all events have numbers.
async fn pull(ports: &Ports, workspace_id: WorkspaceId, after: Option<FeedKey>) -> FeedPage {
    ports.feeds.number(workspace_id, 1000).await.unwrap();
    ports.feeds.page(query(ports, workspace_id, after)).await.unwrap().expect("the event of the key")
}

/// The bodies of a page that are about entries.
fn bodies(page: &FeedPage) -> Vec<Value> {
    let bodies = page.bodies.iter().map(|body| serde_json::from_str::<Value>(body).unwrap());
    bodies.filter(|body| body["type"].as_str().unwrap().starts_with("entry.")).collect()
}

/// The ids of the events of a page that are about entries.
fn ids(page: &FeedPage) -> Vec<String> {
    bodies(page).iter().map(|body| body["id"].as_str().unwrap().to_owned()).collect()
}

/// The ids of the events of a sign-up: one for a list that asks for an approval, else two.
fn events_of(command: &SignUp, number: usize) -> Vec<String> {
    command.event_ids[..number].iter().map(EventId::to_string).collect()
}

async fn joined(ports: &Ports, list: &Waitlist, address: &str) -> String {
    let command = sign_up(ports, list, address);
    ports.entries.sign_up(command.clone()).await.unwrap();
    command.event_ids[0].to_string()
}

/// The events of a list are in the order of their changes, whatever their ids are.
pub async fn events_of_a_list_keep_their_order(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let mut commands: Vec<SignUp> = (0..5).map(|n| sign_up(&ports, &list, &format!("p{n}@example.com"))).collect();
    commands.reverse();
    let mut expected = Vec::new();
    for command in commands {
        expected.extend(events_of(&command, 2));
        ports.entries.sign_up(command).await.unwrap();
    }
    let page = pull(&ports, list.workspace_id, None).await;
    assert_eq!((ids(&page), page.has_more), (expected, false));
}

/// Writers of several lists in two processes are read meanwhile. The reader gets every event once, and those of each list in their order.
pub async fn parallel_writers_and_readers_miss_nothing(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let home = workspace(&ports, "acme").await.id;
    let mut lists = Vec::new();
    for n in 0..4 {
        lists.push(active_list_in(&ports, home, &format!("list-{n}"), json!({})).await);
    }
    let write = |n: usize| {
        let (ports, list) = (if n.is_multiple_of(2) { &ports } else { &there }, &lists[n % 4]);
        let command = sign_up(ports, list, &format!("p{n}@example.com"));
        async move { ports.entries.sign_up(command).await.unwrap() }
    };
    let mut read: Vec<Value> = Vec::new();
    let pulls = async {
        let (mut after, mut idle) = (None, 0);
        while read.len() < 60 && idle < 200 {
            let page = pull(&there, home, after).await;
            idle = if page.last.is_none() { idle + 1 } else { 0 };
            after = page.last.or(after);
            read.extend(bodies(&page));
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        after
    };
    let (_, after) = join(join_all((0..60).map(write)), pulls).await;
    assert_eq!(bodies(&pull(&ports, home, after).await), Vec::<Value>::new());
    let different: HashSet<&str> = read.iter().map(|body| body["id"].as_str().unwrap()).collect();
    assert_eq!((read.len(), different.len()), (60, 60));
    let mut last: HashMap<&str, u64> = HashMap::new();
    for body in &read {
        let (list, position) = (body["data"]["waitlist"]["id"].as_str().unwrap(), body["data"]["entry"]["position"].as_u64().unwrap());
        assert_eq!(position, last.insert(list, position).unwrap_or(0) + 1, "{body}");
    }
}

/// Processes that give numbers at once give each event one number, and no number twice.
pub async fn processes_number_events_together(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let mut expected = Vec::new();
    for n in 0..30 {
        expected.push(joined(&ports, &list, &format!("p{n}@example.com")).await);
    }
    let number = |n: usize| (if n.is_multiple_of(2) { &ports } else { &there }).feeds.number(list.workspace_id, 7);
    let mut given = 0;
    loop {
        let numbers: Vec<usize> = join_all((0..6).map(number)).await.into_iter().map(Result::unwrap).collect();
        assert!(numbers.iter().all(|number| *number <= 7), "{numbers:?}");
        let round: usize = numbers.into_iter().sum();
        given += round;
        if round == 0 {
            break;
        }
    }
    let page = pull(&ports, list.workspace_id, None).await;
    assert_eq!((page.bodies.len(), ids(&page)), (given, expected));
}

/// A reader that names its last event gets the later ones, in another process too, and however often it asks.
pub async fn a_reader_goes_on_where_it_was(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let home = list.workspace_id;
    joined(&ports, &list, "ada@example.com").await;
    let first = pull(&ports, home, None).await;
    let (bob, eve) = (joined(&ports, &list, "bob@example.com").await, joined(&there, &list, "eve@example.com").await);
    for ports in [&there, &ports] {
        let rest = pull(ports, home, first.last).await;
        assert_eq!((ids(&rest), rest.has_more), (vec![bob.clone(), eve.clone()], false));
        let end = pull(ports, home, rest.last).await;
        assert_eq!(end, FeedPage { bodies: Vec::new(), last: None, has_more: false });
    }
    let one = FeedQuery { limit: Limit::new(1, Limit::MAX).unwrap(), ..query(&ports, home, first.last) };
    let page = ports.feeds.page(one).await.unwrap().unwrap();
    assert_eq!((ids(&page), page.has_more), (vec![bob], true));
    assert_eq!(ids(&pull(&ports, home, page.last).await), [eve]);
}

/// A feed has only the events of its workspace, and its keys are of no use in another.
pub async fn a_feed_is_of_one_workspace(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let beta = workspace(&ports, "beta").await.id;
    let other = active_list_in(&ports, beta, "list", json!({})).await;
    let (ada, bob) = (joined(&ports, &list, "ada@example.com").await, joined(&ports, &other, "bob@example.com").await);
    let (mine, others) = (pull(&ports, list.workspace_id, None).await, pull(&ports, beta, None).await);
    assert_eq!((ids(&mine), ids(&others)), (vec![ada], vec![bob]));
    assert_eq!(ports.feeds.page(query(&ports, beta, mine.last)).await.unwrap(), None);
    let nobody = WorkspaceId::new(Uuid::max());
    assert_eq!(pull(&ports, nobody, None).await, FeedPage { bodies: Vec::new(), last: None, has_more: false });
}

/// A filter leaves out what it does not name. The rest keeps its order, and the reader goes on after what was left out.
pub async fn a_filter_leaves_the_rest_in_its_order(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let ada = sign_up(&ports, &list, "ada@example.com");
    ports.entries.sign_up(ada.clone()).await.unwrap();
    let bob = ports.entries.sign_up(sign_up(&ports, &other, "bob@example.com")).await.unwrap();
    let approval = review(&ports, &bob, Review::Approve);
    ports.entries.review(approval.clone()).await.unwrap();
    let all = pull(&ports, list.workspace_id, None).await;
    let filtered = async |kinds: Option<Vec<EventKind>>, waitlist_id| {
        let filter = FeedFilter { kinds, waitlist_id };
        let page = ports.feeds.page(FeedQuery { filter, ..query(&ports, list.workspace_id, None) }).await.unwrap().unwrap();
        assert_eq!((page.last, page.has_more), (all.last, false));
        ids(&page)
    };
    let approvals = Some(vec![EventKind::EntryApproved]);
    assert_eq!(filtered(approvals.clone(), None).await, [ada.event_ids[1].to_string(), approval.event_id.to_string()]);
    assert_eq!(filtered(None, Some(list.id)).await, events_of(&ada, 2));
    assert_eq!(filtered(approvals, Some(other.id)).await, [approval.event_id.to_string()]);
    assert_eq!(filtered(Some(vec![EventKind::EntryRejected]), None).await, Vec::<String>::new());
}

/// A test of a webhook is in no feed.
pub async fn a_test_is_in_no_feed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    test(&ports, &hook).await.unwrap();
    let ada = joined(&ports, &list, "ada@example.com").await;
    assert_eq!(ids(&pull(&ports, list.workspace_id, None).await), [ada]);
}

/// The events of a deleted list are gone from the feed at once. Those of other lists stay.
pub async fn a_deleted_waitlist_leaves_the_feed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    joined(&ports, &doomed, "ada@example.com").await;
    pull(&ports, list.workspace_id, None).await;
    joined(&ports, &doomed, "bob@example.com").await;
    let kept = joined(&ports, &list, "eve@example.com").await;
    assert!(ports.waitlists.delete(delete_waitlist(&ports, doomed.workspace_id, doomed.id)).await.unwrap());
    assert_eq!(ids(&pull(&ports, list.workspace_id, None).await), std::slice::from_ref(&kept));
    crate::purges::purge_all(&ports).await;
    assert_eq!(ids(&pull(&ports, list.workspace_id, None).await), [kept]);
}

/// A reader whose last event is of a deleted list goes on after it, before the purge and afterwards. Nothing is left of what it said.
pub async fn a_reader_goes_on_after_a_list_is_deleted(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (home, doomed) = (list.workspace_id, active_list_in(&ports, list.workspace_id, "doomed", json!({})).await);
    let ada = samples::join(&ports, &doomed, "ada@example.com").await;
    joined(&ports, &doomed, "bob@example.com").await;
    assert!(ports.entries.delete(delete_entry(&ports, doomed.id, ada.id)).await.unwrap());
    let key = pull(&ports, home, None).await.last;
    let kept = joined(&ports, &list, "eve@example.com").await;
    joined(&ports, &doomed, "carl@example.com").await;
    assert!(ports.waitlists.delete(delete_waitlist(&ports, home, doomed.id)).await.unwrap());
    assert_eq!(ids(&pull(&ports, home, key).await), std::slice::from_ref(&kept));
    crate::purges::purge_all(&ports).await;
    assert_eq!(ids(&pull(&ports, home, key).await), std::slice::from_ref(&kept));
    assert_eq!(ids(&pull(&ports, home, None).await), [kept]);
    let left = ports.deliveries.events(100).await.unwrap();
    let others = left.iter().filter(|event| event.waitlist_id != Some(list.id));
    assert!(others.clone().all(|event| (event.waitlist_id, event.entry_id, event.body.as_str()) == (None, None, "")), "{left:?}");
    assert!(ports.deliveries.prune(later(&ports, 1), 100).await.unwrap() > others.count() as u64);
    assert_eq!(ports.deliveries.events(100).await.unwrap(), []);
}

/// The feed shows earlier events of an entry that was deleted or erased reduced to ids, before and after the purge.
pub async fn a_deleted_entry_is_reduced_in_the_feed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut entries = Vec::new();
    for name in ["ada", "bob", "eve"] {
        entries.push(samples::join(&ports, &list, &format!("{name}@example.com")).await);
    }
    assert!(ports.entries.delete(delete_entry(&ports, list.id, entries[0].id)).await.unwrap());
    assert!(ports.entries.erase(erase_entry(&ports, list.id, entries[1].id)).await.unwrap());
    for is_purged in [false, true] {
        if is_purged {
            crate::purges::purge_all(&ports).await;
        }
        let told = bodies(&pull(&ports, list.workspace_id, None).await);
        let created: Vec<_> = told.iter().filter(|body| body["type"] == "entry.created").collect();
        assert_eq!(created.len(), 3);
        for (body, entry) in created.iter().zip(&entries).take(2) {
            let data = json!({"entry": {"id": entry.id.to_string()}, "waitlist": {"id": list.id.to_string()}});
            assert_eq!((&body["erased"], &body["data"]), (&json!(true), &data));
        }
        assert_eq!((&created[2]["erased"], &created[2]["data"]["entry"]["email"]), (&Value::Null, &json!("eve@example.com")));
    }
}

/// A key is refused if its number is not that of its event, or if its event is gone, too old or without a number.
pub async fn a_key_without_its_event_is_refused(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let home = list.workspace_id;
    joined(&ports, &list, "ada@example.com").await;
    joined(&ports, &list, "bob@example.com").await;
    let key = pull(&ports, home, None).await.last.unwrap();
    let is_refused = async |query: FeedQuery| ports.feeds.page(query).await.unwrap().is_none();
    assert!(!is_refused(query(&ports, home, Some(key))).await);
    assert!(is_refused(query(&ports, home, Some(FeedKey { number: key.number - 1, ..key }))).await);
    assert!(is_refused(query(&ports, home, Some(FeedKey { event_id: EventId::new(Uuid::max()), ..key }))).await);
    let now = ports.clock.now();
    assert!(!is_refused(FeedQuery { oldest: now, ..query(&ports, home, Some(key)) }).await);
    assert!(is_refused(FeedQuery { oldest: later(&ports, 1), ..query(&ports, home, Some(key)) }).await);
    let young = FeedQuery { oldest: later(&ports, 1), ..query(&ports, home, None) };
    assert_eq!(ports.feeds.page(young).await.unwrap(), Some(FeedPage { bodies: Vec::new(), last: None, has_more: false }));
    assert!(ports.deliveries.prune(later(&ports, 1), 100).await.unwrap() >= 2);
    assert!(is_refused(query(&ports, home, Some(key))).await);
    assert_eq!(pull(&ports, home, None).await.bodies, Vec::<String>::new());
}

/// There are news of a workspace if it has an event after the given number, or one without a number.
pub async fn news_are_told_of_the_workspaces_that_have_them(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (home, beta) = (list.workspace_id, workspace(&ports, "beta").await.id);
    joined(&ports, &list, "ada@example.com").await;
    let news = async |number| ports.feeds.news(vec![(beta, 0), (home, number)]).await.unwrap();
    assert_eq!(news(0).await, [home]);
    let last = pull(&ports, home, None).await.last.unwrap().number;
    assert_eq!((news(0).await, news(last).await), (vec![home], vec![]));
    joined(&ports, &list, "bob@example.com").await;
    assert_eq!(news(last).await, [home]);
    let next = pull(&ports, home, None).await.last.unwrap().number;
    assert!(next > last);
    assert_eq!((news(last).await, news(next).await), (vec![home], vec![]));
    assert_eq!(ports.feeds.news(Vec::new()).await.unwrap(), []);
}
