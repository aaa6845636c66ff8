//! Cases of [`EntrySearch`](rally_domain::port::EntrySearch).

use futures_util::future::join_all;
use rally_domain::command::{Review, SignUp};
use rally_domain::custom_field::{CustomField, Metadata};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_domain::referral::{Position, ReferralBoost};
use rally_domain::search::{EntryQuery, EntrySort, TermFilter};
use rally_domain::text::{PersonName, Referrer};
use rally_domain::waitlist::Waitlist;
use serde_json::{Value, json};

use crate::Fixture;
use crate::confirmations::{confirmation, confirming_list, request, waiting};
use crate::entries::{control_variant, positions};
use crate::invitations::record;
use crate::reviews::review;
use crate::samples::{
    ACTOR, active_list, active_list_in, delete_entry, delete_waitlist, erase_entry, join, join_by, later, profile, sign_up, sign_up_as,
    workspace,
};
use crate::visits::{named, update_profile};

/// Writes what serves search, in batches of two.
pub(crate) async fn index(ports: &Ports) {
    while ports.search.index(2).await.unwrap() {}
}

/// Writes what serves search, in large batches.
async fn index_all(ports: &Ports) {
    while ports.search.index(500).await.unwrap() {}
}

/// Everything that a query finds, in pages of so many rows.
async fn paged(ports: &Ports, list: &Waitlist, query: &EntryQuery, rows: u64) -> Vec<Entry> {
    let limit = Limit::new(rows, Limit::MAX).unwrap();
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = ports.search.search(list.id, query.clone(), after, limit).await.unwrap();
        assert!(page.items.len() <= limit.rows());
        found.extend(page.items);
        match page.next {
            Some(key) => after = Some(key),
            None => return found,
        }
    }
}

async fn found(ports: &Ports, list: &Waitlist, query: EntryQuery) -> Vec<u64> {
    positions(&paged(ports, list, &query, 2).await)
}

/// The positions of those whom a text finds.
pub(crate) async fn texted(ports: &Ports, list: &Waitlist, text: &str) -> Vec<u64> {
    let terms = TermFilter::text(text).unwrap().into_iter().collect();
    found(ports, list, EntryQuery { terms, ..EntryQuery::default() }).await
}

fn person(address: &str, name: &str) -> Profile {
    Profile { name: PersonName::parse(name).unwrap(), ..profile(address) }
}

/// Makes a list with people of these addresses and names.
async fn people(ports: &Ports, people: &[(&str, &str)]) -> Waitlist {
    let list = active_list(ports, json!({})).await;
    for (address, name) in people {
        ports.entries.sign_up(sign_up_as(ports, &list, person(address, name))).await.unwrap();
    }
    index(ports).await;
    list
}

/// A text finds the start of an address, of a word of a name, of several words, and a whole domain. Case does not count, accents do, and no
/// character stands for others.
pub async fn a_text_finds_people(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = people(
        &ports,
        &[
            ("ada@example.com", "Ada King Lovelace"),
            ("king@example.com", "Stephen King"),
            ("ang@bücher.example", "Ångström Ünal"),
            ("a_a@sub.example.com", "100% Percent"),
            ("ab@other.example", "Adam \u{1F600} Smith"),
        ],
    )
    .await;
    for (text, expected) in [
        ("king", &[1, 2][..]),
        ("KING LOVE", &[1]),
        ("ada", &[1, 5]),
        ("Stephen  king", &[2]),
        ("king stephen", &[]),
        ("ovelace", &[]),
        ("ån", &[3]),
        ("ÜNAL", &[3]),
        ("unal", &[]),
        ("@example.com", &[1, 2]),
        ("@BÜCHER.example", &[3]),
        ("@xn--bcher-kva.example", &[3]),
        ("@example", &[]),
        ("a_", &[4]),
        ("100%", &[4]),
        ("%", &[]),
        ("_", &[]),
        ("\u{1F600}", &[5]),
        ("\u{0}", &[]),
        ("ada@example.com", &[1]),
        ("'; DROP TABLE entries", &[]),
    ] {
        assert_eq!(texted(&ports, &list, text).await, expected, "{text}");
    }
}

