//! The filters and the order of a list of entries.

use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::{EntryId, VariantId};
use rally_domain::referral::{Position, ReferralBoost};
use rally_domain::search::{EntryKey, EntryQuery, EntrySort, TermFilter};
use rally_domain::text::{Lines, check_characters};
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;
use serde::Deserialize;
use url::form_urlencoded;
use utoipa::IntoParams;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::extract::list_query::{ListQuery, Listing, read_filter};
use crate::routes::schema::EntryStatusName;

/// What stands before the key of a custom field.
const FIELD: &str = "field.";

/// The filters and the order, unparsed. All filters hold together.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EntryFilter {
    /// The start of an address or of any word of the name, several words of the name, or `@` and a whole domain, in any case.
    #[param(max_length = 254)]
    q: Option<String>,
    /// Only entries with this status.
    #[param(value_type = Option<EntryStatusName>)]
    status: Option<String>,
    /// Whether the person has confirmed the address.
    #[param(value_type = Option<bool>)]
    confirmed: Option<String>,
    /// Whether the entry was invited.
    #[param(value_type = Option<bool>)]
    invited: Option<String>,
    /// Only entries that this entry referred.
    #[param(value_type = Option<uuid::Uuid>)]
    referred_by: Option<String>,
    /// Only entries that saw this variant.
    #[param(value_type = Option<uuid::Uuid>)]
    variant_id: Option<String>,
    /// Only entries with this source.
    referrer: Option<String>,
    /// Only entries that signed up at this instant or later.
    #[param(value_type = Option<String>, format = DateTime)]
    created_since: Option<String>,
    /// Only entries that signed up before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    created_until: Option<String>,
    /// The order. Entries that are equal in it go by their positions.
    #[param(inline, value_type = Option<EntrySortName>)]
    sort: Option<String>,
}

/// The order of entries.
#[derive(utoipa::ToSchema)]
#[schema(as = EntrySort)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum EntrySortName {
    /// By position.
    #[schema(rename = "position")]
    Position,
    /// By position, the last one first.
    #[schema(rename = "-position")]
    LastPosition,
    /// The newest first.
    #[schema(rename = "-created_at")]
    Newest,
    /// Those with the most referrals first.
    #[schema(rename = "-referral_count")]
    MostReferrals,
    /// By effective position.
    #[schema(rename = "effective_position")]
    EffectivePosition,
}

/// A page of entries, and the cursor of the next one.
pub struct Found {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

impl EntryFilter {
    /// Finds a page of a list. `query_string` has the filters by custom fields.
    ///
    /// # Errors
    /// If a parameter is bad.
    pub async fn find(&self, app: &App, waitlist: &Waitlist, page: &ListQuery, query_string: &str) -> Result<Found, ApiError> {
        let mut errors = Vec::new();
        let query = self.parse(waitlist, query_string, &mut errors);
        let status = query.status;
        if errors.is_empty() && query == (EntryQuery { status, boost: query.boost, ..EntryQuery::default() }) {
            return self.list(app, waitlist, page, status).await;
        }
        let name = format!("entries/{}?{query:?}", waitlist.id);
        let Listing { name, limit, after, status: query } = page.parse_filtered::<EntryKey, _>(app, name, Some(query), errors)?;
        let found = app.ports.search.search(waitlist.id, query.unwrap_or_default(), after, limit).await?;
        Ok(Found { entries: found.items, next: found.next.map(|key| app.cursors.seal(&name, &key)) })
    }

    /// The question, whatever its page. `query_string` has the filters by custom fields.
    ///
    /// # Errors
    /// If a parameter is bad.
    pub fn question(&self, waitlist: &Waitlist, query_string: &str) -> Result<EntryQuery, ApiError> {
        let mut errors = Vec::new();
        let query = self.parse(waitlist, query_string, &mut errors);
        if errors.is_empty() { Ok(query) } else { Err(ApiError::validation(errors)) }
    }

    /// Lists by position, as a list of one status or of all.
    async fn list(&self, app: &App, waitlist: &Waitlist, page: &ListQuery, status: Option<EntryStatus>) -> Result<Found, ApiError> {
        let name = format!("entries/{}", waitlist.id);
        let text = status.map(EntryStatus::as_str);
        let Listing { name, limit, after, status } = page.parse::<Position, _>(app, &name, text, EntryStatus::parse)?;
        let found = app.ports.entries.list(waitlist.id, status, after, limit).await?;
        Ok(Found { entries: found.items, next: found.next.map(|key| app.cursors.seal(&name, &key)) })
    }

    fn parse(&self, waitlist: &Waitlist, query_string: &str, errors: &mut Vec<FieldError>) -> EntryQuery {
        let text = read_filter("q", self.q.as_deref(), |text| checked(text, Lines::One).and_then(TermFilter::text), errors).flatten();
        let variant = read_filter("variant_id", self.variant_id.as_deref(), VariantId::parse, errors).map(TermFilter::variant);
        let by_referrer = |text: &str| checked(text, Lines::One).map(TermFilter::referrer);
        let referrer = read_filter("referrer", self.referrer.as_deref(), by_referrer, errors);
        let fields = answers(waitlist, query_string, errors);
        let sort = read_filter("sort", self.sort.as_deref(), EntrySort::parse, errors).unwrap_or_default();
        // Only one order depends on the boost, and a cursor belongs to its query.
        let boost = if sort == EntrySort::EffectivePosition { waitlist.settings.referral_boost } else { ReferralBoost::default() };
        EntryQuery {
            status: read_filter("status", self.status.as_deref(), EntryStatus::parse, errors),
            confirmed: read_filter("confirmed", self.confirmed.as_deref(), parse_bool, errors),
            invited: read_filter("invited", self.invited.as_deref(), parse_bool, errors),
            referred_by: read_filter("referred_by", self.referred_by.as_deref(), EntryId::parse, errors),
            created_since: read_filter("created_since", self.created_since.as_deref(), Timestamp::parse, errors),
            created_until: read_filter("created_until", self.created_until.as_deref(), Timestamp::parse, errors),
            terms: referrer.into_iter().chain(variant).chain(fields).chain(text).collect(),
            sort,
            boost,
        }
    }
}

/// Refuses a text with characters that nothing that is stored has.
fn checked(text: &str, lines: Lines) -> Result<&str, Invalid> {
    check_characters(text, lines).map(|()| text)
}

fn parse_bool(text: &str) -> Result<bool, Invalid> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Invalid::new("must be true or false")),
    }
}

/// Reads the filters by answers to custom fields.
fn answers(waitlist: &Waitlist, query_string: &str, errors: &mut Vec<FieldError>) -> Vec<TermFilter> {
    let mut found = Vec::new();
    for (name, value) in form_urlencoded::parse(query_string.as_bytes()) {
        let Some(key) = name.strip_prefix(FIELD) else { continue };
        match waitlist.settings.custom_fields.iter().find(|field| field.key == key) {
            Some(field) => match checked(&value, Lines::Many) {
                Ok(value) => found.push(TermFilter::field(field, value)),
                Err(error) => errors.push(FieldError::new(&*name, error)),
            },
            None => errors.push(FieldError::new(&*name, Invalid::new("must be a custom field of the waitlist"))),
        }
    }
    found
}
