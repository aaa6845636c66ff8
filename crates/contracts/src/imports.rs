//! Cases of imports: rows become entries once and in their order, whatever happens to the worker.

use std::cmp::Reverse;
use std::collections::HashMap;

use futures_util::future::join_all;
use rally_domain::command::{CancelImport, IMPORTED_REFERRALS, ImportRejection, ImportWork, NOT_EMPTY, RowIds, StageRows};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::CommandError;
use rally_domain::export::Line;
use rally_domain::id::{ClaimId, ImportId, WaitlistId};
use rally_domain::import::{
    Import, ImportNumbers, ImportProblem, ImportRow, ImportState, ImportStep, OnDuplicate, ReferrerName, RestoreContent, RestoreItem,
};
use rally_domain::ledger::{ReferralFilter, ReferralState};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_domain::referral::{OldCode, ReferralCode};
use rally_domain::suppression::SuppressionReason;
use rally_domain::text::{PersonName, Subject};
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;
use serde_json::{Value, json};

use crate::Fixture;
use crate::entries::all_entries;
use crate::exports::{exported, full_list};
use crate::mails::talking_list;
use crate::samples::{
    ACTOR, active_list, active_list_in, delete_entry, delete_waitlist, email, erase_entry, full_profile, join, join_by, later, profile,
    workspace,
};
use crate::search::{index, texted};

/// The most steps that an import of a case takes.
const MAX_STEPS: usize = 60;

/// A new import into a list.
pub fn import(ports: &Ports, waitlist: &Waitlist) -> Import {
    Import {
        id: ImportId::new(ports.ids.uuid()),
        workspace_id: waitlist.workspace_id,
        waitlist_id: waitlist.id,
        state: ImportState::Uploading,
        step: ImportStep::Read,
        on_duplicate: OnDuplicate::Skip,
        dry_run: false,
        notify: false,
        source: String::new(),
        error: None,
        numbers: ImportNumbers::default(),
        mark: Import::FIRST,
        started_by: None,
        actor: None,
        created_at: ports.clock.now(),
        started_at: None,
        ended_at: None,
    }
}

/// The command that cancels an import of a list.
pub fn cancel(ports: &Ports, waitlist_id: WaitlistId, id: ImportId) -> CancelImport {
    CancelImport { waitlist_id, id, actor: ACTOR, now: ports.clock.now() }
}

/// A row of an address, signed up at a second.
pub fn row(line: u64, second: i64, address: &str) -> ImportRow {
    ImportRow {
        line,
        place: line,
        profile: profile(address),
        has_name: true,
        status: EntryStatus::Pending,
        suppressed: None,
        created_at: Timestamp::from_unix_millis(second * 1000).ok(),
        confirmed_at: None,
        old_code: None,
        referrer: None,
        referral_count: 0,
        limits_credits: false,
        row_id: None,
    }
}

fn claim_id(ports: &Ports) -> ClaimId {
    ClaimId::new(ports.ids.uuid())
}

/// The command that stages rows as all that a file has.
fn stage(ports: &Ports, import: &Import, claim: ClaimId, rows: Vec<ImportRow>) -> StageRows {
    StageRows {
        import_id: import.id,
        claim,
        now: ports.clock.now(),
        lease_until: later(ports, 60),
        rows,
        lines: Vec::new(),
        problems: Vec::new(),
        failed: 0,
        mark: [9, 9, 0],
        first_piece: u64::MAX,
        next: Some(ImportStep::Add),
    }
}

/// The command that does the next group of at most that many rows.
fn work(ports: &Ports, import: &Import, claim: ClaimId, rows: usize) -> ImportWork {
    ImportWork {
        import_id: import.id,
        waitlist_id: import.waitlist_id,
        claim,
        now: ports.clock.now(),
        lease_until: later(ports, 60),
        gives_up: false,
        fresh: (0..rows).map(|_| RowIds::new(&*ports.ids)).collect(),
        links: ports.links.clone(),
    }
}

/// An import whose rows are staged, and the claim that holds it.
pub(crate) async fn staged(ports: &Ports, new: Import, rows: Vec<ImportRow>) -> (Import, ClaimId) {
    ports.imports.begin(new.clone(), later(ports, 60)).await.unwrap();
    assert!(ports.imports.put_piece(new.id, 0, b"file".to_vec(), later(ports, 60)).await.unwrap());
    ports.imports.arrive(new.id, Ok("{}".to_owned()), ports.clock.now()).await.unwrap().unwrap();
    let claim = claim_id(ports);
    let held = ports.imports.claim(claim, ports.clock.now(), later(ports, 60)).await.unwrap().unwrap();
    assert_eq!((held.id, held.state), (new.id, ImportState::Running));
    let import = ports.imports.stage(stage(ports, &held, claim, rows)).await.unwrap().unwrap();
    (import, claim)
}

/// Does groups of two rows until the import has ended and nothing is left to clean.
async fn drive(ports: &Ports, mut import: Import, claim: ClaimId) -> Import {
    for _ in 0..MAX_STEPS {
        if import.step == ImportStep::Over {
            return import;
        }
        import = ports.imports.work(work(ports, &import, claim, 2)).await.unwrap().unwrap();
    }
    panic!("the import does not end: {import:?}");
}

/// Imports rows into a list.
pub(crate) async fn run(ports: &Ports, new: Import, rows: Vec<ImportRow>) -> Import {
    let (import, claim) = staged(ports, new, rows).await;
    drive(ports, import, claim).await
}

async fn entries(ports: &Ports, list: &Waitlist) -> Vec<Entry> {
    all_entries(ports, list.id, None, 10).await
}

fn addresses(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.profile.email.as_str()).collect()
}

const fn numbers(import: &Import) -> [u64; 4] {
    let ImportNumbers { added, updated, skipped, failed } = import.numbers;
    [added, updated, skipped, failed]
}

/// Every field of an import reads back, in every process.
pub async fn an_import_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let new = Import {
        on_duplicate: OnDuplicate::Update,
        dry_run: true,
        notify: true,
        source: "{\"a\":1}".to_owned(),
        started_by: Some(Subject::parse("ada").unwrap()),
        ..import(&ports, &list)
    };
    ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
    assert_eq!(there.imports.find(list.id, new.id).await.unwrap(), Some(new.clone()));
    let queued = ports.imports.arrive(new.id, Ok("{\"b\":2}".to_owned()), ports.clock.now()).await.unwrap().unwrap();
    assert_eq!((queued.state, queued.source.as_str()), (ImportState::Queued, "{\"b\":2}"));
    assert_eq!(there.imports.find(list.id, new.id).await.unwrap(), Some(queued));
    assert_eq!(ports.imports.arrive(new.id, Ok(String::new()), ports.clock.now()).await.unwrap(), None);
    let other = import(&ports, &list);
    ports.imports.begin(other.clone(), later(&ports, 60)).await.unwrap();
    let failed = ports.imports.arrive(other.id, Err("no columns".to_owned()), ports.clock.now()).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.error.as_deref()), (ImportState::Failed, Some("no columns")));
    assert_eq!(there.imports.find(list.id, other.id).await.unwrap(), Some(failed));
}

/// The pieces of a file read back to the byte, in every process.
pub async fn a_file_reads_back_to_the_byte(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let new = import(&ports, &list);
    ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
    let pieces = [vec![0xff, 0, b'a', b'\n'], vec![b'x'; 300_000]];
    for (number, piece) in pieces.iter().enumerate() {
        assert!(ports.imports.put_piece(new.id, number as u64, piece.clone(), later(&ports, 60)).await.unwrap());
    }
    for (number, piece) in pieces.iter().enumerate() {
        assert_eq!(there.imports.piece(new.id, number as u64).await.unwrap().as_ref(), Some(piece));
    }
    assert_eq!(there.imports.piece(new.id, 2).await.unwrap(), None);
}

