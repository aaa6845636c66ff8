//! Cases of exports of everything of a list.

use futures_util::StreamExt;
use rally_domain::command::{Selected, SignUp};
use rally_domain::entry::Entry;
use rally_domain::export::Line;
use rally_domain::id::WaitlistId;
use rally_domain::ledger::{ReferralFilter, ReferralState};
use rally_domain::paging::Limit;
use rally_domain::port::{LineStream, Ports};
use rally_domain::waitlist::Waitlist;
use serde_json::json;

use crate::Fixture;
use crate::imports::{import, row, run};
use crate::referrals::decision;
use crate::samples::{active_list, active_list_in, delete_entry, erase_entry, join, join_by, sign_up};

async fn read_all(stream: LineStream) -> Vec<Line> {
    stream.map(|batch| batch.unwrap()).collect::<Vec<_>>().await.concat()
}

/// The lines of an export.
pub(crate) async fn exported(ports: &Ports, list: WaitlistId) -> Vec<Line> {
    read_all(ports.waitlists.export(list).await.unwrap()).await
}

/// The type of a line.
fn kind(line: &Line) -> &'static str {
    match line {
        Line::Export(_) => "export",
        Line::Waitlist(_) => "waitlist",
        Line::Variant(_) => "variant",
        Line::Entry(_) => "entry",
        Line::Tombstone(_) => "tombstone",
        Line::Referral(_) => "referral",
        Line::End(_) => "end",
    }
}

/// A list with all that a list can have: an imported person with an old code, friends, one who was erased, one who was deleted, and a
/// decision about a referral.
pub(crate) async fn full_list(ports: &Ports) -> Waitlist {
    let list = active_list(ports, json!({"referral_boost": 2, "unknown": [1]})).await;
    let imported = rally_domain::import::ImportRow { old_code: Some("Old".to_owned()), ..row(2, 10, "imported@example.com") };
    run(ports, import(ports, &list), vec![imported]).await;
    let ada = join(ports, &list, "ada@example.com").await;
    let friends: Vec<Entry> = vec![
        join_by(ports, &list, &ada, "bob@example.com").await,
        join_by(ports, &list, &ada, "cem@example.com").await,
        join_by(ports, &list, &ada, "dora@example.com").await,
        join_by(ports, &list, &ada, "eve@example.com").await,
    ];
    let rows = ports.referrals.list(list.id, ReferralFilter::default(), None, Limit::default()).await.unwrap().items;
    let of_eve = rows.iter().find(|row| row.referred == Some(friends[3].id)).unwrap();
    let revoke = decision(ports, &list, Selected::Ids(vec![of_eve.id]), ReferralState::Revoked);
    ports.referrals.decide(revoke).await.unwrap();
    join_by(ports, &list, &friends[1], "fay@example.com").await;
    assert!(ports.entries.erase(erase_entry(ports, list.id, friends[1].id)).await.unwrap());
    assert!(ports.entries.delete(delete_entry(ports, list.id, friends[2].id)).await.unwrap());
    list
}

/// An export has the list, its variants, everybody with old codes, what stays of the erased, and the ledger.
pub async fn an_export_has_everything_of_a_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = full_list(&ports).await;
    let lines = exported(&ports, list.id).await;
    let kinds: Vec<&str> = lines.iter().map(kind).collect();
    let people = ["entry", "entry", "entry", "tombstone", "entry", "entry"];
    let ledger = ["referral"; 5];
    assert_eq!(kinds, ["waitlist", "variant"].into_iter().chain(people).chain(ledger).collect::<Vec<_>>());
    let Line::Waitlist(head) = &lines[0] else { panic!("{:?}", lines[0]) };
    assert_eq!((head.status.as_str(), &head.settings["unknown"]), ("active", &json!([1])));
    let Line::Entry(imported) = &lines[2] else { panic!("{:?}", lines[2]) };
    assert_eq!((imported.old_codes.as_slice(), imported.position), (["Old".to_owned()].as_slice(), 1));
    let Line::Entry(ada) = &lines[3] else { panic!("{:?}", lines[3]) };
    assert_eq!((ada.email.as_str(), ada.referral_count), ("ada@example.com", 3));
    let Line::Tombstone(stone) = &lines[5] else { panic!("{:?}", lines[5]) };
    assert_eq!((stone.position, stone.referred_by.as_ref(), stone.referral_count), (4, Some(&ada.id), 1));
    let states: Vec<&str> =
        lines.iter().filter_map(|line| if let Line::Referral(row) = line { Some(row.state.as_str()) } else { None }).collect();
    assert_eq!(states, ["credited", "credited", "credited", "credited", "revoked"]);
}

/// An export has nothing of another list, and names nobody who is gone.
pub async fn an_export_is_of_one_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = full_list(&ports).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let stranger = join(&ports, &other, "stranger@example.com").await;
    join_by(&ports, &other, &stranger, "friend@example.com").await;
    let lines = exported(&ports, list.id).await;
    let ids: Vec<&str> =
        lines.iter().filter_map(|line| if let Line::Entry(entry) = line { Some(entry.id.as_str()) } else { None }).collect();
    assert_eq!(ids.len(), 5);
    for line in &lines {
        if let Line::Referral(row) = line {
            let named = [&row.referrer_entry_id, &row.referred_entry_id].into_iter().flatten();
            assert!(named.into_iter().all(|id| ids.contains(&id.as_str())), "{row:?}");
        }
    }
    assert_eq!(exported(&ports, other.id).await.iter().filter(|line| kind(line) == "entry").count(), 2);
}

/// An export shows nothing that changes while it is read.
pub async fn an_export_of_everything_shows_one_moment(fixture: &impl Fixture) {
    const MANY: usize = 1200;
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    for n in 0..MANY {
        let friend = SignUp { friends_code: Some(ada.referral_code.clone()), ..sign_up(&ports, &list, &format!("p{n}@example.com")) };
        ports.entries.sign_up(friend).await.unwrap();
    }
    let before = exported(&ports, list.id).await;
    assert_eq!(before.len(), 2 + 1 + MANY + MANY);
    let mut stream = ports.waitlists.export(list.id).await.unwrap();
    let mut seen = stream.next().await.unwrap().unwrap();
    join(&there, &list, "late@example.com").await;
    there.entries.erase(erase_entry(&there, list.id, ada.id)).await.unwrap();
    seen.extend(read_all(stream).await);
    assert_eq!(seen, before);
}
