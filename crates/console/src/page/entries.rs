//! The entries of a list.

use askama::Template;
use url::form_urlencoded::Serializer;

use super::framed;
use crate::form::{Choice, Field, Form, Summary};
use crate::frame::{Frame, Framed};
use crate::part::{Count, Job, Pager, State, Time};

/// The query of the page: names and values as in `GET {w}/entries`, without `cursor`. Empty values count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter(pub Vec<(String, String)>);

impl EntryFilter {
    /// Returns the value of a parameter.
    pub fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Whether anything but the order is asked for.
    pub fn is_narrow(&self) -> bool {
        self.0.iter().any(|(name, value)| name != "sort" && !value.is_empty())
    }

    /// Returns the query string.
    pub fn query(&self) -> String {
        self.query_with("", "")
    }

    /// Returns the query string with another value of a parameter.
    fn query_with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(other, value)| other != name && !value.is_empty());
        let mut query = Serializer::new(String::new());
        query.extend_pairs(kept);
        if !value.is_empty() {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

/// A custom field that entries can be found by.
#[derive(Debug, Clone, Default)]
pub struct FieldFilter {
    /// The key.
    pub key: String,
    /// The question.
    pub label: String,
    /// The answers to choose from. Without any, an answer is typed.
    pub answers: Vec<Choice>,
}

/// An entry among others.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// `pending`, `approved` or `rejected`.
    pub status: State,
    /// The position.
    pub position: Count,
    /// The effective position.
    pub effective: Count,
    /// The number of credited referrals.
    pub referrals: Count,
    /// When the person signed up.
    pub created_at: Time,
    /// Whether the person was invited.
    pub is_invited: bool,
    /// Whether the person has not confirmed the address, on a list with confirmation.
    pub is_unconfirmed: bool,
}

/// The entries of a list: `GET {w}/entries`. The bulk form is `POST {w}/entries/bulk` or a job.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "entries.html", whitespace = "minimize")]
pub struct EntriesPage {
    /// The frame.
    pub frame: Frame,
    /// What is asked for.
    pub filter: EntryFilter,
    /// The place of the page among the others: the parameter `cursor`. It is empty on the first page.
    pub cursor: String,
    /// What is wrong with the question, such as a date.
    pub errors: Vec<(String, String)>,
    /// The variants of the list, by id.
    pub variants: Vec<Choice>,
    /// The custom fields of the list.
    pub fields: Vec<FieldFilter>,
    /// The number that matches. `None` if it is not counted.
    pub matched: Option<Count>,
    /// The entries.
    pub rows: Vec<EntryRow>,
    /// The other pages. Its part is `entries`.
    pub pager: Pager,
    /// The work on entries that runs or has just ended.
    pub job: Option<Job>,
    /// Whether entries can be invited: an app or an invitation link is set.
    pub may_invite: bool,
    /// Whether a decision sends mail to the person.
    pub sends_mail: bool,
}

framed!(EntriesPage, Entries, |_page| "Entries".to_owned(), |page| !page.errors.is_empty());

impl EntriesPage {
    fn form(&self) -> Form {
        let day = |(name, error): &(String, String)| match name.as_str() {
            "created_since" | "created_until" => (name.clone(), "Enter a day such as 2026-01-31".to_owned()),
            _ => (name.clone(), error.clone()),
        };
        Form::new(self.filter.0.clone()).refused(self.errors.iter().map(day))
    }

    /// Returns what is wrong with the question, also with a filter that has no field, such as one of a question that is asked no more.
    fn summary(&self) -> Summary {
        let form = self.form();
        let fields: Vec<Field> = [self.search(), self.status()].into_iter().chain(self.more()).collect();
        let mut changes = form.changes(&fields.iter().collect::<Vec<_>>());
        let without = form.errors.iter().filter(|(name, _)| !fields.iter().any(|field| field.name == *name));
        for ((name, error), change) in without.zip(changes.iter_mut().filter(|change| change.id.is_none())) {
            change.text = format!("{name}: {error}");
        }
        Summary { title: "Change what you ask for", changes }
    }