/// An upload that nobody goes on with fails once its lease has ended, and takes no more.
pub async fn an_upload_that_broke_off_fails(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let new = import(&ports, &list);
    ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
    assert_eq!(ports.imports.claim(claim_id(&ports), later(&ports, 10), later(&ports, 70)).await.unwrap(), None);
    assert!(ports.imports.put_piece(new.id, 0, b"a".to_vec(), later(&ports, 90)).await.unwrap());
    assert_eq!(ports.imports.claim(claim_id(&ports), later(&ports, 80), later(&ports, 140)).await.unwrap(), None);
    assert!(ports.imports.prolong(new.id, later(&ports, 120)).await.unwrap());
    assert_eq!(ports.imports.claim(claim_id(&ports), later(&ports, 110), later(&ports, 170)).await.unwrap(), None);
    let failed = ports.imports.claim(claim_id(&ports), later(&ports, 121), later(&ports, 150)).await.unwrap().unwrap();
    assert_eq!((failed.id, failed.state, failed.step), (new.id, ImportState::Failed, ImportStep::Clean));
    assert!(!ports.imports.put_piece(new.id, 1, b"b".to_vec(), later(&ports, 200)).await.unwrap());
    assert!(!ports.imports.prolong(new.id, later(&ports, 200)).await.unwrap());
    assert_eq!(ports.imports.arrive(new.id, Ok(String::new()), ports.clock.now()).await.unwrap(), None);
}

/// An import is found and cancelled on its own list.
pub async fn an_import_is_of_its_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let new = import(&ports, &list);
    ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
    assert_eq!(ports.imports.find(other.id, new.id).await.unwrap(), None);
    assert_eq!(ports.imports.cancel(cancel(&ports, other.id, new.id)).await.unwrap(), None);
    assert_eq!(ports.imports.find(list.id, new.id).await.unwrap(), Some(new));
}

/// The imports of a list are listed, newest first.
pub async fn imports_of_a_list_are_listed_newest_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let (mut own, lease_until) = (Vec::new(), later(&ports, 60));
    for second in [2, 1, 3] {
        let new = Import { created_at: later(&ports, second), ..import(&ports, &list) };
        ports.imports.begin(new.clone(), lease_until).await.unwrap();
        own.push(new);
        let new = Import { created_at: later(&ports, second), ..import(&ports, &other) };
        ports.imports.begin(new, lease_until).await.unwrap();
    }
    own.sort_by_key(|import| Reverse(import.created_at));
    assert_eq!(ports.imports.list(list.id, 10).await.unwrap(), own);
    assert_eq!(ports.imports.list(list.id, 2).await.unwrap(), own[..2]);
    assert_eq!(ports.imports.list(other.id, 10).await.unwrap().len(), 3);
}

/// Problems come in the order of the file, each once, though pages are small.
pub async fn problems_are_in_the_order_of_the_file(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 1})).await;
    let (import, claim) = staged(&ports, import(&ports, &list), Vec::new()).await;
    let import = drive(&ports, import, claim).await;
    assert_eq!(ports.imports.problems(import.id, None, 10).await.unwrap(), []);
    let new = self::import(&ports, &list);
    ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
    ports.imports.arrive(new.id, Ok("{}".to_owned()), ports.clock.now()).await.unwrap().unwrap();
    let held = ports.imports.claim(claim, ports.clock.now(), later(&ports, 60)).await.unwrap().unwrap();
    let problem = |line, column: &str| ImportProblem { line, column: column.to_owned(), reason: "is wrong".to_owned() };
    let rows = vec![row(2, 1, "a@example.com"), row(5, 2, "b@example.com")];
    let problems = vec![problem(7, ""), problem(3, "name"), problem(3, "email")];
    let staged = StageRows { problems, failed: 2, ..stage(&ports, &held, claim, rows) };
    let import = ports.imports.stage(staged).await.unwrap().unwrap();
    let import = drive(&ports, import, claim).await;
    assert_eq!(numbers(&import), [1, 0, 0, 3]);
    let (mut read, mut after) = (Vec::new(), None);
    while read.len() < 10 {
        let page = ports.imports.problems(import.id, after, 2).await.unwrap();
        assert!(page.len() <= 2, "{page:?}");
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        read.extend(page.into_iter().map(|(_, problem)| (problem.line, problem.column)));
    }
    let expected = [(3, "name"), (3, "email"), (5, ""), (7, "")].map(|(line, column)| (line, column.to_owned()));
    assert_eq!(read, expected);
}

/// A cancelled import adds no more. What it added stays.
pub async fn a_cancelled_import_adds_no_more(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let rows = (1..=5).map(|n| row(n, n as i64, &format!("p{n}@example.com"))).collect();
    let (import, claim) = staged(&ports, import(&ports, &list), rows).await;
    ports.imports.work(work(&ports, &import, claim, 2)).await.unwrap().unwrap();
    let cancelled =
        there.imports.cancel(CancelImport { now: later(&ports, 5), ..cancel(&ports, list.id, import.id) }).await.unwrap().unwrap();
    assert_eq!((cancelled.state, cancelled.ended_at), (ImportState::Cancelled, Some(later(&ports, 5))));
    assert_eq!(there.imports.cancel(cancel(&ports, list.id, import.id)).await.unwrap(), None);
    let import = drive(&ports, cancelled, claim).await;
    assert_eq!((import.state, numbers(&import)), (ImportState::Cancelled, [2, 0, 0, 0]));
    assert_eq!(addresses(&entries(&ports, &list).await), ["p1@example.com", "p2@example.com"]);
}

/// One claim holds an import until its lease ends. A worker that lost it writes nothing.
pub async fn one_worker_at_a_time_holds_an_import(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let (import, claim) = staged(&ports, import(&ports, &list), vec![row(2, 1, "a@example.com")]).await;
    let other = claim_id(&there);
    assert_eq!(there.imports.claim(other, later(&ports, 30), later(&ports, 90)).await.unwrap(), None);
    let mine = ports.imports.claim(claim, later(&ports, 30), later(&ports, 60)).await.unwrap();
    assert_eq!(mine.map(|import| import.id), Some(import.id));
    let taken = there.imports.claim(other, later(&ports, 61), later(&ports, 120)).await.unwrap().unwrap();
    assert_eq!((taken.id, taken.step), (import.id, ImportStep::Add));
    assert_eq!(ports.imports.work(work(&ports, &import, claim, 2)).await.unwrap(), None);
    assert_eq!(entries(&ports, &list).await, []);
    let import = drive(&there, taken, other).await;
    assert_eq!(numbers(&import), [1, 0, 0, 0]);
}

/// Imports are claimed in the order in which they were made.
pub async fn older_imports_come_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for second in [2, 1, 3] {
        let new = Import { created_at: later(&ports, second), ..import(&ports, &list) };
        ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
        ports.imports.arrive(new.id, Ok("{}".to_owned()), later(&ports, 4)).await.unwrap().unwrap();
    }
    for second in [1, 2, 3] {
        let claimed = ports.imports.claim(claim_id(&ports), later(&ports, 5), later(&ports, 65)).await.unwrap();
        assert_eq!(claimed.map(|import| import.created_at), Some(later(&ports, second)));
    }
}

