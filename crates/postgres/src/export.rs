//! An export: every entry of a list from one snapshot, in batches. It has a connection of its own and takes none from other
//! requests.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::stream;
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::port::EntryStream;
use tokio::sync::mpsc;

use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::schema::entries;
use crate::{PgStore, lists};

/// Entries per batch: enough to be worth a round trip, and few enough to need little memory.
const BATCH: i64 = 500;

/// How many batches are read ahead.
const AHEAD: usize = 1;

type Batches = mpsc::Sender<Result<Vec<Entry>, Fault>>;

pub(crate) async fn start(store: &PgStore, waitlist_id: WaitlistId) -> Result<EntryStream, Fault> {
    let mut connection = store.apart.connection().await?;
    let (batches, read) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let failed = batches.clone();
        let mut snapshot = connection.build_transaction().read_only().repeatable_read();
        let outcome: Result<(), Abort<Fault>> = snapshot.run(async |c| send_all(c, waitlist_id, &batches).await).await;
        if let Err(abort) = outcome {
            let fault = match abort {
                Abort::Query(error) => query_fault(error),
                Abort::Rejected(fault) | Abort::Fault(fault) => fault,
            };
            // A reader that has gone away does not need the fault either.
            failed.send(Err(fault)).await.unwrap_or_default();
        }
    });
    Ok(Box::pin(stream::unfold(read, async |mut read| read.recv().await.map(|batch| (batch, read)))))
}

async fn send_all(c: &mut AsyncPgConnection, id: WaitlistId, batches: &Batches) -> Result<(), Abort<Fault>> {
    let Some(list) = lists::find(c, id).await? else { return Ok(()) };
    let mut after = 0;
    loop {
        let query = entries::table
            .filter(entries::waitlist_id.eq(id.uuid()).and(entries::position.gt(after)))
            .order(entries::position)
            .limit(BATCH)
            .select(EntryRow::as_select());
        let rows: Vec<EntryRow> = query.load(c).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.new.position;
        let batch = rows.into_iter().map(|row| list.entry(row)).collect::<Result<Vec<_>, _>>()?;
        if batches.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
    }
}