    fn search(&self) -> Field {
        self.form().line("q", "Search")
    }

    fn search_error(&self) -> Option<String> {
        self.form().errors.into_iter().find(|(name, _)| name == "q").map(|(_, error)| error)
    }

    fn status(&self) -> Field {
        let choices = [("", "Any status"), ("pending", "Pending"), ("approved", "Approved"), ("rejected", "Rejected")];
        self.form().select("status", "Status", &choices)
    }

    /// Returns the choice of the order. The order by position is the one without a name.
    fn sort(&self) -> Field {
        let choices = [
            ("", "Position"),
            ("-position", "Position, last first"),
            ("effective_position", "Effective position"),
            ("-referral_count", "Most referrals"),
            ("-created_at", "Newest"),
        ];
        let sort = Some(self.filter.value("sort")).filter(|sort| *sort != "position").unwrap_or_default();
        Form::new([("sort", sort)]).select("sort", "Sort by", &choices).of_form("filter")
    }

    fn more(&self) -> Vec<Field> {
        let form = self.form();
        let either = |name: &str, label: &str| form.select(name, label, &[("", "Either"), ("true", "Yes"), ("false", "No")]);
        let mut fields = vec![
            either("confirmed", "Confirmed"),
            either("invited", "Invited"),
            form.line("referrer", "Source"),
            form.line("created_since", "Signed up since (UTC)").day(),
            form.line("created_until", "Signed up before (UTC)").day(),
        ];
        if !self.variants.is_empty() {
            let any = [("", "Any variant")].into_iter();
            let choices: Vec<(&str, &str)> =
                any.chain(self.variants.iter().map(|choice| (choice.value.as_str(), choice.label.as_str()))).collect();
            fields.push(form.select("variant_id", "Variant", &choices));
        }
        let custom = self.fields.iter().map(|field| {
            let name = format!("field.{}", field.key);
            if field.answers.is_empty() {
                return form.line(&name, &field.label);
            }
            let answers = field.answers.iter().map(|answer| (answer.value.as_str(), answer.label.as_str()));
            form.select(&name, &field.label, &[("", "Any answer")].into_iter().chain(answers).collect::<Vec<_>>())
        });
        fields.extend(custom);
        fields
    }

    /// Whether a filter is set that is not always in sight.
    fn has_more(&self) -> bool {
        !self.errors.is_empty()
            || self
                .filter
                .0
                .iter()
                .any(|(name, value)| !matches!(name.as_str(), "q" | "status" | "sort" | "referred_by") && !value.is_empty())
    }

    /// Returns the columns that sort: the label, the address, and whether the column is sorted upwards, downwards or not.
    fn column(&self, label: &'static str) -> Column {
        let (up, down) = match label {
            "Position" => ("position", "-position"),
            "Effective" => ("effective_position", ""),
            "Referrals" => ("", "-referral_count"),
            _ => ("", "-created_at"),
        };
        let sort = match self.filter.value("sort") {
            "" => "position",
            other => other,
        };
        let sorted = if sort == up {
            "ascending"
        } else if sort == down {
            "descending"
        } else {
            ""
        };
        let next = if up.is_empty() || (sort == up && !down.is_empty()) { down } else { up };
        Column { label, url: self.list().entries_where(&self.filter.query_with("sort", next)), sorted }
    }

