//! Imports: from the bytes of a file to a staged file, and from there, group by group, to entries. And the file of an export.
//!
//! `upload.rs` takes the bytes of a request or of a file and stages them in the store. `work.rs` does the next group of the oldest import.
//! Both hold only a few pieces of a file. `rally-intake` reads the file, and the domain decides what a row does to a list.

mod file;
mod order;
mod upload;
mod work;

pub use file::{export_file, write_export};
pub use order::{ImportOrder, Source};
pub use upload::{Arrived, Upload, UploadError};
pub use work::Importer;

/// The size of a piece of a file in the store.
const PIECE: usize = 256 * 1024;

/// How long an upload or a worker may be silent before another one takes the import over.
const LEASE: time::Duration = time::Duration::seconds(60);
