//! Rows: people as a file tells of them.

use std::borrow::Cow;

use rally_domain::custom_field::Metadata;
use rally_domain::email::Email;
use rally_domain::entry::EntryStatus;
use rally_domain::error::Invalid;
use rally_domain::locale::Locale;
use rally_domain::suppression::SuppressionReason;
use rally_domain::text::{Interest, Lines, PersonName, Referrer, check_characters, clean};
use rally_domain::timestamp::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use crate::date::{self, DateOrder};
use crate::field::{Field, Known};
use crate::format::{Format, Means};
use crate::problem::{Problem, unguard};
use crate::status::Standing;
use crate::survey::{Column, Target};

/// The most characters of an old referral code, or of an old id.
const MAX_CODE: usize = 200;

/// A person as a file tells of them. All values are checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The address.
    pub email: Email,
    /// The name, if the file has one. [`Row::person_name`] always has one.
    pub name: Option<PersonName>,
    /// The person's plans for the product.
    pub interest: Option<Interest>,
    /// The source.
    pub referrer: Option<Referrer>,
    /// The language.
    pub locale: Option<Locale>,
    /// The other columns, by their header. Empty cells are left out.
    pub metadata: Metadata,
    /// The status.
    pub status: EntryStatus,
    /// Why the address gets no mail, if so.
    pub suppressed: Option<SuppressionReason>,
    /// When the person signed up, if the file says so. If it only says when they confirmed the address, it is that time.
    pub created_at: Option<Timestamp>,
    /// Whether the person confirmed the address.
    pub confirmed: Confirmed,
    /// The code that the person shared, as it was given.
    pub referral_code: Option<String>,
    /// Who brought them.
    pub referred_by: Option<ReferrerKey>,
    /// How many people they brought, as the file says.
    pub referral_count: u64,
    /// The id of the row in the file, if other rows name their referrer by it.
    pub id: Option<String>,
    /// The position on the old list, if the file has one.
    pub place: Option<u64>,
}

/// Whether a person confirmed the address, according to the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Confirmed {
    /// The file does not say that they did.
    #[default]
    No,
    /// They did, at an unknown time.
    Sometime,
    /// They did at this time.
    At(Timestamp),
}

/// How a row names the person who brought them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferrerKey {
    /// By their code, as it was given. Case matters.
    Code(String),
    /// By their address.
    Address(Email),
    /// By the id of their row. If no row has this id, it is their code.
    Id(String),
}

/// The order of signing up: by time, then by the old position, then by the line. Rows without a time come after those with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Order {
    /// Milliseconds since 1970, or the largest number.
    pub millis: i64,
    /// The old position, or the largest number.
    pub place: u64,
    /// The line where the record begins.
    pub line: u64,
}

impl Row {
    /// Returns the name, or the part of the address before the `@` if the file has none.
    pub fn person_name(&self) -> PersonName {
        let local = self.email.as_str().split('@').next().unwrap_or_default();
        self.name.clone().unwrap_or_else(|| PersonName::from_stored(local.to_owned()))
    }

    /// Returns where the row of a line stands in the order of signing up.
    pub fn order(&self, line: u64) -> Order {
        Order { millis: self.created_at.map_or(i64::MAX, Timestamp::unix_millis), place: self.place.unwrap_or(u64::MAX), line }
    }
}

/// A value of a column.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    Text(Cow<'a, str>),
    Json(Value),
}

impl Cell<'_> {
    /// Returns the value as text, or `None` if there is none.
    fn text(&self) -> Result<Option<Cow<'_, str>>, Invalid> {
        let text: Cow<'_, str> = match self {
            Self::Text(text) => text.trim().into(),
            Self::Json(Value::Null) => return Ok(None),
            Self::Json(Value::String(text)) => text.trim().into(),
            Self::Json(Value::Bool(value)) => value.to_string().into(),
            Self::Json(Value::Number(number)) => number.to_string().into(),
            Self::Json(Value::Array(_) | Value::Object(_)) => return Err(Invalid::new("must be a text or a number")),
        };
        Ok((!text.is_empty()).then_some(text))
    }

    /// Returns the value for the metadata, or `None` if there is none.
    fn value(self) -> Option<Value> {
        let value = match self {
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Json(value) => value,
        };
        match value {
            Value::Null => None,
            Value::String(text) => Some(text.replace('\t', " ").trim().to_owned()).filter(|text| !text.is_empty()).map(Value::String),
            value => Some(value),
        }
    }
}