/// A claim goes on with the import that it holds, although an older one is free. So a worker that stops lets go of its own.
pub async fn a_claim_goes_on_with_its_import(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let begin = async |second| {
        let new = Import { created_at: later(&ports, second), ..import(&ports, &list) };
        ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
        ports.imports.arrive(new.id, Ok("{}".to_owned()), later(&ports, 4)).await.unwrap().unwrap();
        new.id
    };
    let younger = begin(2).await;
    let [claim, other] = [claim_id(&ports), claim_id(&ports)];
    let claims = async |claim, now, until| {
        let claimed = ports.imports.claim(claim, later(&ports, now), later(&ports, until)).await.unwrap();
        claimed.map(|import| import.id)
    };
    assert_eq!(claims(claim, 5, 65).await, Some(younger));
    let older = begin(1).await;
    assert_eq!(claims(claim, 6, 66).await, Some(younger));
    assert_eq!(claims(claim, 7, 6).await, Some(younger));
    assert_eq!([claims(other, 7, 67).await, claims(claim, 7, 67).await], [Some(older), Some(younger)]);
}

/// Each group that is read or done prolongs the claim, as long as it says.
pub async fn a_group_prolongs_the_claim(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let new = import(&ports, &list);
    ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
    ports.imports.arrive(new.id, Ok("{}".to_owned()), ports.clock.now()).await.unwrap().unwrap();
    let (claim, other) = (claim_id(&ports), claim_id(&there));
    let held = ports.imports.claim(claim, ports.clock.now(), later(&ports, 60)).await.unwrap().unwrap();
    let claims = async |seconds| there.imports.claim(other, later(&there, seconds), later(&there, seconds + 60)).await.unwrap();
    let rows = || vec![row(2, 1, "a@example.com"), row(3, 2, "b@example.com")];
    let stage = |seconds, next| StageRows {
        now: later(&ports, seconds),
        lease_until: later(&ports, seconds + 60),
        next,
        ..stage(&ports, &held, claim, rows())
    };
    ports.imports.stage(StageRows { rows: Vec::new(), ..stage(50, None) }).await.unwrap().unwrap();
    assert_eq!(claims(80).await, None);
    let import = ports.imports.stage(stage(100, Some(ImportStep::Add))).await.unwrap().unwrap();
    assert_eq!(claims(140).await, None);
    let group = ImportWork { now: later(&ports, 150), lease_until: later(&ports, 210), ..work(&ports, &import, claim, 1) };
    let import = ports.imports.work(group).await.unwrap().unwrap();
    assert_eq!(claims(180).await, None);
    assert_eq!(claims(211).await.map(|import| import.id), Some(import.id));
}

/// Rows are staged with the place where the reader goes on. A reader that tries again goes on there.
pub async fn rows_are_staged_once(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let new = import(&ports, &list);
    ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
    ports.imports.arrive(new.id, Ok("{}".to_owned()), ports.clock.now()).await.unwrap().unwrap();
    let claim = claim_id(&ports);
    let held = ports.imports.claim(claim, ports.clock.now(), later(&ports, 60)).await.unwrap().unwrap();
    let first = StageRows { mark: [100, 3, 0], next: None, failed: 1, ..stage(&ports, &held, claim, vec![row(2, 1, "a@example.com")]) };
    ports.imports.stage(first).await.unwrap().unwrap();
    let again = ports.imports.claim(claim, ports.clock.now(), later(&ports, 60)).await.unwrap().unwrap();
    assert_eq!((again.step, again.mark, numbers(&again)), (ImportStep::Read, [100, 3, 0], [0, 0, 0, 1]));
    let import = ports.imports.stage(stage(&ports, &again, claim, vec![row(4, 2, "b@example.com")])).await.unwrap().unwrap();
    assert_eq!(ports.imports.stage(stage(&ports, &again, claim, Vec::new())).await.unwrap(), None, "the file is read");
    let import = drive(&ports, import, claim).await;
    assert_eq!(numbers(&import), [2, 0, 0, 1]);
}

/// Rows become entries in the order of their sign-ups, behind those who are there, with everything that they have.
pub async fn rows_become_entries_in_their_order(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"email_confirmation": true})).await;
    let admin =
        rally_domain::command::SignUp { actor: crate::samples::ACTOR, ..crate::samples::sign_up(&ports, &list, "first@example.com") };
    ports.entries.sign_up(admin).await.unwrap();
    let full = ImportRow {
        profile: Profile { consent: None, ..full_profile("full@example.com") },
        status: EntryStatus::Approved,
        confirmed_at: Some(Timestamp::from_unix_millis(1_500).ok()),
        suppressed: Some(SuppressionReason::Unsubscribed),
        ..row(4, 1, "full@example.com")
    };
    let unknown = ImportRow { created_at: None, confirmed_at: Some(None), ..row(2, 0, "unknown@example.com") };
    let rows = vec![unknown, row(3, 9, "late@example.com"), full.clone(), row(5, 5, "middle@example.com")];
    let import = run(&ports, import(&ports, &list), rows).await;
    assert_eq!((import.state, numbers(&import)), (ImportState::Done, [4, 0, 0, 0]));
    let entries = entries(&there, &list).await;
    let order = ["first@example.com", "full@example.com", "middle@example.com", "late@example.com", "unknown@example.com"];
    assert_eq!(addresses(&entries), order);
    assert_eq!(entries.iter().map(|entry| entry.position.number()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!((&entries[1].profile, entries[1].status), (&full.profile, EntryStatus::Approved));
    assert_eq!((Some(entries[1].created_at), entries[1].confirmed_at), (full.created_at, full.confirmed_at.flatten()));
    assert_eq!((entries[4].created_at, entries[4].confirmed_at), (import.created_at, Some(import.created_at)));
    assert_eq!(entries[2].confirmed_at, None);
    let address = ports.links.secret().hash_address(&email("full@example.com"));
    let suppressed = there.suppressions.find(list.workspace_id, address).await.unwrap();
    assert_eq!(suppressed.iter().map(|row| row.reason).collect::<Vec<_>>(), [SuppressionReason::Unsubscribed]);
}

/// The totals of an imported list are those of its rows, and a rebuild finds nothing wrong.
pub async fn totals_are_those_of_the_rows(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let by_ada = ReferrerName::Code(ada.referral_code.to_string());
    let rejected = ImportRow { status: EntryStatus::Rejected, referrer: Some(by_ada), ..row(2, 1, "a@example.com") };
    let with_source = ImportRow { profile: full_profile("b@example.com"), ..row(3, 2, "b@example.com") };
    run(&ports, import(&ports, &list), vec![rejected, with_source]).await;
    let update = Import { on_duplicate: OnDuplicate::Update, ..import(&ports, &list) };
    run(&ports, update, vec![ImportRow { profile: full_profile("ada@example.com"), ..row(2, 1, "ada@example.com") }]).await;
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 3);
    let analytics = ports.stats.analytics(list.id, ports.clock.now().day()).await.unwrap();
    assert_eq!((analytics.counters.rejected, analytics.counters.referred), (1, 1));
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// However many workers try a group, and however often, each row is added once.
pub async fn no_row_is_added_twice(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let rows = (1..=9).map(|n| row(n, n as i64, &format!("p{n}@example.com"))).collect();
    let (import, claim) = staged(&ports, import(&ports, &list), rows).await;
    let tries = (0..8).map(|n| {
        let ports = if n % 2 == 0 { &ports } else { &there };
        ports.imports.work(work(ports, &import, claim, 2))
    });
    join_all(tries).await;
    let import = ports.imports.claim(claim, ports.clock.now(), later(&ports, 60)).await.unwrap().unwrap();
    let import = drive(&there, import, claim).await;
    assert_eq!(numbers(&import), [9, 0, 0, 0]);
    let entries = entries(&ports, &list).await;
    assert_eq!(entries.iter().map(|entry| entry.position.number()).collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
}

/// People sign up while an import runs. Nobody is lost, and positions have no gaps.
pub async fn people_sign_up_meanwhile(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    join(&there, &list, "before@example.com").await;
    let rows = (1..=20).map(|n| row(n, n as i64, &format!("row{n}@example.com"))).collect();
    let (import, claim) = staged(&ports, import(&ports, &list), rows).await;
    let people = async {
        for n in 0..20 {
            join(&there, &list, &format!("person{n}@example.com")).await;
        }
    };
    let (import, ()) = futures_util::join!(drive(&ports, import, claim), people);
    assert_eq!(numbers(&import), [20, 0, 0, 0]);
    let entries = entries(&ports, &list).await;
    assert_eq!(entries.iter().map(|entry| entry.position.number()).collect::<Vec<_>>(), (1..=41).collect::<Vec<_>>());
}

/// A list that takes each mailbox once gets no second address of one. Others do.
pub async fn a_mailbox_is_imported_once(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let once = active_list(&ports, json!({"one_per_mailbox": true})).await;
    join(&ports, &once, "there+a@example.com").await;
    let rows =
        || vec![row(2, 10, "there@example.com"), row(3, 11, "a.b@gmail.com"), row(4, 12, "other@example.com"), row(5, 13, "ab@gmail.com")];
    let done = run(&ports, Import { on_duplicate: OnDuplicate::Update, ..import(&ports, &once) }, rows()).await;
    assert_eq!(numbers(&done), [2, 0, 2, 0]);
    assert_eq!(addresses(&entries(&ports, &once).await), ["there+a@example.com", "a.b@gmail.com", "other@example.com"]);
    let told = ports.imports.problems(done.id, None, 9).await.unwrap();
    assert_eq!(told.iter().map(|(_, problem)| problem.line).collect::<Vec<_>>(), [2, 5]);
    let any = active_list_in(&ports, once.workspace_id, "any", json!({})).await;
    assert_eq!(numbers(&run(&ports, import(&ports, &any), rows()).await), [4, 0, 0, 0]);
}

/// An import does not bring a person back who was erased from the workspace. It says so.
pub async fn erased_people_are_not_brought_back(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let ada = join(&ports, &other, "ada@example.com").await;
    assert!(ports.entries.erase(erase_entry(&ports, other.id, ada.id)).await.unwrap());
    let import = run(&ports, import(&ports, &list), vec![row(2, 1, "ada@example.com"), row(3, 2, "bob@example.com")]).await;
    assert_eq!(numbers(&import), [1, 0, 1, 0]);
    assert_eq!(addresses(&entries(&ports, &list).await), ["bob@example.com"]);
    let problems = ports.imports.problems(import.id, None, 10).await.unwrap();
    assert_eq!(problems.iter().map(|(_, problem)| problem.line).collect::<Vec<_>>(), [2]);
}

/// A person who was erased takes no place: the list takes a row again.
pub async fn an_erased_person_leaves_room_for_a_row(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 1})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    assert!(ports.entries.erase(erase_entry(&ports, list.id, ada.id)).await.unwrap());
    let rows = vec![row(2, 1, "bob@example.com"), row(3, 2, "eve@example.com")];
    assert_eq!(numbers(&run(&ports, import(&ports, &list), rows).await), [1, 0, 0, 1]);
    assert_eq!(addresses(&entries(&ports, &list).await), ["bob@example.com"]);
}

