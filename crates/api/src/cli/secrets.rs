//! `rally secrets`: encrypts stored secrets again after a change of the key.

use clap::Subcommand;
use serde_json::json;

use super::failure::Failure;
use super::open;
use super::output::print_json;
use crate::boot::config::Config;
use crate::boot::secrets::Secrets;
use crate::{store_secret, webhook_secret};

#[derive(Subcommand)]
pub(super) enum SecretsCommand {
    /// Encrypt the secrets of the store and of all webhooks with RALLY_ENCRYPTION_KEY, also those encrypted with
    /// RALLY_PREVIOUS_ENCRYPTION_KEY
    Reencrypt,
}

pub(super) async fn reencrypt(config: &Config) -> Result<(), Failure> {
    if config.encryption_key.is_none() && config.previous_encryption_key.is_none() {
        let problem = "RALLY_ENCRYPTION_KEY: is not set; set it and RALLY_PREVIOUS_ENCRYPTION_KEY for this command, as for the server";
        return Err(Failure::Refused(problem.to_owned()));
    }
    let secrets = Secrets::load(config)?;
    let sealer = secrets.webhook_sealer();
    let ports = open(config, config.migrate.by_command()).await?.ports;
    let (mut current, mut reencrypted) = (0_u64, 0_u64);
    for (id, old) in ports.webhooks.secrets().await? {
        match webhook_secret::reseal(&sealer, id, &old)? {
            Some(new) => reencrypted += u64::from(ports.webhooks.reseal(id, old, new).await?),
            None => current += 1,
        }
    }
    store_secret::reseal(&*ports.secrets, &secrets.store_sealer()).await?;
    print_json(&json!({ "reencrypted": reencrypted, "current": current }))
}
