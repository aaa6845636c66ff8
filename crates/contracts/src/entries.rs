//! Cases of [`EntryStore`](rally_domain::port::EntryStore), [`EntryStats`](rally_domain::port::EntryStats)
//! and [`StoreHealth`](rally_domain::port::StoreHealth).

use rally_domain::command::{Review, SignUp};
use rally_domain::custom_field::Metadata;
use rally_domain::entry::{Entry, EntryStatus, Invitation};
use rally_domain::id::{EntryId, VariantId, WaitlistId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_domain::referral::Position;
use rally_domain::waitlist::Waitlist;
use serde_json::{Map, Value, json};
use time::macros::date;

use crate::invitations::record;
use crate::reviews::{exported, review};
use crate::samples::{
    active_list, active_list_in, delete_entry, delete_waitlist, full_sign_up, join, join_by, later, profile, sign_up, sign_up_as, workspace,
};
use crate::{Fixture, soon};

pub(crate) async fn all_entries(ports: &Ports, waitlist_id: WaitlistId, status: Option<EntryStatus>, rows: u64) -> Vec<Entry> {
    let limit = Limit::new(rows, Limit::MAX).unwrap();
    let mut after = None;
    let mut entries = Vec::new();
    loop {
        let page = ports.entries.list(waitlist_id, status, after, limit).await.unwrap();
        entries.extend(page.items);
        match page.next {
            Some(position) => after = Some(position),
            None => return entries,
        }
    }
}

pub(crate) fn positions(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position.number()).collect()
}

pub(crate) async fn control_variant(ports: &Ports, waitlist: &Waitlist) -> VariantId {
    ports.variants.list(waitlist.id).await.unwrap()[0].id
}

/// A document reads back to the byte, with numbers of any spelling and size. Stores tend to change these.
pub async fn a_document_reads_back_to_the_byte(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let numbers = [
        "-0",
        "-0.0",
        "0",
        "0.1e1",
        "1E5",
        "2.50",
        "1e16",
        "1e17",
        "3.667660290815539e17",
        "-9.2e18",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "1e22",
        "1e300",
        "1e-7",
        "0.1000000000000000055",
        "2.2250738585072014e-308",
        "5e-324",
    ];
    let document = format!("{{\"n\": [{}], \"o\": {{\"z\": {}, \"a\": -0}}}}", numbers.join(","), numbers[7]);
    let document: Map<String, Value> = serde_json::from_str(&document).unwrap();
    let list = active_list(&ports, json!({ "kept": document })).await;
    let metadata = Metadata::parse(document).unwrap();
    let profile = Profile { metadata: metadata.clone(), ..profile("a@example.com") };
    let entry = ports.entries.sign_up(sign_up_as(&ports, &list, profile)).await.unwrap();
    let text = |document: &Map<String, Value>| Value::Object(document.clone()).to_string();
    let read = there.entries.find(list.id, entry.id).await.unwrap().unwrap();
    assert_eq!(text(read.profile.metadata.document()), text(metadata.document()));
    let read = there.waitlists.find(list.workspace_id, list.id).await.unwrap().unwrap();
    assert_eq!(text(&read.settings.to_document()), text(&list.settings.to_document()));
}

/// Every field of an entry reads back, in another process too.
pub async fn an_entry_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let command = full_sign_up(&ports, &list, "Ünal+x@bücher.example").await;
    assert_eq!(command.variant_id, Some(control_variant(&ports, &list).await));
    let entry = ports.entries.sign_up(command.clone()).await.unwrap();
    assert_eq!((entry.position, entry.status, entry.variant_id), (Position::new(1), EntryStatus::Approved, command.variant_id));
    assert_eq!(entry.profile, command.profile);
    for ports in [&ports, &fixture.reopen().await] {
        assert_eq!(ports.entries.find(list.id, entry.id).await.unwrap(), Some(entry.clone()));
        assert_eq!(all_entries(ports, list.id, None, 10).await, vec![entry.clone()]);
    }
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    assert_eq!(ports.entries.find(elsewhere.id, entry.id).await.unwrap(), None);
}