/// People who are there are left alone, or get what the row has.
pub async fn people_who_are_there_are_skipped_or_updated(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let changed = |name: &str| ImportRow {
        profile: Profile { name: PersonName::parse(name).unwrap(), consent: None, ..full_profile("ada@example.com") },
        status: EntryStatus::Rejected,
        ..row(2, 1, "ada@example.com")
    };
    let skipped = run(&ports, import(&ports, &list), vec![changed("One"), row(3, 2, "b@example.com"), row(4, 3, "b@example.com")]).await;
    assert_eq!(numbers(&skipped), [1, 0, 2, 0]);
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), Some(ada.clone()));
    let update = Import { on_duplicate: OnDuplicate::Update, ..import(&ports, &list) };
    let updated = run(&ports, update, vec![changed("Two")]).await;
    assert_eq!(numbers(&updated), [0, 1, 0, 0]);
    assert_eq!((texted(&ports, &list, "one").await, texted(&ports, &list, "two").await), (vec![], vec![1]));
    let expected = Entry { profile: changed("Two").profile, updated_at: ports.clock.now(), ..ada };
    assert_eq!(ports.entries.find(list.id, expected.id).await.unwrap(), Some(expected));
}

/// A row of a person without mail suppresses the address, whatever becomes of the row, but for a dry run.
pub async fn a_row_without_mail_suppresses_its_address(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"max_entries": 2})).await;
    join(&ports, &list, "known@example.com").await;
    let without = |line, address| ImportRow { suppressed: Some(SuppressionReason::Unsubscribed), ..row(line, line as i64, address) };
    let reasons = async |address: &str| {
        let found = there.suppressions.find(list.workspace_id, ports.links.secret().hash_address(&email(address))).await.unwrap();
        found.into_iter().map(|row| row.reason).collect::<Vec<_>>()
    };
    let rows = || {
        let twice = [row(2, 2, "twice@example.com"), without(3, "twice@example.com")];
        twice.into_iter().chain([without(4, "known@example.com"), without(5, "late@example.com")]).collect::<Vec<_>>()
    };
    let people = ["known@example.com", "twice@example.com", "late@example.com"];
    let dry = run(&ports, Import { dry_run: true, ..import(&ports, &list) }, rows()).await;
    assert_eq!(numbers(&dry), [1, 0, 2, 1]);
    for address in people {
        assert_eq!(reasons(address).await, [], "{address}");
    }
    let done = run(&ports, import(&ports, &list), rows()[2..].to_vec()).await;
    assert_eq!(numbers(&done), [1, 0, 1, 0]);
    assert_eq!(reasons("known@example.com").await, [SuppressionReason::Unsubscribed]);
    let update = Import { on_duplicate: OnDuplicate::Update, ..import(&ports, &list) };
    assert_eq!(numbers(&run(&ports, update, rows()).await), [0, 2, 0, 2]);
    for address in people {
        assert_eq!(reasons(address).await, [SuppressionReason::Unsubscribed], "{address}");
    }
}

/// A new code that an entry of any list has, or that is an old code of the list, is reported. Nothing is written, and other codes do.
pub async fn a_code_that_is_taken_is_told(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let foreign = active_list_in(&ports, workspace(&ports, "beta").await.id, "list", json!({})).await;
    let (ada, eve) = (join(&ports, &list, "ada@example.com").await, join(&ports, &foreign, "eve@example.com").await);
    let old = ReferralCode::from_entropy(ports.ids.entropy());
    let with_code = ImportRow { old_code: Some(old.as_str().to_owned()), ..row(2, 1, "a@example.com") };
    run(&ports, import(&ports, &list), vec![with_code]).await;
    let (import, claim) = staged(&ports, import(&ports, &list), vec![row(2, 2, "b@example.com"), row(3, 3, "c@example.com")]).await;
    let before = entries(&ports, &list).await;
    for code in [ada.referral_code, eve.referral_code, old] {
        let mut group = work(&ports, &import, claim, 2);
        group.fresh[1].code = code;
        let refused = ports.imports.work(group).await;
        assert!(matches!(refused, Err(CommandError::Rejected(ImportRejection::CodeTaken))), "{refused:?}");
        assert_eq!(entries(&ports, &list).await, before);
    }
    assert_eq!(numbers(&drive(&ports, import, claim).await), [2, 0, 0, 0]);
}