/// Signs four people up who differ in everything that can be asked for. The first one referred the second and the third.
async fn four(ports: &Ports) -> (Waitlist, Vec<Entry>) {
    let list = confirming_list(ports, settings()).await;
    // An admin needs nobody's confirmation.
    let by_admin = |address: &str, seconds: i64| SignUp { actor: ACTOR, now: later(ports, seconds), ..sign_up(ports, &list, address) };
    let metadata = |document: Value| Metadata::parse(document.as_object().cloned().unwrap()).unwrap();
    let first = ports.entries.sign_up(by_admin("first@example.com", 0)).await.unwrap();
    let mut second = by_admin("second@example.com", 10);
    second.profile.referrer = Some(Referrer::parse("Hacker News").unwrap());
    second.profile.metadata = metadata(json!({"size": 7, "tools": ["Mail", "Chat"]}));
    second.friends_code = Some(first.referral_code.clone());
    let second = ports.entries.sign_up(second).await.unwrap();
    let mut third = by_admin("third@example.com", 20);
    third.profile.metadata = metadata(json!({"size": 70, "tools": ["Chat"], "long": "x".repeat(900)}));
    third.friends_code = Some(first.referral_code.clone());
    third.variant_id = Some(control_variant(ports, &list).await);
    ports.entries.sign_up(third).await.unwrap();
    ports.confirmations.request_mail(request(ports, &list, "fourth@example.com")).await.unwrap();
    let asked = waiting(ports, &list).await.remove(0);
    let fourth = ports.entries.sign_up(SignUp { now: later(ports, 30), ..confirmation(ports, &asked) }).await.unwrap();
    ports.entries.review(review(ports, &second, Review::Approve)).await.unwrap();
    ports.entries.review(review(ports, &fourth, Review::Reject)).await.unwrap();
    ports.entries.record_invitation(record(ports, &second, "app", "1")).await.unwrap();
    index(ports).await;
    let entries = paged(ports, &list, &EntryQuery::default(), 10).await;
    (list, entries)
}

fn settings() -> Value {
    json!({"email_confirmation": true, "custom_fields": [
        {"key": "size", "type": "number"},
        {"key": "tools", "type": "multiselect", "options": ["Mail", "Chat"]},
        {"key": "long", "type": "textarea"},
    ]})
}

/// Each filter leaves the entries that it describes, and several leave those that each of them does.
pub async fn every_filter_leaves_what_it_describes(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (list, entries) = four(&ports).await;
    let declared: &[CustomField] = &list.settings.custom_fields;
    let field = |index: usize, value: &str| TermFilter::field(&declared[index], value);
    let all = EntryQuery::default;
    let long = "x".repeat(900);
    let variant = control_variant(&ports, &list).await;
    for (query, expected) in [
        (EntryQuery { status: Some(EntryStatus::Pending), ..all() }, &[1, 3][..]),
        (EntryQuery { status: Some(EntryStatus::Rejected), ..all() }, &[4]),
        (EntryQuery { confirmed: Some(true), ..all() }, &[4]),
        (EntryQuery { confirmed: Some(false), ..all() }, &[1, 2, 3]),
        (EntryQuery { invited: Some(true), ..all() }, &[2]),
        (EntryQuery { invited: Some(false), ..all() }, &[1, 3, 4]),
        (EntryQuery { referred_by: Some(entries[0].id), ..all() }, &[2, 3]),
        (EntryQuery { referred_by: Some(entries[3].id), ..all() }, &[]),
        (EntryQuery { created_since: Some(later(&ports, 10)), ..all() }, &[2, 3, 4]),
        (EntryQuery { created_until: Some(later(&ports, 20)), ..all() }, &[1, 2]),
        (EntryQuery { created_since: Some(later(&ports, 10)), created_until: Some(later(&ports, 20)), ..all() }, &[2]),
        (EntryQuery { terms: vec![TermFilter::referrer("Hacker News")], ..all() }, &[2]),
        (EntryQuery { terms: vec![TermFilter::referrer("hacker news")], ..all() }, &[]),
        (EntryQuery { terms: vec![TermFilter::variant(variant)], ..all() }, &[3]),
        (EntryQuery { terms: vec![field(0, "7.0")], ..all() }, &[2]),
        (EntryQuery { terms: vec![field(1, "Chat")], ..all() }, &[2, 3]),
        (EntryQuery { terms: vec![field(2, &long)], ..all() }, &[3]),
        (EntryQuery { terms: vec![field(2, &long[1..])], ..all() }, &[]),
        (EntryQuery { terms: vec![field(1, "Chat"), field(1, "Mail")], ..all() }, &[2]),
        (EntryQuery { terms: vec![field(1, "Chat")], status: Some(EntryStatus::Pending), ..all() }, &[3]),
        (EntryQuery { terms: vec![field(1, "Chat")], referred_by: Some(entries[0].id), invited: Some(true), ..all() }, &[2]),
        (EntryQuery { status: Some(EntryStatus::Approved), confirmed: Some(true), ..all() }, &[]),
    ] {
        for sort in EntrySort::ALL {
            let mut positions = found(&ports, &list, EntryQuery { sort, ..query.clone() }).await;
            positions.sort_unstable();
            assert_eq!(positions, expected, "{query:?} in the order {sort:?}");
        }
    }
}