/// Pages of any size are in the order of positions, and have the entries of one status or of all. A page that starts after the end is
/// empty.
pub async fn pages_go_by_position_and_filter_by_status(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for n in 0..7 {
        ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await.unwrap();
    }
    for rows in [1, 3, 7, 100] {
        assert_eq!(positions(&all_entries(&ports, list.id, None, rows).await), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(positions(&all_entries(&ports, list.id, Some(EntryStatus::Pending), rows).await), [1, 2, 3, 4, 5, 6, 7]);
    }
    assert!(all_entries(&ports, list.id, Some(EntryStatus::Rejected), 3).await.is_empty());
    let after_the_end = ports.entries.list(list.id, None, Some(Position::new(7)), Limit::default()).await.unwrap();
    assert!(after_the_end.items.is_empty() && after_the_end.next.is_none());
}

/// The next page starts after the last row of the page before, even if that row and rows before it are deleted.
pub async fn pages_go_on_where_they_were_though_rows_are_deleted(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut all = Vec::new();
    for n in 0..6 {
        all.push(ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await.unwrap());
    }
    let limit = Limit::new(3, Limit::MAX).unwrap();
    let first = ports.entries.list(list.id, None, None, limit).await.unwrap();
    assert_eq!((positions(&first.items), first.next), (vec![1, 2, 3], Some(Position::new(3))));
    for gone in [0, 2] {
        assert!(ports.entries.delete(delete_entry(&ports, list.id, all[gone].id)).await.unwrap());
    }
    let second = ports.entries.list(list.id, None, first.next, limit).await.unwrap();
    assert_eq!((positions(&second.items), second.next), (vec![4, 5, 6], None));
}

/// Rows of other statuses, before, between and after those of one status, take no place on its page.
pub async fn a_page_of_one_status_is_full(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for n in 0..9 {
        let entry = ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await.unwrap();
        if n % 3 == 2 {
            ports.entries.review(review(&ports, &entry, Review::Approve)).await.unwrap();
        }
    }
    let limit = Limit::new(2, Limit::MAX).unwrap();
    let page = ports.entries.list(list.id, Some(EntryStatus::Approved), None, limit).await.unwrap();
    assert_eq!((positions(&page.items), page.next), (vec![3, 6], Some(Position::new(6))));
    for rows in [1, 2, 3] {
        assert_eq!(positions(&all_entries(&ports, list.id, Some(EntryStatus::Approved), rows).await), [3, 6, 9]);
        assert_eq!(positions(&all_entries(&ports, list.id, Some(EntryStatus::Pending), rows).await), [1, 2, 4, 5, 7, 8]);
    }
}

/// A deleted entry is not on the leaderboard, in any process, even if it has referrals.
pub async fn deleted_people_lead_no_more(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let mut founders = Vec::new();
    for name in ["ada", "bob"] {
        founders.push(ports.entries.sign_up(sign_up(&ports, &list, &format!("{name}@example.com"))).await.unwrap());
    }
    for (n, founder) in [0, 0, 1].into_iter().enumerate() {
        let friends_code = Some(founders[founder].referral_code.clone());
        ports.entries.sign_up(SignUp { friends_code, ..sign_up(&ports, &list, &format!("p{n}@example.com")) }).await.unwrap();
    }
    assert!(ports.entries.delete(delete_entry(&ports, list.id, founders[0].id)).await.unwrap());
    for ports in [&ports, &there] {
        let leaders = ports.stats.leaders(list.id, Limit::default()).await.unwrap();
        assert_eq!(leaders.iter().map(|leader| leader.position.number()).collect::<Vec<_>>(), [2]);
        let top = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap().top_referrals;
        assert_eq!(top.iter().map(|row| row.id).collect::<Vec<_>>(), [founders[1].id]);
    }
}

/// The leaderboard is ordered by referrals and then by position, and has no entry without a referral.
pub async fn leaders_come_by_referrals_then_position(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut founders = Vec::new();
    for name in ["a", "b", "c", "d"] {
        founders.push(ports.entries.sign_up(sign_up(&ports, &list, &format!("{name}@example.com"))).await.unwrap());
    }
    for (n, founder) in [1, 1, 2, 3, 1, 3].into_iter().enumerate() {
        let friends_code = Some(founders[founder].referral_code.clone());
        ports.entries.sign_up(SignUp { friends_code, ..sign_up(&ports, &list, &format!("p{n}@example.com")) }).await.unwrap();
    }
    let leaders = |rows| {
        let (ports, id) = (ports.clone(), list.id);
        async move {
            let leaders = ports.stats.leaders(id, Limit::new(rows, Limit::MAX).unwrap()).await.unwrap();
            leaders.iter().map(|l| (l.email.to_string(), l.referral_count, l.position.number())).collect::<Vec<_>>()
        }
    };
    let expected = [("b@example.com", 3, 2), ("d@example.com", 2, 4), ("c@example.com", 1, 3)].map(|(e, n, p)| (e.to_owned(), n, p));
    assert_eq!(leaders(50).await, expected);
    assert_eq!(leaders(2).await, expected[..2]);
}

/// The store answers, and tells how busy it is.
pub async fn the_store_answers(fixture: &impl Fixture) {
    let ports = fixture.ports();
    ports.health.ping().await.unwrap();
    let connections = ports.health.connections();
    assert!(connections.in_use <= connections.most && connections.most > 0);
}

/// A review, a credit and an invitation change only their own fields, for every reader.
pub async fn an_entry_keeps_its_fields_through_every_change(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let friends_code = Some(ada.referral_code.clone());
    let command = SignUp { friends_code, ..full_sign_up(&ports, &list, "bob@example.com").await };
    let bob = ports.entries.sign_up(command).await.unwrap();
    assert_eq!(ports.entries.find(list.id, bob.id).await.unwrap().as_ref(), Some(&bob));
    let friend =
        SignUp { friends_code: Some(bob.referral_code.clone()), now: later(&ports, 5), ..sign_up(&ports, &list, "eve@example.com") };
    ports.entries.sign_up(friend).await.unwrap();
    let credited = Entry { referral_count: 1, ..bob };
    assert_eq!(ports.entries.find(list.id, credited.id).await.unwrap().as_ref(), Some(&credited));
    let approve = review(&ports, &credited, Review::Approve);
    let approved = ports.entries.review(approve.clone()).await.unwrap();
    assert_eq!(approved, Entry { status: EntryStatus::Approved, updated_at: approve.now, ..credited });
    assert_eq!(ports.entries.find(list.id, approved.id).await.unwrap().as_ref(), Some(&approved));
    let command = record(&ports, &approved, "app", "first");
    let invitation = Some(Invitation { at: command.now, app_slug: Some("app".to_owned()) });
    let invited = ports.entries.record_invitation(command.clone()).await.unwrap().entry;
    assert_eq!(invited, Entry { invitation, updated_at: command.now, ..approved });
    for ports in [&ports, &there] {
        assert_eq!(ports.entries.find(list.id, invited.id).await.unwrap().as_ref(), Some(&invited));
        assert_eq!(all_entries(ports, list.id, None, 10).await[1], invited);
        assert_eq!(exported(ports, list.id).await[1], invited);
    }
}

/// Entries of each status are found by it. A list of all and an export have every entry.
pub async fn entries_of_each_status_are_found(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut all = vec![join(&ports, &list, "ada@example.com").await];
    for (address, verdict) in [("bob@example.com", Review::Approve), ("eve@example.com", Review::Reject)] {
        let entry = join(&ports, &list, address).await;
        all.push(ports.entries.review(review(&ports, &entry, verdict)).await.unwrap());
    }
    assert_eq!((all_entries(&ports, list.id, None, 10).await, exported(&ports, list.id).await), (all.clone(), all.clone()));
    for entry in all {
        assert_eq!(all_entries(&ports, list.id, Some(entry.status), 10).await, [entry]);
    }
}

/// A page that ends with the last row names no next one.
pub async fn a_full_last_page_of_entries_has_no_next(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for n in 0..3 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    for status in [None, Some(EntryStatus::Pending)] {
        let limit = Limit::new(3, Limit::MAX).unwrap();
        let page = ports.entries.list(list.id, status, None, limit).await.unwrap();
        assert_eq!((positions(&page.items), page.next), (vec![1, 2, 3], None));
    }
}

/// A rejected entry that is approved after all is on the leaderboard as before.
pub async fn a_person_leads_again_once_approved(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    join_by(&ports, &list, &ada, "bob@example.com").await;
    for (verdict, leaders) in [(Review::Reject, 0), (Review::Approve, 1)] {
        ports.entries.review(review(&ports, &ada, verdict)).await.unwrap();
        assert_eq!(ports.stats.leaders(list.id, Limit::default()).await.unwrap().len(), leaders);
        assert_eq!(ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap().top_referrals.len(), leaders);
    }
}

/// A credit, a review or a deletion shows on the leaderboard at once in its own process, and within a second in another one.
pub async fn a_new_leader_shows_elsewhere_within_a_second(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let leaders = async |ports: &Ports| {
        let leaders = ports.stats.leaders(list.id, Limit::default()).await.unwrap();
        leaders.iter().map(|leader| (leader.position.number(), leader.referral_count)).collect::<Vec<_>>()
    };
    assert_eq!((leaders(&ports).await, leaders(&there).await), (Vec::new(), Vec::new()));
    for (change, expected) in [vec![(1, 1)], vec![(1, 1), (2, 1)], vec![(1, 1)], Vec::new()].into_iter().enumerate() {
        match change {
            0 => drop(join_by(&ports, &list, &ada, "eve@example.com").await),
            1 => drop(join_by(&ports, &list, &bob, "dan@example.com").await),
            2 => drop(ports.entries.review(review(&ports, &bob, Review::Reject)).await.unwrap()),
            _ => assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap()),
        }
        assert_eq!(leaders(&ports).await, expected);
        soon("a change of the leaderboard", async || leaders(&there).await == expected).await;
    }
}

/// An entry is found by its id on lists of two workspaces, in another process too, until the entry or its list is deleted.
pub async fn an_entry_is_found_by_its_id_alone(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let beta = workspace(&ports, "beta").await.id;
    let other = active_list_in(&ports, beta, "list", json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &other, "bob@example.com").await);
    for entry in [&ada, &bob] {
        assert_eq!(ports.entries.find_by_id(entry.id).await.unwrap().as_ref(), Some(entry));
        assert_eq!(there.entries.find_by_id(entry.id).await.unwrap().as_ref(), Some(entry));
    }
    assert_eq!(ports.entries.find_by_id(EntryId::new(ports.ids.uuid())).await.unwrap(), None);
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    assert!(ports.waitlists.delete(delete_waitlist(&ports, beta, other.id)).await.unwrap());
    for entry in [&ada, &bob] {
        assert_eq!(there.entries.find_by_id(entry.id).await.unwrap(), None);
    }
}