/// What is needed to read the rows of a file.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) format: Format,
    pub(crate) dates: DateOrder,
}

/// Reads a row of its cells.
///
/// # Errors
/// Every value that cannot be read.
pub(crate) fn assemble<'a>(rules: &Rules, line: u64, cells: impl IntoIterator<Item = (&'a Column, Cell<'a>)>) -> Result<Row, Vec<Problem>> {
    let (mut draft, mut problems) = (Draft::default(), Vec::new());
    let mut email_column = "email";
    for (column, cell) in cells {
        if column.target == Target::Means(Means::Field(Known::Email)) {
            email_column = &column.name;
        }
        let cell = match cell {
            Cell::Text(text) if rules.format.is_guarded() => Cell::Text(unguard(&text).to_owned().into()),
            cell => cell,
        };
        if let Err(error) = draft.take(rules, column, cell) {
            problems.push(Problem::new(line, &column.name, error));
        }
    }
    let email = draft.email.take();
    if email.is_none() && problems.iter().all(|problem| problem.column != email_column) {
        problems.push(Problem::new(line, email_column, "must not be empty"));
    }
    let metadata = Metadata::parse(std::mem::take(&mut draft.metadata));
    let metadata = metadata.map_err(|error| problems.push(Problem::new(line, "metadata", error))).ok();
    match (email, metadata) {
        (Some(email), Some(metadata)) if problems.is_empty() => Ok(draft.finish(email, metadata)),
        _ => Err(problems),
    }
}

#[derive(Default)]
struct Draft {
    email: Option<Email>,
    name: Option<PersonName>,
    first_name: Option<String>,
    last_name: Option<String>,
    interest: Option<Interest>,
    referrer: Option<Referrer>,
    locale: Option<Locale>,
    metadata: Map<String, Value>,
    standing: Option<Standing>,
    suppressed: Option<SuppressionReason>,
    created_at: Option<Timestamp>,
    confirmed: Confirmed,
    referral_code: Option<String>,
    referred_by: Option<ReferrerKey>,
    referral_count: u64,
    id: Option<String>,
    place: Option<u64>,
}

