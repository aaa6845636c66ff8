//! `rally backup`: copies the embedded store into one file.

use std::path::Path;

use serde_json::json;

use super::failure::Failure;
use super::output::print_json;
use crate::boot::config::Config;
use crate::boot::store;

pub(super) async fn run(config: &Config, file: &Path) -> Result<(), Failure> {
    store::backup(config, file).await?;
    print_json(&json!({ "backup": file, "bytes": std::fs::metadata(file)?.len() }))
}
