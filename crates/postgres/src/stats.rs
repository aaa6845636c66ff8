//! [`EntryStats`] on PostgreSQL, from counters and indexes. Only `rebuild` counts rows.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::analytics::{Analytics, Counters, DaySpan, TOP, TopReferral, VariantLabel, VariantSignups, first_day_needed};
use rally_domain::email::Email;
use rally_domain::entry::{Entry, Leader};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WaitlistId;
use rally_domain::paging::Limit;
use rally_domain::port::{EntryStats, Rebuilt};
use rally_domain::referral::Position;
use rally_domain::text::Referrer;
use rally_domain::variant::Variant;
use time::Date;
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, variants, waitlist_days, waitlist_sources, waitlist_totals, waitlist_variants, waitlists};
use crate::variants::VariantRow;
use crate::{PgStore, counters, transaction};

/// The predicate of the leaderboard's index, literally. With a bound value in its place the planner could not use the index.
pub(crate) const LEADS: &str = "referral_count > 0 AND status <> 'rejected'";

#[async_trait]
impl EntryStats for PgStore {
    async fn count(&self, waitlist_id: WaitlistId) -> Result<u64, Fault> {
        use crate::schema::waitlist_totals::dsl::{approved, pending, rejected};
        let mut c = self.connection().await?;
        let query = waitlist_totals::table.find(waitlist_id.uuid()).select(pending + approved + rejected);
        let count: Option<i64> = query.first(&mut c).await.optional().map_err(query_fault)?;
        Ok(from_bigint(count.unwrap_or(0)))
    }

    async fn standing(&self, waitlist_id: WaitlistId) -> Result<u64, Fault> {
        use crate::schema::waitlist_totals::dsl::{approved, erased, pending, rejected};
        let mut c = self.connection().await?;
        let query = waitlist_totals::table.find(waitlist_id.uuid()).select(pending + approved + rejected - erased);
        let standing: Option<i64> = query.first(&mut c).await.optional().map_err(query_fault)?;
        Ok(from_bigint(standing.unwrap_or(0)))
    }

    async fn leaders(&self, waitlist_id: WaitlistId, limit: Limit) -> Result<Arc<[Leader]>, Fault> {
        let mut c = self.connection().await?;
        let query = entries::table
            .filter(entries::waitlist_id.eq(waitlist_id.uuid()))
            .filter(sql::<Bool>(LEADS))
            .filter(exists(waitlist_totals::table.find(waitlist_id.uuid())))
            .order((entries::referral_count.desc(), entries::position))
            .limit(to_bigint(limit.rows() as u64))
            .select((entries::position, entries::referral_count, entries::email));
        let rows: Vec<(i64, i64, String)> = query.load(&mut c).await.map_err(query_fault)?;
        let leader = |(position, count, email)| Leader {
            position: Position::new(from_bigint(position)),
            referral_count: from_bigint(count),
            email: Email::from_stored(email),
        };
        Ok(rows.into_iter().map(leader).collect())
    }

    async fn analytics(&self, waitlist_id: WaitlistId, today: Date) -> Result<Analytics, Fault> {
        let mut c = self.connection().await?;
        let mut snapshot = c.build_transaction().read_only().repeatable_read();
        let outcome: Result<Analytics, Abort<Infallible>> = snapshot.run(async |c| analytics(c, waitlist_id, today).await).await;
        outcome.map_err(|abort| CommandError::from(abort).into())
    }

    async fn timeline(&self, waitlist_id: WaitlistId, span: DaySpan) -> Result<BTreeMap<Date, u64>, Fault> {
        let mut c = self.connection().await?;
        days(&mut c, waitlist_id, span.first_day(), span.last_day()).await.map_err(query_fault)
    }

    async fn rebuild(&self) -> Result<Rebuilt, Fault> {
        let mut c = self.connection().await?;
        let lists: Vec<Uuid> = waitlists::table.select(waitlists::id).load(&mut c).await.map_err(query_fault)?;
        drop(c);
        let mut rebuilt = Rebuilt { waitlists: lists.len() as u64, corrected: 0 };
        for list in lists {
            let outcome: Result<bool, CommandError<Infallible>> =
                transaction!(self, |c| Ok(counters::rebuild(c, WaitlistId::new(list)).await?));
            rebuilt.corrected += u64::from(outcome?);
        }
        Ok(rebuilt)
    }
}

async fn analytics(c: &mut AsyncPgConnection, id: WaitlistId, today: Date) -> Result<Analytics, Abort<Infallible>> {
    let Some(counters) = totals(c, id).await? else { return Ok(Analytics::default()) };
    Ok(Analytics {
        counters,
        recent_days: days(c, id, first_day_needed(today), today).await?,
        top_referrers: top_referrers(c, id).await?,
        top_referrals: top_referrals(c, id).await?,
        by_variant: by_variant(c, id).await?,
    })
}

