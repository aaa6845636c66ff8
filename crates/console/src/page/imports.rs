//! Imports into a list.

use askama::Template;

use super::framed;
use crate::frame::{Frame, Framed};
use crate::part::html::escape;
use crate::part::{Count, Html, State, Time};

/// An import.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// The id.
    pub id: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: State,
    /// The format that was found or named.
    pub format: String,
    /// Whether nothing is written.
    pub is_dry_run: bool,
    /// The number of records that were read.
    pub read: Count,
    /// The number that was added.
    pub added: Count,
    /// The number that was updated.
    pub updated: Count,
    /// The number that was passed over.
    pub skipped: Count,
    /// The number with a problem.
    pub failed: Count,
    /// When it began. `None` while it waits.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
}

impl ImportRow {
    /// Returns by what the file of an import is known again.
    pub(super) fn of_file(&self) -> String {
        let rows = if self.read.is_none() { String::new() } else { format!(" with {}", self.read.of("row", "rows")) };
        format!("The same file as before{}{rows}", if self.format.is_empty() { String::new() } else { format!(": {}", self.format) })
    }

    fn is_running(&self) -> bool {
        self.state.is("queued") || self.state.is("running")
    }
}

/// The imports of a list, newest first.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "imports.html", whitespace = "minimize")]
pub struct ImportsPage {
    /// The frame.
    pub frame: Frame,
    /// The imports.
    pub rows: Vec<ImportRow>,
}

framed!(ImportsPage, Imports, |_page| "Imports".to_owned());

/// An import with its progress: `GET {w}/imports/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "import.html", whitespace = "minimize")]
pub struct ImportPage {
    /// The frame.
    pub frame: Frame,
    /// The import.
    pub import: ImportRow,
    /// The share of the file that was read, in percent, if somebody knows.
    pub percent: Option<u8>,
    /// The encoding that was found.
    pub encoding: Option<String>,
    /// The separator that was found.
    pub separator: Option<String>,
    /// Which column goes where.
    pub mapping: Vec<(String, String)>,
    /// How many problems there are, in words. It is empty as long as the import runs.
    pub problem_count: String,
    /// The first problems: the line, the column and the reason.
    pub problems: Vec<(Count, String, String)>,
    /// Why it failed.
    pub failure: Option<String>,
}

impl ImportPage {
    /// Returns what is known of the file and of the time.
    fn about(&self) -> Html {
        let separator = self.separator.as_deref().map(|separator| match separator {
            "," => "comma".to_owned(),
            ";" => "semicolon".to_owned(),
            "\t" => "tab".to_owned(),
            other => format!("<code>{}</code>", escape(other)),
        });
        let parts = [
            Some(escape(&self.import.format)).filter(|format| !format.is_empty()),
            self.encoding.as_deref().map(escape),
            separator.map(|separator| format!("separated by {separator}")),
            self.import.started_at.map(|at| format!("started {at}")),
            self.import.ended_at.map(|at| format!("ended {at}")),
        ];
        Html::of(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

framed!(ImportPage, Imports, |page| if page.import.is_dry_run { "Trial import" } else { "Import" }.to_owned());
