//! Files of other services, read into rows of people: bytes in, records out. The crate has no store, no HTTP, no clock and no runtime.
//!
//! A file goes through three steps, each of which takes it in pieces of any size and holds a bounded part of it:
//!
//! 1. [`Staging`] takes the bytes as they were sent. It decompresses gzip, removes a byte order mark, and turns UTF-16 into UTF-8. Its
//!    output is the *staged text*, which the caller keeps. It ends with a [`Staged`]: which encoding the file has.
//! 2. [`Survey`] reads the staged text once, while it is staged or later. It ends with a [`Plan`]: the format, the separator, what each
//!    column means, and whether dates start with the day or the month. A file that cannot be imported at all ends here.
//! 3. [`Reader`] reads the staged text by the plan, and returns a [`Record`] for each row: a [`Row`], a line of an export, or problems.
//!
//! # Going on after a crash
//!
//! A [`Mark`] is a place between two records: a byte offset into the staged text, and the number of the line that starts there. Each record
//! names the mark behind it. A job that stores this mark with what it made of the record goes on with [`Reader::resume`] and the staged
//! text from [`Mark::offset`]. It then gets the records that it would have got. `Plan`, `Mark` and `Staged` can be kept as JSON.
//!
//! # Broken records
//!
//! A broken record is a [`Problem`] and never the end. If a quote is not closed or closed in the middle of a cell, the record ends at its
//! first line, and the next line is read as a new one. So one lone quote costs one row. A record of more than [`MAX_RECORD`] bytes is a
//! problem too, and is not held. A row that has a value that cannot be read is not returned: a person can correct the file and import it
//! again, which then adds only the corrected rows.
//!
//! # A new format
//!
//! A format is one file in `src/format`, two lines in its `mod.rs`, and one fixture in `tests/fixtures`.
//!
//! ```
//! use rally_intake::{Content, Mapping, Reader, Staging, Survey};
//!
//! let file = "Email Address;Plan\nada@example.com;Pro\n";
//! let (mut staging, mut survey, mut text) = (Staging::new(), Survey::new(None, Mapping::default()), Vec::new());
//! let mut bytes = file.as_bytes();
//! while !bytes.is_empty() {
//!     let mut out = Vec::new();
//!     let taken = staging.push(bytes, &mut out)?;
//!     survey.push(&out);
//!     text.extend(out);
//!     bytes = &bytes[taken..];
//! }
//! let mut out = Vec::new();
//! let staged = staging.finish(&mut out)?;
//! survey.push(&out);
//! text.extend(out);
//! let plan = survey.finish(&staged)?;
//! assert_eq!((plan.format.name(), plan.separator(), staged.encoding.as_str()), ("generic", Some(';'), "utf-8"));
//!
//! let mut reader = Reader::new(plan);
//! reader.push(&text);
//! reader.end();
//! let record = reader.take().unwrap();
//! let Ok(Content::Row(row)) = record.content else { panic!() };
//! assert_eq!((record.line, row.email.as_str(), row.person_name().as_str()), (2, "ada@example.com", "ada"));
//! assert_eq!(row.metadata.document()["Plan"], "Pro");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod date;
mod field;
mod format;
mod problem;
mod reader;
mod row;
mod split;
mod staging;
mod status;
mod survey;

pub use field::{Field, Known, Mapping};
pub use format::Format;
pub use problem::{Problem, csv_header, csv_rows, guard};
pub use rally_domain::export;
pub use reader::{Content, Reader, Record};
pub use row::{Confirmed, Order, ReferrerKey, Row};
pub use split::{MAX_COLUMNS, MAX_RECORD, Mark};
pub use staging::{Encoding, MAX_BYTES, Staged, Staging, StagingError};
pub use status::Standing;
pub use survey::{Column, Plan, PlanError, Question, Survey};