/// Every order goes on over pages of any size, with ties by position, and with or without a filter.
pub async fn every_order_goes_over_pages(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut leaders = Vec::new();
    // The second person of each pair signed up at the same moment, and the last ones before the others.
    for (index, seconds) in [50, 50, 10, 10, 30].into_iter().enumerate() {
        let command = sign_up(&ports, &list, &format!("leader{index}@example.com"));
        leaders.push(ports.entries.sign_up(SignUp { now: later(&ports, seconds), ..command }).await.unwrap());
    }
    for (leader, friends) in [(1, 2), (3, 2), (4, 4)] {
        for friend in 0..friends {
            join_by(&ports, &list, &leaders[leader], &format!("friend{leader}{friend}@example.com")).await;
        }
    }
    ports.entries.review(review(&ports, &leaders[3], Review::Reject)).await.unwrap();
    index(&ports).await;
    let entries = paged(&ports, &list, &EntryQuery::default(), 100).await;
    assert_eq!(positions(&entries), (1..=13).collect::<Vec<u64>>());
    let text = TermFilter::text("leader").unwrap().into_iter().collect();
    let boost = ReferralBoost::new(2).unwrap();
    let filters = [
        EntryQuery { boost, ..EntryQuery::default() },
        EntryQuery { boost, terms: text, ..EntryQuery::default() },
        EntryQuery { boost, status: Some(EntryStatus::Pending), ..EntryQuery::default() },
        EntryQuery { boost, created_since: Some(later(&ports, 10)), ..EntryQuery::default() },
        EntryQuery { boost, referred_by: Some(leaders[4].id), ..EntryQuery::default() },
    ];
    for filter in filters {
        let chosen = positions(&paged(&ports, &list, &filter, 100).await);
        for sort in EntrySort::ALL {
            let query = EntryQuery { sort, ..filter.clone() };
            let mut expected: Vec<&Entry> = entries.iter().filter(|entry| chosen.contains(&entry.position.number())).collect();
            expected.sort_by_key(|entry| query.key(entry));
            let expected: Vec<u64> = expected.iter().map(|entry| entry.position.number()).collect();
            for rows in [1, 2, 3, 100] {
                assert_eq!(positions(&paged(&ports, &list, &query, rows).await), expected, "{query:?} in pages of {rows}");
            }
        }
    }
}