/// An old code belongs to one entry of a list and works for sign-ups there, in its own letters.
pub async fn old_codes_work_on_their_list(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let with = |line, address, code: &str| ImportRow { old_code: Some(code.to_owned()), ..row(line, line as i64, address) };
    let ada = join(&ports, &list, "ada@example.com").await;
    let rows = vec![
        with(2, "a@example.com", "Abc"),
        with(3, "b@example.com", "aBC"),
        with(4, "c@example.com", "Abc"),
        with(5, "d@example.com", &ada.referral_code.as_str().to_lowercase()),
    ];
    let import = run(&ports, import(&ports, &list), rows).await;
    assert_eq!(numbers(&import), [4, 0, 0, 0]);
    let problems = ports.imports.problems(import.id, None, 10).await.unwrap();
    assert_eq!(problems.iter().map(|(_, problem)| problem.line).collect::<Vec<_>>(), [4, 5]);
    let people = entries(&ports, &list).await;
    let resolve = async |list: &Waitlist, code: &str| there.imports.resolve_code(list.id, &OldCode::parse(code).unwrap()).await.unwrap();
    assert_eq!(resolve(&list, "Abc").await, Some(people[1].referral_code.clone()));
    for (person, codes) in [(0, vec![]), (1, vec!["Abc"])] {
        assert_eq!(there.entries.records(list.id, people[person].id).await.unwrap().old_codes, codes);
    }
    assert_eq!(resolve(&list, "aBC").await, Some(people[2].referral_code.clone()));
    assert_eq!(resolve(&list, &ada.referral_code.as_str().to_lowercase()).await, Some(ada.referral_code.clone()));
    for (list, code) in [(&list, "ABC"), (&list, "none"), (&other, "Abc")] {
        assert_eq!(resolve(list, code).await, None, "{code}");
    }
    // Somebody who is there gets the code, too. Her own codes, and those that she has, are no problem however often they come.
    let ada = people[0].clone();
    let known = || {
        let own = with(2, "ada@example.com", &ada.referral_code.as_str().to_lowercase());
        vec![own, with(3, "ada@example.com", "Ada1"), with(4, "ada@example.com", "Abc"), with(5, "a@example.com", "Abc")]
    };
    for _ in 0..2 {
        let again = run(&ports, self::import(&ports, &list), known()).await;
        assert_eq!(numbers(&again), [0, 0, 4, 0]);
        let problems = ports.imports.problems(again.id, None, 10).await.unwrap();
        assert_eq!(problems.iter().map(|(_, problem)| problem.line).collect::<Vec<_>>(), [4]);
    }
    assert_eq!(resolve(&list, "Ada1").await, Some(ada.referral_code));
    assert_eq!(resolve(&list, "Abc").await, Some(people[1].referral_code.clone()));
    let slug = crate::samples::slug("acme");
    for (list, expected) in [(&list, true), (&other, false)] {
        let found = there.waitlists.find_public(&slug, &list.slug).await.unwrap().unwrap();
        assert_eq!(found.has_old_codes, expected);
    }
}

/// The old codes of an entry that was deleted or erased are nobody's.
pub async fn old_codes_go_with_their_entry(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let with = |line, address, code: &str| ImportRow { old_code: Some(code.to_owned()), ..row(line, line as i64, address) };
    run(&ports, import(&ports, &list), vec![with(2, "a@example.com", "one"), with(3, "b@example.com", "two")]).await;
    let people = entries(&ports, &list).await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, people[0].id)).await.unwrap());
    assert!(ports.entries.erase(erase_entry(&ports, list.id, people[1].id)).await.unwrap());
    for code in ["one", "two"] {
        assert_eq!(ports.imports.resolve_code(list.id, &OldCode::parse(code).unwrap()).await.unwrap(), None);
    }
    // Others may bring them.
    let rows = vec![with(2, "c@example.com", "one"), with(3, "d@example.com", "two")];
    let import = run(&ports, import(&ports, &list), rows).await;
    assert_eq!((numbers(&import), ports.imports.problems(import.id, None, 10).await.unwrap()), ([2, 0, 0, 0], Vec::new()));
}

/// Referrers are found by code, address and row, also later in the file. Each is a credit, and the rest of a count is metadata.
pub async fn referrers_are_found_and_credited(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let own = join(&ports, &list, "own@example.com").await;
    let by = |line, address, referrer| ImportRow { referrer: Some(referrer), ..row(line, line as i64, address) };
    let founder = ImportRow {
        old_code: Some("Old".to_owned()),
        row_id: Some("17".to_owned()),
        referral_count: 5,
        referrer: Some(ReferrerName::Code("Old".to_owned())),
        ..row(9, 9, "founder@example.com")
    };
    let rows = vec![
        by(2, "code@example.com", ReferrerName::Code("Old".to_owned())),
        by(3, "address@example.com", ReferrerName::Address("founder@example.com".to_owned())),
        by(4, "row@example.com", ReferrerName::Row("17".to_owned())),
        by(5, "own.code@example.com", ReferrerName::Code(own.referral_code.to_string())),
        by(6, "row.code@example.com", ReferrerName::Row("Old".to_owned())),
        by(7, "nobody@example.com", ReferrerName::Code("old".to_owned())),
        founder,
    ];
    let done = run(&ports, import(&ports, &list), rows).await;
    let problems = ports.imports.problems(done.id, None, 10).await.unwrap();
    let told: Vec<_> = problems.iter().map(|(_, problem)| (problem.line, problem.column.as_str())).collect();
    assert_eq!((numbers(&done), told), ([7, 0, 0, 0], vec![(7, "referred_by")]));
    let people = entries(&there, &list).await;
    let find = |address: &str| people.iter().find(|entry| entry.profile.email.as_str() == address).unwrap();
    let founder = find("founder@example.com");
    assert_eq!((founder.referral_count, founder.referred_by), (4, None));
    assert_eq!(founder.profile.metadata.document()[IMPORTED_REFERRALS], 1);
    for address in ["code@example.com", "address@example.com", "row@example.com", "row.code@example.com"] {
        assert_eq!(find(address).referred_by, Some(founder.id), "{address}");
    }
    assert_eq!((find("own.code@example.com").referred_by, find("own@example.com").referral_count), (Some(own.id), 1));
    assert_eq!(find("nobody@example.com").referred_by, None);
    // The ledger has a row for each: a rebuild finds nothing wrong.
    assert_eq!(there.stats.rebuild().await.unwrap().corrected, 0);
    assert_eq!(there.entries.friends(founder.id, 10).await.unwrap().len(), 4);
    let new = join_by(&ports, &list, founder, "new@example.com").await;
    assert_eq!(new.referred_by, Some(founder.id));
}