async fn totals(c: &mut AsyncPgConnection, id: WaitlistId) -> QueryResult<Option<Counters>> {
    use crate::schema::waitlist_totals::dsl::{approved, pending, referred, rejected, waitlist_totals};
    let query = waitlist_totals.find(id.uuid()).select((pending, approved, rejected, referred));
    let row: Option<(i64, i64, i64, i64)> = query.first(c).await.optional()?;
    Ok(row.map(|(pending_now, approved_now, rejected_now, referred_now)| Counters {
        pending: from_bigint(pending_now),
        approved: from_bigint(approved_now),
        rejected: from_bigint(rejected_now),
        referred: from_bigint(referred_now),
    }))
}

async fn days(c: &mut AsyncPgConnection, id: WaitlistId, first: Date, last: Date) -> QueryResult<BTreeMap<Date, u64>> {
    let query = waitlist_days::table
        .filter(waitlist_days::waitlist_id.eq(id.uuid()).and(waitlist_days::day.between(first, last)))
        .filter(exists(waitlist_totals::table.find(id.uuid())))
        .select((waitlist_days::day, waitlist_days::signups));
    let rows: Vec<(Date, i64)> = query.load(c).await?;
    Ok(rows.into_iter().map(|(day, signups)| (day, from_bigint(signups))).collect())
}

async fn top_referrers(c: &mut AsyncPgConnection, id: WaitlistId) -> QueryResult<Vec<(Option<Referrer>, u64)>> {
    let query = waitlist_sources::table
        .filter(waitlist_sources::waitlist_id.eq(id.uuid()))
        .order((waitlist_sources::signups.desc(), waitlist_sources::referrer))
        .limit(to_bigint(TOP as u64))
        .select((waitlist_sources::referrer, waitlist_sources::signups));
    let rows: Vec<(String, i64)> = query.load(c).await?;
    let row =
        |(text, signups): (String, i64)| (Some(text).filter(|text| !text.is_empty()).map(Referrer::from_stored), from_bigint(signups));
    Ok(rows.into_iter().map(row).collect())
}

async fn top_referrals(c: &mut AsyncPgConnection, id: WaitlistId) -> Result<Vec<TopReferral>, Abort<Infallible>> {
    let query = entries::table
        .filter(entries::waitlist_id.eq(id.uuid()))
        .filter(sql::<Bool>(LEADS))
        .order((entries::referral_count.desc(), entries::position))
        .limit(to_bigint(TOP as u64))
        .select(EntryRow::as_select());
    let rows: Vec<EntryRow> = query.load(c).await?;
    let top = |entry: Entry| TopReferral {
        id: entry.id,
        email: entry.profile.email,
        name: entry.profile.name,
        referral_code: entry.referral_code,
        referral_count: entry.referral_count,
        position: entry.position,
    };
    Ok(rows.into_iter().map(|row| Entry::try_from(row).map(top)).collect::<Result<Vec<_>, _>>()?)
}

async fn by_variant(c: &mut AsyncPgConnection, id: WaitlistId) -> Result<Vec<VariantSignups>, Abort<Infallible>> {
    let counted = waitlist_variants::table
        .filter(waitlist_variants::waitlist_id.eq(id.uuid()))
        .select((waitlist_variants::variant_id, waitlist_variants::signups));
    let mut counted: BTreeMap<Uuid, i64> = counted.load::<(Uuid, i64)>(c).await?.into_iter().collect();
    let known = variants::table
        .filter(variants::waitlist_id.eq(id.uuid()))
        .order((variants::deleted_at.is_not_null(), variants::created_at, variants::id))
        .select((VariantRow::as_select(), variants::deleted_at.is_not_null()));
    let known: Vec<(VariantRow, bool)> = known.load(c).await?;
    let mut rows = Vec::with_capacity(known.len() + 1);
    for (row, deleted) in known {
        let variant = Variant::try_from(row)?;
        let signups = from_bigint(counted.remove(&variant.id.uuid()).unwrap_or(0));
        if signups > 0 || !deleted {
            let label = VariantLabel { id: variant.id, kind: variant.kind, locale: variant.locale };
            rows.push(VariantSignups { variant: Some(label), signups });
        }
    }
    if let Some(signups) = counted.remove(&Uuid::nil()) {
        rows.push(VariantSignups { variant: None, signups: from_bigint(signups) });
    }
    Ok(rows)
}