/// A filter that finds more than a thousand entries has complete pages, forwards and backwards, from the first to the last. So has one that
/// finds few among them.
pub async fn pages_among_many_are_complete(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let rare = Referrer::parse("rare").unwrap();
    let mut expected = Vec::new();
    for hundred in 0..11 {
        let joining = (0..100).map(|n| {
            let referrer = (n % 25 == 0).then(|| rare.clone());
            let profile = Profile { referrer, ..person(&format!("many{hundred}n{n}@example.com"), "Some Body") };
            ports.entries.sign_up(sign_up_as(&ports, &list, profile))
        });
        expected.extend(join_all(joining).await.into_iter().map(Result::unwrap));
    }
    for entry in expected.iter().filter(|entry| entry.profile.referrer.is_some()) {
        ports.entries.review(review(&ports, entry, Review::Reject)).await.unwrap();
    }
    for some in expected.chunks(100) {
        let others = some.iter().filter(|entry| entry.profile.referrer.is_none());
        let inviting = others.map(|entry| ports.entries.record_invitation(record(&ports, entry, "app", &entry.id.to_string())));
        join_all(inviting).await.into_iter().for_each(|invited| assert!(invited.is_ok()));
    }
    index_all(&ports).await;
    let sorts = [EntrySort::Position, EntrySort::LastPosition];
    let common = || TermFilter::text("many").unwrap();
    let (since, all) = (Some(later(&ports, -60)), EntryQuery::default);
    for sort in sorts {
        expected.sort_by_key(
            |entry| if sort == EntrySort::Position { entry.position } else { Position::new(u64::MAX - entry.position.number()) },
        );
        let every = positions(&expected);
        let few: Vec<u64> = positions(&expected.iter().filter(|entry| entry.profile.referrer.is_some()).cloned().collect::<Vec<_>>());
        let most: Vec<u64> = every.iter().filter(|position| !few.contains(position)).copied().collect();
        assert_eq!((every.len(), few.len()), (1100, 44));
        for (query, found) in [
            (EntryQuery { terms: common().into_iter().collect(), sort, ..all() }, &every),
            (EntryQuery { terms: TermFilter::text("body").unwrap().into_iter().collect(), sort, ..all() }, &every),
            (EntryQuery { created_since: since, sort, ..all() }, &every),
            (EntryQuery { created_since: since, status: Some(EntryStatus::Rejected), sort, ..all() }, &few),
            (EntryQuery { created_since: since, confirmed: Some(true), sort, ..all() }, &Vec::new()),
            (EntryQuery { invited: Some(true), sort, ..all() }, &most),
            (EntryQuery { terms: common().into_iter().chain([TermFilter::referrer("rare")]).collect(), sort, ..all() }, &few),
            (EntryQuery { terms: common().into_iter().collect(), created_until: since, sort, ..all() }, &Vec::new()),
        ] {
            for rows in [10, 100] {
                assert_eq!(positions(&paged(&ports, &list, &query, rows).await), *found, "{query:?} by {rows}");
            }
        }
    }
}

/// A count is the number of entries on all pages up to a position.
pub async fn a_count_is_the_number_on_all_pages(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (list, entries) = four(&ports).await;
    let all = EntryQuery::default;
    let terms = |text| TermFilter::text(text).unwrap().into_iter().collect();
    for query in [
        all(),
        EntryQuery { terms: terms("@example.com"), ..all() },
        EntryQuery { terms: terms("f"), ..all() },
        EntryQuery { terms: terms("f"), confirmed: Some(false), ..all() },
        EntryQuery { status: Some(EntryStatus::Pending), ..all() },
        EntryQuery { referred_by: Some(entries[0].id), ..all() },
        EntryQuery { created_since: Some(later(&ports, 10)), sort: EntrySort::MostReferrals, ..all() },
    ] {
        let found = found(&ports, &list, query.clone()).await;
        for until in 1..=4 {
            let expected = found.iter().filter(|position| **position <= until).count() as u64;
            let count = ports.search.count(list.id, query.clone(), Position::new(until)).await.unwrap();
            assert_eq!(count, expected, "{query:?} up to {until}");
        }
    }
}

/// The people of another list are not found, whatever is asked.
pub async fn a_search_stays_on_its_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await;
    let (list, other) = (active_list_in(&ports, acme.id, "one", json!({})).await, active_list_in(&ports, acme.id, "two", json!({})).await);
    let leader = join(&ports, &other, "ada@example.com").await;
    join_by(&ports, &other, &leader, "adam@example.com").await;
    index(&ports).await;
    let terms: Vec<TermFilter> = TermFilter::text("ada").unwrap().into_iter().collect();
    for query in [
        EntryQuery::default(),
        EntryQuery { terms, ..EntryQuery::default() },
        EntryQuery { referred_by: Some(leader.id), ..EntryQuery::default() },
        EntryQuery { created_since: Some(later(&ports, -10)), ..EntryQuery::default() },
        EntryQuery { status: Some(EntryStatus::Pending), ..EntryQuery::default() },
    ] {
        for sort in EntrySort::ALL {
            let query = EntryQuery { sort, ..query.clone() };
            assert_eq!(found(&ports, &list, query.clone()).await, [0; 0], "{query:?}");
            assert_ne!(found(&ports, &other, query.clone()).await, [0; 0], "{query:?}");
        }
    }
}

/// Somebody who changes their name is found by the new one at once, and not by the old one.
pub async fn a_changed_profile_is_found_anew(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = people(&ports, &[("ada@example.com", "Ada Byron")]).await;
    assert_eq!(texted(&ports, &list, "byron").await, [1]);
    let entry = paged(&ports, &list, &EntryQuery::default(), 1).await.remove(0);
    ports.entries.update_profile(update_profile(&ports, &entry, named("Ada Lovelace"))).await.unwrap();
    assert_eq!((texted(&ports, &list, "byron").await, texted(&ports, &list, "lovelace").await), (vec![], vec![1]));
    index(&ports).await;
    assert_eq!((texted(&ports, &list, "byron").await, texted(&ports, &list, "ada").await), (vec![], vec![1]));
}