/// A file that is corrected, or whose import was cancelled, comes again. Everybody gets their referrer then, once, and the referrals of
/// people who are known by now are not counted as those of unknown ones.
pub async fn a_file_that_comes_again_completes_referrals(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let by = |line: u64, referrer: &str| ImportRow {
        referrer: Some(ReferrerName::Code(referrer.to_owned())),
        ..row(line, line as i64, &format!("friend{line}@example.com"))
    };
    let founder = |count| ImportRow { old_code: Some("Old".to_owned()), referral_count: count, ..row(9, 9, "founder@example.com") };
    let find = async |address: &str| {
        let people = entries(&there, &list).await;
        people.into_iter().find(|entry| entry.profile.email.as_str() == address).unwrap()
    };
    let credits = async || {
        let founder = find("founder@example.com").await;
        let elsewhere = founder.profile.metadata.document().get(IMPORTED_REFERRALS).and_then(Value::as_u64);
        (founder.referral_count, elsewhere.unwrap_or_default())
    };
    // Everybody is there when the import is cancelled, and nobody has a referrer.
    let (cancelled, claim) = staged(&ports, import(&ports, &list), vec![by(2, "Old"), founder(4)]).await;
    let cancelled = ports.imports.work(work(&ports, &cancelled, claim, 2)).await.unwrap().unwrap();
    ports.imports.cancel(cancel(&ports, list.id, cancelled.id)).await.unwrap().unwrap();
    drive(&ports, cancelled, claim).await;
    assert_eq!(credits().await, (0, 0));
    // A person who signed up here has a referrer too, and one was misspelt. Two rows of one person are one referral.
    join(&ports, &list, "friend4@example.com").await;
    let twice = || ImportRow { line: 6, ..by(2, "Old") };
    let first = vec![by(2, "Old"), twice(), by(3, "Odl"), by(4, "Old"), founder(4)];
    assert_eq!(numbers(&run(&ports, import(&ports, &list), first).await), [1, 0, 4, 0]);
    assert_eq!(credits().await, (2, 2));
    let corrected = || vec![by(2, "Old"), twice(), by(3, "Old"), by(4, "Old"), founder(4)];
    for choice in [OnDuplicate::Skip, OnDuplicate::Update, OnDuplicate::Skip] {
        run(&ports, Import { on_duplicate: choice, ..import(&ports, &list) }, corrected()).await;
        assert_eq!(credits().await, (3, 1));
    }
    // Shortly before the switch somebody joined there. Somebody joins here, which no file counts.
    let mut last = corrected();
    last.extend([by(5, "Old"), founder(5)]);
    last.remove(4);
    run(&ports, import(&ports, &list), last.clone()).await;
    assert_eq!(credits().await, (4, 1));
    join_by(&ports, &list, &find("founder@example.com").await, "new@example.com").await;
    run(&ports, import(&ports, &list), last).await;
    assert_eq!(credits().await, (5, 1));
    assert_eq!(there.stats.rebuild().await.unwrap().corrected, 0);
    // Whoever lost the referrer stays without one.
    let gone = find("founder@example.com").await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, gone.id)).await.unwrap());
    while ports.purges.purge(1000).await.unwrap() {}
    let done = run(&ports, import(&ports, &list), corrected()).await;
    assert_eq!((done.state, numbers(&done), credits().await), (ImportState::Done, [1, 0, 4, 0], (0, 4)));
    assert_eq!(there.stats.rebuild().await.unwrap().corrected, 0);
}

/// The file of a list of Rally says how many referrals count. Of those beyond, each person has the referrer, and the referral is withheld.
pub async fn no_more_referrals_count_than_the_list_of_the_file_had(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let founder =
        |count| ImportRow { row_id: Some("1".to_owned()), referral_count: count, limits_credits: true, ..row(2, 2, "founder@example.com") };
    let by = |line: u64| ImportRow {
        referrer: Some(ReferrerName::Row("1".to_owned())),
        limits_credits: true,
        ..row(line, line as i64, &format!("friend{line}@example.com"))
    };
    let done = run(&ports, import(&ports, &list), vec![founder(1), by(3), by(4), by(5)]).await;
    let problems = async |id| {
        let found = ports.imports.problems(id, None, 10).await.unwrap();
        found.into_iter().map(|(_, problem)| (problem.line, problem.column)).collect::<Vec<_>>()
    };
    let of = |lines: &[u64]| lines.iter().map(|line| (*line, "referred_by".to_owned())).collect::<Vec<_>>();
    assert_eq!((numbers(&done), problems(done.id).await), ([4, 0, 0, 0], of(&[4, 5])));
    let states = async || {
        let ledger = there.referrals.list(list.id, ReferralFilter::default(), None, Limit::default()).await.unwrap().items;
        let of = |state| ledger.iter().filter(|row| row.state == state).count();
        [of(ReferralState::Credited), of(ReferralState::Withheld)]
    };
    let people = entries(&there, &list).await;
    assert!(people[1..].iter().all(|entry| entry.referred_by == Some(people[0].id)));
    assert_eq!((people[0].referral_count, states().await), (1, [1, 2]));
    // It comes again with a friend more, who counts.
    let again = run(&ports, import(&ports, &list), vec![founder(2), by(3), by(4), by(5), by(6)]).await;
    assert_eq!((numbers(&again), problems(again.id).await, states().await), ([1, 0, 4, 0], of(&[]), [2, 2]));
    let founder = entries(&there, &list).await.remove(0);
    assert_eq!((founder.referral_count, founder.profile.metadata.document().get(IMPORTED_REFERRALS)), (2, None));
    assert_eq!(there.stats.rebuild().await.unwrap().corrected, 0);
}

/// A dry run counts what an import would do, and changes nothing but itself.
pub async fn a_dry_run_changes_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 4})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let code = |line, address, code: &str| ImportRow { old_code: Some(code.to_owned()), ..row(line, line as i64, address) };
    let rows = vec![
        row(2, 2, "ada@example.com"),
        code(3, "a@example.com", "x"),
        row(4, 4, "b@example.com"),
        row(5, 5, "a@example.com"),
        code(6, "c@example.com", "x"),
        row(7, 7, "d@example.com"),
    ];
    let dry = run(&ports, Import { dry_run: true, ..import(&ports, &list) }, rows.clone()).await;
    assert_eq!(entries(&ports, &list).await, [ada]);
    assert_eq!(ports.imports.resolve_code(list.id, &OldCode::parse("x").unwrap()).await.unwrap(), None);
    let told = async |import: &Import| {
        let problems = ports.imports.problems(import.id, None, 10).await.unwrap();
        problems.into_iter().map(|(_, problem)| problem).collect::<Vec<_>>()
    };
    let real = run(&ports, import(&ports, &list), rows).await;
    assert_eq!((numbers(&dry), told(&dry).await), (numbers(&real), told(&real).await));
    assert_eq!(numbers(&real), [3, 0, 2, 1]);
}

/// No event and no mail is written, unless the import notifies.
pub async fn nobody_hears_of_an_import_unless_it_notifies(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let quiet = run(&ports, import(&ports, &list), vec![row(2, 1, "a@example.com")]).await;
    assert_eq!(quiet.numbers.added, 1);
    let people = entries(&ports, &list).await;
    let records = ports.entries.records(list.id, people[0].id).await.unwrap();
    assert_eq!((records.events.len(), records.mails.len()), (0, 0));
    run(&ports, Import { notify: true, ..import(&ports, &list) }, vec![row(2, 1, "b@example.com")]).await;
    let people = entries(&ports, &list).await;
    let records = ports.entries.records(list.id, people[1].id).await.unwrap();
    assert_eq!((records.events.len(), records.mails.len()), (1, 1));
}

/// Nothing of the file stays after the end, however the import ended.
pub async fn what_was_staged_is_deleted(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let new = import(&ports, &list);
    ports.imports.begin(new.clone(), later(&ports, 60)).await.unwrap();
    assert!(ports.imports.put_piece(new.id, 0, b"file".to_vec(), later(&ports, 60)).await.unwrap());
    let failed = ports.imports.arrive(new.id, Err("bad".to_owned()), ports.clock.now()).await.unwrap().unwrap();
    let claim = claim_id(&ports);
    ports.imports.claim(claim, ports.clock.now(), later(&ports, 60)).await.unwrap().unwrap();
    let over = drive(&ports, failed, claim).await;
    assert_eq!((over.state, there.imports.piece(new.id, 0).await.unwrap()), (ImportState::Failed, None));
    assert_eq!(there.imports.claim(claim, later(&ports, 100), later(&ports, 160)).await.unwrap(), None, "nothing is left to do");
}

/// An import into a list that is deleted fails.
pub async fn the_import_of_a_deleted_list_fails(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (import, claim) = staged(&ports, import(&ports, &list), vec![row(2, 1, "a@example.com")]).await;
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    let import = drive(&ports, import, claim).await;
    assert_eq!((import.state, import.error.is_some()), (ImportState::Failed, true));
}