impl Draft {
    fn take(&mut self, rules: &Rules, column: &Column, cell: Cell<'_>) -> Result<(), Invalid> {
        let means = match &column.target {
            Target::Metadata(key) => {
                return self.keep(key, cell);
            }
            Target::Means(Means::Computed) => return Ok(()),
            Target::Means(Means::Document) => return self.spread(cell),
            Target::Means(means) => *means,
        };
        if let Some(text) = cell.text()? {
            self.read(rules, means, &text)?;
            if means.is_kept() {
                self.keep(&column.name, cell)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, rules: &Rules, means: Means, text: &str) -> Result<(), Invalid> {
        match means {
            Means::Field(Known::Email) => self.email = Some(Email::parse(text)?),
            Means::Field(Known::Name) => self.name = PersonName::parse_optional(&one_line(text))?,
            Means::Field(Known::CreatedAt) => {
                self.created_at = something(text).map(|text| date::parse(text, rules.dates)).transpose()?.flatten()
            }
            Means::Field(Known::ConfirmedAt) => self.confirmed = confirmed(text, rules.dates)?,
            Means::Field(Known::Status) => self.standing = Some(Standing::of(text)),
            Means::Field(Known::ReferralCode) => self.referral_code = something(text).map(code).transpose()?,
            Means::Field(Known::ReferredBy) => self.referred_by = something(text).map(referrer).transpose()?,
            Means::Field(Known::ReferralCount) => self.referral_count = something(text).map(count).transpose()?.unwrap_or_default(),
            Means::Field(Known::Interest) => self.interest = Interest::parse_optional(&text.replace('\t', " "))?,
            Means::Field(Known::Referrer) => self.referrer = Referrer::parse_optional(&one_line(text))?,
            Means::Field(Known::Locale) => self.locale = something(text).map(|tag| Locale::parse(&tag.replace('_', "-"))).transpose()?,
            Means::FirstName => self.first_name = Some(one_line(text)),
            Means::LastName => self.last_name = Some(one_line(text)),
            Means::Place | Means::OwnPlace => self.place = something(text).map(count).transpose()?,
            Means::Id | Means::OwnId => self.id = Some(clean(text, MAX_CODE, Lines::One)?),
            Means::ReferrerId => {
                self.referred_by = something(text).map(|id| clean(id, MAX_CODE, Lines::One)).transpose()?.map(ReferrerKey::Id)
            }
            Means::UnsubscribedAt | Means::OptedOut => {
                self.suppress(has_opted_out(text, rules.dates)?.then_some(SuppressionReason::Unsubscribed));
            }
            Means::Deliverability => match text.to_ascii_lowercase().as_str() {
                "unsubscribed" => self.suppress(Some(SuppressionReason::Unsubscribed)),
                "undeliverable" => self.suppress(Some(SuppressionReason::Bounced)),
                _ => {}
            },
            Means::Document | Means::Computed => {}
        }
        Ok(())
    }

    fn suppress(&mut self, reason: Option<SuppressionReason>) {
        self.suppressed = self.suppressed.or(reason);
    }

    fn keep(&mut self, key: &str, cell: Cell<'_>) -> Result<(), Invalid> {
        if let Some(value) = cell.value() {
            // The metadata is checked as a whole in the end. This check knows the column.
            value.as_str().map_or(Ok(()), |text| check_characters(text, Lines::Many))?;
            self.metadata.insert(key.to_owned(), value);
        }
        Ok(())
    }

    /// Adds the keys of a JSON object to the metadata.
    fn spread(&mut self, cell: Cell<'_>) -> Result<(), Invalid> {
        let must_be = || Invalid::new("must be a JSON object");
        let document = match cell.value() {
            None => return Ok(()),
            Some(Value::Object(document)) => document,
            Some(Value::String(text)) => serde_json::from_str(&text).map_err(|_| must_be())?,
            Some(_) => return Err(must_be()),
        };
        self.metadata.extend(document);
        Ok(())
    }

    fn finish(self, email: Email, metadata: Metadata) -> Row {
        let standing = self.standing.unwrap_or_else(|| Standing::of(""));
        let confirmed_at = if let Confirmed::At(at) = self.confirmed { Some(at) } else { None };
        let created_at = self.created_at.or(confirmed_at);
        let confirmed = match (self.confirmed, created_at) {
            (Confirmed::Sometime, Some(at)) => Confirmed::At(at),
            (confirmed, _) => confirmed,
        };
        let parts: Vec<String> = [self.first_name, self.last_name].into_iter().flatten().collect();
        let joined = PersonName::parse_optional(&parts.join(" ")).unwrap_or_default();
        Row {
            email,
            name: self.name.or(joined),
            interest: self.interest,
            referrer: self.referrer,
            locale: self.locale,
            metadata,
            status: standing.status,
            suppressed: standing.suppressed.or(self.suppressed),
            created_at,
            confirmed,
            referral_code: self.referral_code,
            referred_by: self.referred_by,
            referral_count: self.referral_count,
            id: self.id,
            place: self.place,
        }
    }
}

/// Returns a text unless it is one of the words that programs write for none.
fn something(text: &str) -> Option<&str> {
    let nothing = ["null", "none", "nil", "n/a", "\\n", "-"];
    (!nothing.contains(&text.to_ascii_lowercase().as_str())).then_some(text)
}

fn one_line(text: &str) -> String {
    text.split(['\t', '\r', '\n']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn count(text: &str) -> Result<u64, Invalid> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    let number = whole.parse().ok().filter(|number| *number <= u64::from(u32::MAX));
    number.ok_or_else(|| Invalid::new("must be a whole number from 0 on"))
}

fn is_yes(text: &str) -> Result<bool, Invalid> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "1" => Ok(true),
        "false" | "no" | "n" | "f" | "0" => Ok(false),
        _ if something(text).is_none() => Ok(false),
        _ => Err(Invalid::new("must be true or false")),
    }
}

fn confirmed(text: &str, dates: DateOrder) -> Result<Confirmed, Invalid> {
    match is_yes(text) {
        Ok(true) => Ok(Confirmed::Sometime),
        Ok(false) => Ok(Confirmed::No),
        Err(_) => date::parse(text, dates).map(|at| at.map_or(Confirmed::No, Confirmed::At)),
    }
}

/// Reads whether a person unsubscribed, or when.
fn has_opted_out(text: &str, dates: DateOrder) -> Result<bool, Invalid> {
    let read = is_yes(text).or_else(|_| date::parse(text, dates).map(|at| at.is_some()));
    read.map_err(|_| Invalid::new("must be true, false or a date"))
}

/// Reads a code, or the code in a link that people shared.
fn code(text: &str) -> Result<String, Invalid> {
    const KEYS: [&str; 7] = ["ref_id", "ref", "kid", "referral", "referral_code", "code", "r"];
    let of_link = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).and_then(|url| {
        let pairs: Vec<(String, String)> = url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        KEYS.iter().find_map(|key| pairs.iter().find(|(name, _)| name == key)).map(|(_, value)| value.clone())
    });
    let code = clean(of_link.as_deref().unwrap_or(text), MAX_CODE, Lines::One)?;
    if code.is_empty() { Err(Invalid::new("must have a visible character")) } else { Ok(code) }
}

