//! The owners of the codes that a group of sign-ups uses or draws, and what the signals of their referrals need, with one statement.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bytea, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{CodeOwner, ReferrerFacts, SignUp};
use rally_domain::email::Email;
use rally_domain::entry::EntryStatus;
use rally_domain::error::Fault;
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::ledger::{BURST_WITHIN, NEIGHBOURS, NEIGHBOURS_WITHIN, ReferralPolicy};
use rally_domain::referral::ReferralCode;
use rally_domain::secret::NetworkHash;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{from_bigint, network, to_bigint};
use crate::fault::query_fault;
use crate::sign_up::LooksUp;
use crate::statement::statement;

/// What is known of the codes of a group.
#[derive(Default)]
pub(crate) struct Owners {
    /// The owner of a code, and its list.
    of: HashMap<ReferralCode, (WaitlistId, ReferrerFacts)>,
    /// The referrals of an entry from a network in the last day.
    pub(crate) neighbours: HashMap<(EntryId, NetworkHash), u64>,
}

impl Owners {
    /// Who has the codes, for sign-ups on a list.
    pub(crate) fn seen_from(&self, list: WaitlistId) -> HashMap<ReferralCode, CodeOwner> {
        let owner = |(of, referrer): &(WaitlistId, ReferrerFacts)| match *of == list {
            true => CodeOwner::Here(referrer.clone()),
            false => CodeOwner::Elsewhere,
        };
        self.of.iter().map(|(code, found)| (code.clone(), owner(found))).collect()
    }
}

/// Reads what is known of the codes of some sign-ups.
pub(crate) async fn owners(mut c: &AsyncPgConnection, commands: &[SignUp], looks_up: LooksUp) -> Result<Owners, Fault> {
    let Some(now) = commands.iter().map(|command| command.now).min() else { return Ok(Owners::default()) };
    let drawn = commands.iter().filter(|_| looks_up == LooksUp::AllCodes).map(|command| (command.own_code.as_str(), None));
    let used = commands.iter().filter_map(|command| Some((command.friends_code.as_ref()?.as_str(), command.network)));
    let asked: BTreeSet<(&str, Option<NetworkHash>)> = drawn.chain(used).collect();
    if asked.is_empty() {
        return Ok(Owners::default());
    }
    let (codes, networks) = asked.into_iter().map(|(code, network)| (code.to_owned(), network.map(|of| of.bytes().to_vec()))).unzip();
    let find = FindOwners {
        in_hour: now.plus(-BURST_WITHIN).instant(),
        in_day: now.plus(-NEIGHBOURS_WITHIN).instant(),
        codes,
        networks,
        cap: i64::from(ReferralPolicy::default().hourly_cap),
        near: to_bigint(NEIGHBOURS),
    };
    let rows: Vec<OwnerRow> = find.load(&mut c).await.map_err(query_fault)?;
    let mut owners = Owners::default();
    for row in rows {
        let from = row.asked_network.clone().map(network).transpose()?;
        owners.neighbours.extend(from.map(|from| ((EntryId::new(row.id), from), from_bigint(row.neighbours))));
        let (code, owner) = row.owner()?;
        owners.of.insert(code, owner);
    }
    Ok(owners)
}

statement! {
    /// Finds the owners of some codes. Counts the referrals of each within an hour, up to the cap of the list, and those from some networks
    /// within a day, as far as they count. Where a list judges nothing the counts are 0.
    FindOwners {
        "SELECT owner.*, asked.network AS asked_network, recent.number AS recent, others.number AS neighbours FROM (SELECT "
        in_hour: Timestamptz = OffsetDateTime, "::timestamptz AS hour, "
        in_day: Timestamptz = OffsetDateTime, "::timestamptz AS day) since CROSS JOIN unnest("
        codes: Array<Text> = Vec<String>, ", "
        networks: Array<Nullable<Bytea>> = Vec<Option<Vec<u8>>>, ") AS asked (code, network)
        CROSS JOIN LATERAL (
            SELECT referral_code, waitlist_id, id, status, email, network, created_at, referral_count, referral_peak FROM entries
            WHERE referral_code = asked.code ORDER BY referral_code LIMIT 1
        ) owner
        CROSS JOIN LATERAL (
            SELECT settings ->> 'referral_fraud' IS DISTINCT FROM 'off' AS judges, settings ->> 'referral_hourly_cap' AS cap FROM waitlists
            WHERE id = owner.waitlist_id ORDER BY id LIMIT 1
        ) list
        CROSS JOIN LATERAL (SELECT count(*) AS number FROM (
            SELECT FROM referrals r WHERE list.judges AND r.referrer_entry_id = owner.id AND r.created_at > since.hour
            ORDER BY r.referrer_entry_id, r.created_at DESC LIMIT coalesce(list.cap::bigint, "
        cap: BigInt = i64, ")
        ) newest) recent
        CROSS JOIN LATERAL (SELECT count(*) AS number FROM (
            SELECT FROM referrals r
            WHERE list.judges AND r.network = asked.network AND r.referrer_entry_id = owner.id AND r.created_at > since.day
            ORDER BY r.network, r.referrer_entry_id, r.created_at LIMIT "
        near: BigInt = i64, "
        ) near) others"
    }
}

/// The owner of a code, and its referrals.
#[derive(QueryableByName)]
struct OwnerRow {
    #[diesel(sql_type = Text)]
    referral_code: String,
    #[diesel(sql_type = sql_types::Uuid)]
    waitlist_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Nullable<Bytea>)]
    network: Option<Vec<u8>>,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = BigInt)]
    referral_count: i64,
    #[diesel(sql_type = BigInt)]
    referral_peak: i64,
    #[diesel(sql_type = Nullable<Bytea>)]
    asked_network: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    recent: i64,
    #[diesel(sql_type = BigInt)]
    neighbours: i64,
}

impl OwnerRow {
    fn owner(self) -> Result<(ReferralCode, (WaitlistId, ReferrerFacts)), Fault> {
        let referrer = ReferrerFacts {
            id: EntryId::new(self.id),
            status: EntryStatus::parse(&self.status).map_err(Fault::unexpected)?,
            mailbox: Email::from_stored(self.email).mailbox(),
            network: self.network.map(network).transpose()?,
            joined_at: Timestamp::new(self.created_at),
            referral_count: from_bigint(self.referral_count),
            referral_peak: from_bigint(self.referral_peak),
            recent: from_bigint(self.recent),
        };
        Ok((ReferralCode::from_stored(self.referral_code), (WaitlistId::new(self.waitlist_id), referrer)))
    }
}
