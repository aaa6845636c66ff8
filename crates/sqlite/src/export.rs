//! An export: every entry of a list from one snapshot, in batches. It has a connection of its own and takes none from other
//! requests.

use diesel::prelude::*;
use futures_util::stream;
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::port::EntryStream;
use tokio::sync::mpsc;

use crate::convert::Blob;
use crate::entries::EntryRow;
use crate::fault::query_fault;
use crate::schema::entries;
use crate::{SqliteStore, lists};

/// Entries per batch: enough to be worth a hop between threads, and few enough to need little memory.
const BATCH: i64 = 500;

/// How many batches are read ahead.
const AHEAD: usize = 1;

type Batches = mpsc::Sender<Result<Vec<Entry>, Fault>>;

pub(crate) fn start(store: &SqliteStore, waitlist_id: WaitlistId) -> EntryStream {
    let (batches, read) = mpsc::channel(AHEAD);
    let store = store.clone();
    tokio::spawn(async move {
        let failed = batches.clone();
        if let Err(fault) = store.database.read_apart(move |c| send_all(c, waitlist_id, &batches)).await {
            // A reader that has gone away does not need the fault either.
            failed.send(Err(fault)).await.unwrap_or_default();
        }
    });
    Box::pin(stream::unfold(read, async |mut read| read.recv().await.map(|batch| (batch, read))))
}

fn send_all(c: &mut SqliteConnection, id: WaitlistId, batches: &Batches) -> Result<(), Fault> {
    let Some(list) = lists::find(c, id).map_err(query_fault)? else { return Ok(()) };
    let mut after = 0;
    loop {
        let query = entries::table
            .filter(entries::waitlist_id.eq(Blob(id.uuid())).and(entries::position.gt(after)))
            .order(entries::position)
            .limit(BATCH)
            .select(EntryRow::as_select());
        let rows: Vec<EntryRow> = query.load(c).map_err(query_fault)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.position;
        let batch = rows.into_iter().map(|row| list.entry(row)).collect::<Result<Vec<_>, _>>()?;
        if batches.blocking_send(Ok(batch)).is_err() {
            return Ok(());
        }
    }
}