/// People who change their names while terms are written, also by another process, are found by the last name and no other.
pub async fn profiles_change_while_terms_are_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let mut entries = Vec::new();
    for number in 0..8 {
        let person = person(&format!("ada{number}@example.com"), "First Name");
        entries.push(ports.entries.sign_up(sign_up_as(&ports, &list, person)).await.unwrap());
    }
    let rename = async |entry: &Entry| {
        for name in ["Second Name", "Third Name", &format!("Last{}", entry.position.number())] {
            ports.entries.update_profile(update_profile(&ports, entry, named(name))).await.unwrap();
        }
    };
    tokio::join!(join_all(entries.iter().map(rename)), index(&ports), index(&there));
    index(&ports).await;
    for name in ["first", "second", "third", "name"] {
        assert_eq!(texted(&ports, &list, name).await, [0; 0], "{name}");
    }
    for entry in &entries {
        assert_eq!(texted(&ports, &list, &format!("last{}", entry.position.number())).await, [entry.position.number()]);
    }
}

/// Who was deleted or erased is not found, nor anybody of a deleted list.
pub async fn who_is_gone_is_not_found(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = people(&ports, &[("ada@example.com", "Ada"), ("adam@example.com", "Adam"), ("adele@example.com", "Adele")]).await;
    let entries = paged(&ports, &list, &EntryQuery::default(), 10).await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, entries[0].id)).await.unwrap());
    assert!(ports.entries.erase(erase_entry(&ports, list.id, entries[2].id)).await.unwrap());
    for sort in EntrySort::ALL {
        assert_eq!(found(&ports, &list, EntryQuery { sort, ..EntryQuery::default() }).await, [2]);
    }
    assert_eq!(texted(&ports, &list, "ad").await, [2]);
    index(&ports).await;
    assert_eq!(texted(&ports, &list, "ad").await, [2]);
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    index(&ports).await;
    assert_eq!((texted(&ports, &list, "ad").await, found(&ports, &list, EntryQuery::default()).await), (vec![], vec![]));
}

/// Batches of any size find everybody of every list, and people who come afterwards.
pub async fn every_entry_is_found_after_the_last_batch(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await;
    let lists = [active_list_in(&ports, acme.id, "one", json!({})).await, active_list_in(&ports, acme.id, "two", json!({})).await];
    for size in [1, 2, 3, 100] {
        for list in &lists {
            for number in 0..4 {
                join(&ports, list, &format!("ada{size}-{number}@example.com")).await;
            }
        }
        while ports.search.index(size).await.unwrap() {}
        for list in &lists {
            assert_eq!(texted(&ports, list, &format!("ada{size}-")).await.len(), 4, "in batches of {size}");
        }
    }
}

/// One batch finds the new people of other lists, whatever their order.
pub async fn a_long_list_keeps_no_other_waiting(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await;
    let mut lists = Vec::new();
    for (slug, number) in [("first", 1), ("long", 30), ("last", 1)] {
        let list = active_list_in(&ports, acme.id, slug, json!({})).await;
        for n in 0..number {
            join(&ports, &list, &format!("ada{n}@example.com")).await;
        }
        lists.push(list);
    }
    ports.search.index(6).await.unwrap();
    assert_eq!((texted(&ports, &lists[0], "ada").await, texted(&ports, &lists[2], "ada").await), (vec![1], vec![1]));
    index(&ports).await;
    assert_eq!(texted(&ports, &lists[1], "ada").await.len(), 30);
}

/// More lists than a batch may have are long. A list that is not chosen is chosen soon.
pub async fn many_long_lists_keep_no_other_waiting(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await;
    for n in 0..40 {
        let list = active_list_in(&ports, acme.id, &format!("long-{n}"), json!({})).await;
        for person in 0..12 {
            join(&ports, &list, &format!("p{person}@example.com")).await;
        }
    }
    let last = active_list_in(&ports, acme.id, "last", json!({})).await;
    join(&ports, &last, "ada@example.com").await;
    // One entry of each list, so that the long ones are not done. Ten turns in a row go to others once in four million times.
    for _ in 0..10 {
        ports.search.index(1).await.unwrap();
    }
    assert_eq!(texted(&ports, &last, "ada").await, [1]);
}