    /// Returns the class of the names. Where one searches, they show at any width.
    fn name_class(&self) -> &'static str {
        if self.filter.value("q").is_empty() { "wide wider fits" } else { "fits" }
    }

    /// Returns what the page says about its number. Where nobody has counted, it is that of the page.
    fn found(&self) -> String {
        let shown = Count(self.rows.len() as u64);
        let is_alone = self.pager.first.is_none() && self.pager.next.is_none();
        match self.matched.or(is_alone.then_some(shown)) {
            _ if shown.is_none() => self.nothing().to_owned(),
            Some(count) if self.filter.is_narrow() => count.of("entry matches", "entries match"),
            Some(count) => count.of("entry", "entries"),
            None if self.pager.next.is_some() => format!("{shown} shown, more follow"),
            None => format!("{shown} shown, the last of those that match"),
        }
    }

    /// Returns what a page without entries says.
    fn nothing(&self) -> &'static str {
        if !self.errors.is_empty() {
            "Nothing was looked for"
        } else if self.pager.first.is_some() {
            "No entry is left on this page"
        } else if self.filter.is_narrow() {
            "No entry matches"
        } else {
            "No entry yet"
        }
    }

    fn all(&self) -> String {
        match self.matched {
            Some(count) => format!("All {count}{}", if self.filter.is_narrow() { " that match" } else { " of the list" }),
            None => "All that match".to_owned(),
        }
    }
}

/// A column that sorts.
struct Column {
    label: &'static str,
    url: String,
    sorted: &'static str,
}

impl Column {
    /// Returns the class of its cells. The column that the entries are sorted by shows at any width.
    fn class(&self) -> &'static str {
        match self.label {
            "Signed up" if !self.sorted.is_empty() => "",
            "Position" => "number",
            _ if !self.sorted.is_empty() => "number",
            "Signed up" => "wide",
            "Effective" => "number wide wider",
            _ => "number wide",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_the_question_and_changes_the_order() {
        let pairs = [("q", "ada & co"), ("status", ""), ("sort", "-position")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let page = EntriesPage { filter: EntryFilter(pairs.into()), ..EntriesPage::default() };
        assert_eq!(page.column("Position").sorted, "descending");
        assert!(page.column("Position").url.ends_with("?q=ada+%26+co&sort=position"));
        assert!(page.column("Referrals").url.ends_with("&sort=-referral_count"));
        assert_eq!([page.column("Referrals").class(), page.name_class()], ["number wide", "fits"]);
        let sorted = EntriesPage { filter: EntryFilter(vec![("sort".to_owned(), "-referral_count".to_owned())]), ..EntriesPage::default() };
        assert_eq!([sorted.column("Referrals").class(), sorted.name_class()], ["number", "wide wider fits"]);
        assert!(page.filter.is_narrow() && !EntryFilter::default().is_narrow());
        let select = page.sort().to_string();
        assert!(select.contains("name=\"sort\" form=\"filter\"") && select.contains("<option value=\"-position\" selected>"), "{select}");
    }

    #[test]
    fn a_page_says_how_many_it_found() {
        let row = EntryRow {
            id: String::new(),
            email: String::new(),
            name: String::new(),
            status: State::default(),
            position: Count(1),
            effective: Count(1),
            referrals: Count(0),
            created_at: Time(rally_domain::timestamp::Timestamp::from_unix_millis(0).unwrap()),
            is_invited: false,
            is_unconfirmed: false,
        };
        let found = |rows: usize, first: bool, next: bool, matched: Option<u64>| {
            let page = |is_there: bool| is_there.then(|| "/".to_owned());
            EntriesPage {
                filter: EntryFilter(vec![("q".to_owned(), "ada".to_owned())]),
                rows: vec![row.clone(); rows],
                pager: Pager { first: page(first), next: page(next), swap: "" },
                matched: matched.map(Count),
                ..EntriesPage::default()
            }
            .found()
        };
        assert_eq!(found(0, false, false, None), "No entry matches");
        assert_eq!(found(0, true, false, Some(7)), "No entry is left on this page");
        assert_eq!([found(1, false, false, None), found(2, false, false, None)], ["1 entry matches", "2 entries match"]);
        assert_eq!(found(20, true, true, None), "20 shown, more follow");
        assert_eq!(found(3, true, false, None), "3 shown, the last of those that match");
        assert_eq!(found(20, false, true, Some(1204)), "1,204 entries match");
        assert_eq!(EntriesPage::default().found(), "No entry yet");
    }
}