fn referrer(text: &str) -> Result<ReferrerKey, Invalid> {
    let code = code(text)?;
    Ok(Email::parse(&code).map_or(ReferrerKey::Code(code), ReferrerKey::Address))
}

/// Returns the target of a field that a caller mapped.
impl From<Field> for Target {
    fn from(field: Field) -> Self {
        match field {
            Field::Known(known) => Self::Means(Means::Field(known)),
            Field::FirstName => Self::Means(Means::FirstName),
            Field::LastName => Self::Means(Means::LastName),
            Field::Unsubscribed => Self::Means(Means::OptedOut),
            Field::Document => Self::Means(Means::Document),
            Field::Ignore => Self::Means(Means::Computed),
            Field::Metadata(key) => Self::Metadata(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(format: &str, cells: &[(&str, &str)]) -> Result<Row, Vec<Problem>> {
        let format = Format::parse(format).unwrap().unwrap();
        let columns: Vec<Column> = cells
            .iter()
            .map(|(name, _)| {
                let means = format.columns().find(|(column, _)| column == name).map(|(_, means)| Target::Means(means));
                Column { name: (*name).to_owned(), target: means.unwrap_or_else(|| Target::Metadata((*name).to_owned())) }
            })
            .collect();
        let rules = Rules { format, dates: DateOrder::DayFirst };
        assemble(&rules, 2, columns.iter().zip(cells).map(|(column, (_, text))| (column, Cell::Text((*text).into()))))
    }

    fn problems(cells: &[(&str, &str)]) -> Vec<String> {
        row("generic", cells).unwrap_err().into_iter().map(|problem| problem.column).collect()
    }

    #[test]
    fn a_row_without_a_name_takes_the_part_before_the_at() {
        let row = row("generic", &[("email", " Ada.L@Example.com "), ("name", " ")]).unwrap();
        assert_eq!((row.email.as_str(), row.name.as_ref(), row.person_name().as_str()), ("ada.l@example.com", None, "ada.l"));
    }

    #[test]
    fn a_name_of_two_columns_is_one() {
        let name = |first, last| row("generic", &[("email", "a@example.com"), ("first_name", first), ("last_name", last)]).unwrap().name;
        assert_eq!(name("Ada", "Lovelace").unwrap().as_str(), "Ada Lovelace");
        assert_eq!(name("", "Lovelace").unwrap().as_str(), "Lovelace");
        assert_eq!(name("", ""), None);
    }

    #[test]
    fn every_value_that_cannot_be_read_is_named() {
        let good = [("email", "a@example.com"), ("referral_count", "2"), ("locale", "pt_BR"), ("created_at", "31/12/2024")];
        assert_eq!(row("generic", &good).unwrap().locale.unwrap().as_str(), "pt-BR");
        let bad =
            [("email", "ada"), ("referral_count", "-2"), ("locale", "Portuguese (BR)"), ("created_at", "soon"), ("confirmed_at", "maybe")];
        assert_eq!(problems(&bad), ["email", "referral_count", "locale", "created_at", "confirmed_at"]);
        assert_eq!(problems(&[("email", ""), ("name", "Ada")]), ["email"]);
        assert_eq!(problems(&[("email", "a@example.com"), ("name", "A\0da")]), ["name"]);
        assert_eq!(problems(&[("email", "a@example.com"), ("metadata", "[1]")]), ["metadata"]);
        assert_eq!(problems(&[("email", "a@example.com"), ("x", "a\0")]), ["x"]);
    }

    #[test]
    fn words_for_nothing_are_nothing() {
        let cells = [
            ("email", "a@example.com"),
            ("created_at", "NULL"),
            ("confirmed_at", "null"),
            ("referral_code", "None"),
            ("referred_by", "\\N"),
        ];
        let row = row("generic", &cells).unwrap();
        assert_eq!((row.created_at, row.confirmed, row.referral_code, row.referred_by), (None, Confirmed::No, None, None));
    }

    #[test]
    fn a_code_may_be_in_a_link_and_a_referrer_may_be_an_address() {
        let cells =
            [("email", "a@example.com"), ("referral_code", "https://x.example/?a=1&ref_id=4F0b"), ("referred_by", "Bob@Example.com")];
        let row = row("generic", &cells).unwrap();
        assert_eq!(row.referral_code.as_deref(), Some("4F0b"));
        assert_eq!(row.referred_by, Some(ReferrerKey::Address(Email::parse("bob@example.com").unwrap())));
        assert_eq!(referrer("happy-star-4f3d"), Ok(ReferrerKey::Code("happy-star-4f3d".into())));
    }

    #[test]
    fn a_confirmation_without_a_time_has_the_time_of_the_sign_up() {
        let confirmed = |created: &str, confirmed: &str| {
            let row = row("generic", &[("email", "a@example.com"), ("created_at", created), ("confirmed_at", confirmed)]).unwrap();
            (row.created_at.is_some(), row.confirmed)
        };
        let at = Timestamp::parse("2024-03-01T00:00:00Z").unwrap();
        assert_eq!(confirmed("2024-03-01", "true"), (true, Confirmed::At(at)));
        assert_eq!(confirmed("", "true"), (false, Confirmed::Sometime));
        assert_eq!(confirmed("", "2024-03-01"), (true, Confirmed::At(at)));
        assert_eq!(confirmed("2024-03-01", "no"), (true, Confirmed::No));
    }

    #[test]
    fn columns_without_a_field_are_metadata_under_their_header() {
        let row =
            row("generic", &[("email", "a@example.com"), ("Company", " Acme\tLtd "), ("Empty", " "), ("metadata", "{\"n\": 1}")]).unwrap();
        assert_eq!(Value::Object(row.metadata.document().clone()).to_string(), "{\"Company\":\"Acme Ltd\",\"n\":1}");
    }

    #[test]
    fn a_person_without_mail_stays_so() {
        let suppressed = |format, column, text| row(format, &[("email", "a@example.com"), (column, text)]).unwrap().suppressed;
        assert_eq!(suppressed("listmonk", "status", "blocklisted"), Some(SuppressionReason::Manual));
        assert_eq!(suppressed("mailchimp", "unsub_time", "2024-03-01 09:00:00"), Some(SuppressionReason::Unsubscribed));
        assert_eq!(suppressed("kickofflabs", "opted_out", "true"), Some(SuppressionReason::Unsubscribed));
        assert_eq!(suppressed("kickofflabs", "opted_out", "false"), None);
        for (text, expected) in [("1", true), ("yes", true), ("2024-03-01", true), ("0", false), ("no", false), ("0001-01-01", false)] {
            for column in ["unsubscribed", "unsubscribed_at"] {
                assert_eq!(suppressed("generic", column, text), expected.then_some(SuppressionReason::Unsubscribed), "{text}");
            }
        }
        assert_eq!(problems(&[("email", "a@example.com"), ("unsubscribed", "maybe")]), ["unsubscribed"]);
        assert_eq!(suppressed("waitlister", "deliverability", "Unsubscribed"), Some(SuppressionReason::Unsubscribed));
        assert_eq!(suppressed("waitlister", "deliverability", "undeliverable"), Some(SuppressionReason::Bounced));
    }

    #[test]
    fn rows_are_ordered_by_time_then_place_then_line() {
        let row = |created: &str, place: &str| {
            let cells =
                [("email", "a@example.com"), ("created_at", created), ("position", place), ("referral_code", "x"), ("users_referred", "0")];
            row("launchlist", &cells).unwrap()
        };
        let orders = [
            row("2024-01-01", "9").order(9),
            row("2024-01-02", "1").order(8),
            row("", "1").order(7),
            row("", "2").order(2),
            row("", "").order(3),
        ];
        assert!(orders.is_sorted(), "{orders:?}");
    }
}