/// An import that its worker gives up fails, says so, and keeps what was added.
pub async fn an_import_that_is_given_up_fails(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let rows = vec![row(2, 1, "a@example.com"), row(3, 2, "b@example.com"), row(4, 3, "c@example.com")];
    let (import, claim) = staged(&ports, import(&ports, &list), rows).await;
    let import = ports.imports.work(work(&ports, &import, claim, 2)).await.unwrap().unwrap();
    let given_up = ImportWork { gives_up: true, ..work(&ports, &import, claim, 2) };
    let import = ports.imports.work(given_up).await.unwrap().unwrap();
    assert_eq!((import.state, import.error.is_some(), numbers(&import)), (ImportState::Failed, true, [2, 0, 0, 0]));
    assert_eq!(drive(&ports, import, claim).await.state, ImportState::Failed);
}

/// Old imports go with their problems, so many rows at a time. Others stay.
pub async fn old_imports_are_pruned(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 1})).await;
    let full = vec![row(2, 1, "a@example.com"), row(3, 2, "b@example.com")];
    let old = run(&ports, import(&ports, &list), full).await;
    let another = run(&ports, import(&ports, &list), vec![row(2, 3, "c@example.com")]).await;
    let young = Import { created_at: later(&ports, 100), ..import(&ports, &list) };
    let young = run(&ports, young, Vec::new()).await;
    let left = async || {
        let found = [ports.imports.find(list.id, old.id).await.unwrap(), ports.imports.find(list.id, another.id).await.unwrap()];
        found.into_iter().flatten().count()
    };
    for pruned in 1.. {
        let deleted = ports.imports.prune(later(&ports, 50), 1).await.unwrap();
        assert!(deleted <= 1 && left().await + pruned >= 2, "{deleted} rows are deleted at once");
        if deleted == 0 {
            break;
        }
    }
    assert_eq!(left().await, 0);
    assert_eq!(ports.imports.problems(old.id, None, 10).await.unwrap(), []);
    assert_eq!(ports.imports.find(list.id, young.id).await.unwrap(), Some(young));
}

/// Restores a list from lines, a few at a time.
async fn restore(ports: &Ports, into: &Waitlist, lines: &[Line]) -> Import {
    let (import, claim) = staged_lines(ports, import(ports, into), lines).await;
    drive(ports, import, claim).await
}

/// An import whose lines are staged, and the claim that holds it.
async fn staged_lines(ports: &Ports, new: Import, lines: &[Line]) -> (Import, ClaimId) {
    ports.imports.begin(new.clone(), later(ports, 60)).await.unwrap();
    ports.imports.arrive(new.id, Ok("{}".to_owned()), ports.clock.now()).await.unwrap().unwrap();
    let claim = claim_id(ports);
    let held = ports.imports.claim(claim, ports.clock.now(), later(ports, 60)).await.unwrap().unwrap();
    let items = (2..).zip(lines).map(|(line, content)| RestoreItem { line, content: RestoreContent::Line(content.clone()) });
    let stage = StageRows { lines: items.collect(), next: Some(ImportStep::Restore), ..stage(ports, &held, claim, Vec::new()) };
    (ports.imports.stage(stage).await.unwrap().unwrap(), claim)
}

/// Lines as JSON without ids, and with the codes of people who got a new one.
fn without_ids(lines: &[Line], codes: &HashMap<String, String>) -> Vec<Value> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let plain = |line: &Line| {
        let mut line: Value = serde_json::from_slice(&line.to_json()).unwrap();
        for key in ["id", "referred_by", "variant_id", "referrer_entry_id", "referred_entry_id"] {
            let Some(id) = line.get(key).and_then(Value::as_str).map(str::to_owned) else { continue };
            let next = known.len();
            line[key] = (*known.entry(id).or_insert(next)).into();
        }
        if let Some(old) = line.get("referral_code").and_then(Value::as_str).and_then(|code| codes.get(code)).cloned() {
            line["referral_code"] = old.clone().into();
            line["old_codes"].as_array_mut().unwrap().retain(|code| *code != old);
        }
        line
    };
    lines.iter().map(plain).collect()
}

/// A list that is restored from an export gives the same lines, but for ids and for codes that somebody has.
pub async fn an_export_is_restored_line_by_line(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = full_list(&ports).await;
    // Nobody gets the position of the last one, who is gone.
    let last = join(&ports, &list, "last@example.com").await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, last.id)).await.unwrap());
    let before = exported(&ports, list.id).await;
    assert!(matches!(&before[0], Line::Waitlist(head) if head.last_position == last.position.number()));
    let elsewhere = another_list(&ports).await;
    let public = async || {
        let found = ports.waitlists.find_public(&crate::samples::slug("elsewhere"), &elsewhere.slug).await.unwrap().unwrap();
        let leaders = ports.stats.leaders(elsewhere.id, Limit::default()).await.unwrap();
        (found.waitlist.clone(), found.variants.len(), leaders.len())
    };
    assert_eq!(public().await, (elsewhere.clone(), 1, 0));
    let done = restore(&ports, &elsewhere, &before).await;
    assert_eq!((done.state, numbers(&done)), (ImportState::Done, [5, 0, 0, 0]));
    let restored = ports.waitlists.find(elsewhere.workspace_id, elsewhere.id).await.unwrap().unwrap();
    let variants = ports.variants.list(elsewhere.id).await.unwrap().len();
    let leaders = ports.stats.leaders(list.id, Limit::default()).await.unwrap().len();
    assert!(restored != elsewhere && leaders > 0);
    assert_eq!(public().await, (restored, variants, leaders), "visitors see it at once in the process that did it");
    assert_eq!(ports.imports.problems(done.id, None, 9).await.unwrap(), []);
    let after = exported(&there, elsewhere.id).await;
    let codes = |line: &Line| match line {
        Line::Entry(entry) => Some((entry.email.clone(), entry.referral_code.clone())),
        _ => None,
    };
    let old: HashMap<String, String> = before.iter().filter_map(codes).collect();
    let renamed = after.iter().filter_map(codes).map(|(email, code)| (code, old[&email].clone())).collect();
    assert_eq!(without_ids(&after, &renamed), without_ids(&before, &HashMap::new()));
    // Once the first list is gone, nobody has the codes.
    for gone in [&list, &elsewhere] {
        assert!(ports.waitlists.delete(delete_waitlist(&ports, gone.workspace_id, gone.id)).await.unwrap());
    }
    while ports.purges.purge(1000).await.unwrap() {}
    let again = active_list_in(&ports, elsewhere.workspace_id, "again", json!({})).await;
    restore(&ports, &again, &before).await;
    assert_eq!(without_ids(&exported(&ports, again.id).await, &HashMap::new()), without_ids(&before, &HashMap::new()));
}

/// A list of another workspace.
async fn another_list(ports: &Ports) -> Waitlist {
    let workspace = workspace(ports, "elsewhere").await;
    active_list_in(ports, workspace.id, "copy", json!({})).await
}

/// A restore does not bring a person back who was erased from the workspace. It says so, and restores everybody else.
pub async fn erased_people_are_not_restored(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = full_list(&ports).await;
    let lines = exported(&ports, list.id).await;
    let copy = another_list(&ports).await;
    let other = active_list_in(&ports, copy.workspace_id, "other", json!({})).await;
    let fay = join(&ports, &other, "fay@example.com").await;
    assert!(ports.entries.erase(erase_entry(&ports, other.id, fay.id)).await.unwrap());
    let done = restore(&ports, &copy, &lines).await;
    assert_eq!((done.state, numbers(&done)), (ImportState::Done, [4, 0, 1, 0]));
    let expected: Vec<Entry> = entries(&ports, &list).await.into_iter().filter(|entry| entry.profile.email != fay.profile.email).collect();
    assert_eq!(addresses(&entries(&ports, &copy).await), addresses(&expected));
    let is_fay = |line: &Line| matches!(line, Line::Entry(entry) if entry.email == "fay@example.com");
    let line = (2..).zip(&lines).find(|(_, line)| is_fay(line)).map(|(number, _)| number).unwrap();
    let problems = ports.imports.problems(done.id, None, 10).await.unwrap();
    assert_eq!(problems.iter().map(|(_, problem)| (problem.line, problem.column.as_str())).collect::<Vec<_>>(), [(line, "email")]);
}

/// A code that one entry of a list has as its own, and another one as an old code, is that of the first. An export may say so of two
/// people.
pub async fn an_own_code_comes_before_an_old_one(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    join(&ports, &list, "bob@example.com").await;
    let mut lines = exported(&ports, list.id).await;
    for line in &mut lines {
        if let Line::Entry(entry) = line
            && entry.email == "bob@example.com"
        {
            entry.old_codes.push(ada.referral_code.to_string());
        }
    }
    // Nobody has the codes of the file any more.
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    while ports.purges.purge(1000).await.unwrap() {}
    let copy = another_list(&ports).await;
    restore(&ports, &copy, &lines).await;
    let bob = entries(&ports, &copy).await.remove(1);
    assert_eq!(ports.entries.records(copy.id, bob.id).await.unwrap().old_codes, [ada.referral_code.as_str()]);
    let found = ports.imports.resolve_code(copy.id, &ada.referral_code.clone().into()).await.unwrap();
    assert_eq!(found, Some(ada.referral_code));
    assert_ne!(found, Some(bob.referral_code));
}

/// The totals of a restored list are those of the first one, and a rebuild corrects nothing.
pub async fn a_restored_list_counts_as_before(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = full_list(&ports).await;
    let copy = another_list(&ports).await;
    restore(&ports, &copy, &exported(&ports, list.id).await).await;
    for list in [list.id, copy.id] {
        assert_eq!((ports.stats.count(list).await.unwrap(), ports.stats.standing(list).await.unwrap()), (6, 5));
        let ledger = ports.referrals.list(list, ReferralFilter::default(), None, Limit::default()).await.unwrap().items;
        let credited = ledger.iter().filter(|row| row.state == ReferralState::Credited);
        assert_eq!((ledger.len(), credited.count()), (5, 4));
        assert_eq!(ports.stats.leaders(list, Limit::default()).await.unwrap().iter().map(|leader| leader.referral_count).max(), Some(3));
    }
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// A list on which somebody has ever signed up is not restored.
pub async fn a_list_with_people_is_not_restored(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = full_list(&ports).await;
    let lines = exported(&ports, list.id).await;
    let copy = another_list(&ports).await;
    let ada = join(&ports, &copy, "ada@example.com").await;
    ports.entries.delete(delete_entry(&ports, copy.id, ada.id)).await.unwrap();
    let refused = restore(&ports, &copy, &lines).await;
    assert_eq!((refused.state, refused.error.as_deref()), (ImportState::Failed, Some(NOT_EMPTY)));
    assert_eq!(entries(&ports, &copy).await, []);
}

/// People who sign up while a list is restored stand behind everybody in the file. Search finds all of them.
pub async fn people_sign_up_while_a_list_is_restored(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = full_list(&ports).await;
    let mut lines = exported(&ports, list.id).await;
    // An earlier program did not write which position was the last.
    let Line::Waitlist(head) = &mut lines[0] else { panic!("{:?}", lines[0]) };
    head.last_position = 0;
    let copy = another_list(&ports).await;
    let (import, claim) = staged_lines(&ports, import(&ports, &copy), &lines).await;
    let import = ports.imports.work(work(&ports, &import, claim, 2)).await.unwrap().unwrap();
    let late = join(&there, &copy, "late@example.com").await;
    index(&there).await;
    let done = drive(&ports, import, claim).await;
    assert_eq!(numbers(&done), [5, 0, 0, 0]);
    let people = entries(&ports, &copy).await;
    assert_eq!((people.len(), people.last()), (6, Some(&late)));
    index(&ports).await;
    for entry in people {
        assert_eq!(texted(&ports, &copy, entry.profile.email.as_str()).await, [entry.position.number()]);
    }
}

/// People of the file may be deleted before their referrers are known, and nobody is referred by whom there is no more.
pub async fn people_are_deleted_while_a_list_is_restored(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = full_list(&ports).await;
    let lines = exported(&ports, list.id).await;
    let first = entries(&ports, &list).await;
    let leader = first.iter().max_by_key(|entry| entry.referral_count).unwrap();
    let friend = first.iter().find(|entry| entry.referred_by == Some(leader.id)).unwrap();
    for gone in [leader, friend] {
        let copy = active_list_in(&ports, list.workspace_id, &format!("copy{}", gone.position.number()), json!({})).await;
        let (mut import, claim) = staged_lines(&ports, import(&ports, &copy), &lines).await;
        while entries(&ports, &copy).await.len() < first.len() {
            import = ports.imports.work(work(&ports, &import, claim, 2)).await.unwrap().unwrap();
        }
        let people = entries(&there, &copy).await;
        let restored = people.iter().find(|entry| entry.profile.email == gone.profile.email).unwrap();
        assert!(there.entries.delete(delete_entry(&there, copy.id, restored.id)).await.unwrap());
        let done = drive(&ports, import, claim).await;
        assert_eq!(done.state, ImportState::Done);
        let left = entries(&ports, &copy).await;
        assert_eq!(left.len(), first.len() - 1);
        assert!(left.iter().all(|entry| entry.referred_by != Some(restored.id)), "{left:?}");
        let ledger = ports.referrals.list(copy.id, ReferralFilter::default(), None, Limit::default()).await.unwrap().items;
        let ends = ledger.iter().flat_map(|row| [row.referrer, row.referred]).flatten();
        assert!(ends.collect::<Vec<_>>().iter().all(|id| *id != restored.id), "{ledger:?}");
    }
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// Calls every method that the other cases of a store call, for tests of its statements.
pub async fn call_everything(ports: &Ports, list: &Waitlist) {
    let with_all = |line, address, by| ImportRow {
        old_code: Some(format!("code {line}")),
        row_id: Some(format!("row {line}")),
        referral_count: 2,
        referrer: Some(by),
        ..row(line, line as i64, address)
    };
    let rows = || {
        vec![
            with_all(2, "import1@example.com", ReferrerName::Code("code 3".to_owned())),
            with_all(3, "import2@example.com", ReferrerName::Row("row 2".to_owned())),
            with_all(4, "import3@example.com", ReferrerName::Address("import1@example.com".to_owned())),
        ]
    };
    run(ports, Import { dry_run: true, ..import(ports, list) }, rows()).await;
    run(ports, Import { notify: true, ..import(ports, list) }, rows()).await;
    let changed = |line, address| ImportRow { profile: full_profile(address), ..row(line, 1, address) };
    let update = Import { on_duplicate: OnDuplicate::Update, ..import(ports, list) };
    let (import, claim) = staged(ports, update, vec![changed(2, "import1@example.com")]).await;
    ports.imports.problems(import.id, None, 10).await.unwrap();
    ports.imports.piece(import.id, 0).await.unwrap();
    drive(ports, import.clone(), claim).await;
    ports.imports.find(list.id, import.id).await.unwrap().unwrap();
    assert!(!ports.imports.list(list.id, 10).await.unwrap().is_empty());
    ports.imports.cancel(cancel(ports, list.id, import.id)).await.unwrap();
    ports.imports.resolve_code(list.id, &OldCode::parse("code 2").unwrap()).await.unwrap();
    while ports.imports.prune(later(ports, 100), 10).await.unwrap() > 0 {}
    let copy = active_list_in(ports, list.workspace_id, "copy", json!({})).await;
    restore(ports, &copy, &exported(ports, list.id).await).await;
    ports.waitlists.delete(delete_waitlist(ports, copy.workspace_id, copy.id)).await.unwrap();
}
