//! The two secrets of a deployment: the key that signs admin tokens, and the key that encrypts stored data.
//!
//! On the embedded store, the first start generates them in the data directory, where only the owner can read them. On PostgreSQL
//! the settings must contain them, because every process needs the same ones.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

use crate::boot::config::{Config, ConfigError, StoreConfig};
use crate::encryption::Sealer;

/// Bytes of the encryption key.
const KEY_BYTES: usize = 32;

/// The file of the encryption key.
const KEY_FILE: &str = "encryption_key";

/// The secrets, checked and decoded.
#[derive(Clone)]
pub struct Secrets {
    /// The HS256 key.
    pub jwt: SecretString,
    encryption: SecretSlice<u8>,
    previous_encryption: Option<SecretSlice<u8>>,
    /// The file of the encryption key, if this start has made it.
    made: Option<PathBuf>,
}

impl Secrets {
    /// Takes the secrets from the settings. On the embedded store, a secret that is not set comes from the data directory, and is
    /// generated there if it is missing.
    ///
    /// # Errors
    /// Fails if a secret is missing on PostgreSQL or malformed, or if the data directory cannot be read or written.
    pub fn load(config: &Config) -> Result<Self, ConfigError> {
        let jwt = match &config.jwt_secret {
            Some(secret) => secret.clone(),
            None => generated(config, "RALLY_JWT_SECRET", "jwt_secret")?,
        };
        let file = config.data_dir.join(KEY_FILE);
        let is_missing = !file.exists();
        let encryption = match &config.encryption_key {
            Some(key) => key.clone(),
            None => generated(config, "RALLY_ENCRYPTION_KEY", KEY_FILE)?,
        };
        let made = Some(file).filter(|file| is_missing && file.exists());
        let previous = config.previous_encryption_key.as_ref();
        Ok(Self {
            jwt,
            encryption: decode_key("RALLY_ENCRYPTION_KEY", &encryption)?,
            previous_encryption: previous.map(|key| decode_key("RALLY_PREVIOUS_ENCRYPTION_KEY", key)).transpose()?,
            made,
        })
    }

    /// Takes back the encryption key that this start has made, because the store was made with another one. Returns its file.
    pub(super) fn take_back(&self) -> Option<&Path> {
        let made = self.made.as_deref()?;
        // If it stays, the next start says the same of it.
        drop(fs::remove_file(made));
        Some(made)
    }

    /// Derives a key for one purpose from the encryption key.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        derive(&self.encryption, purpose)
    }

    /// The secret that seals challenges: that of the settings, else one that is derived from the encryption key.
    pub fn proof_of_work(&self, config: &Config) -> Vec<u8> {
        let set = config.pow_secret.as_ref().map(|secret| secret.expose_secret().as_bytes().to_vec());
        set.unwrap_or_else(|| self.derive("rally proofs of work").to_vec())
    }

    /// The sealer of stored replies.
    pub fn reply_sealer(&self) -> Sealer {
        self.sealer("rally stored replies")
    }

    /// The sealer of webhook secrets.
    pub fn webhook_sealer(&self) -> Sealer {
        self.sealer("rally webhook secrets")
    }

    /// The sealer of sign-ins through an identity provider that have begun.
    pub fn sign_in_sealer(&self) -> Sealer {
        self.sealer("rally sign-ins through a provider")
    }

    /// The key for a purpose before the encryption key was changed, if the previous one is set.
    pub fn derive_previous(&self, purpose: &str) -> Option<[u8; 32]> {
        self.previous_encryption.as_ref().map(|key| derive(key, purpose))
    }

    /// The sealer of the store's secret.
    pub fn store_sealer(&self) -> Sealer {
        self.sealer("rally store secret")
    }

    fn sealer(&self, purpose: &str) -> Sealer {
        Sealer::new(self.derive(purpose), self.derive_previous(purpose))
    }
}

fn derive(key: &SecretSlice<u8>, purpose: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).expect("any length is a key");
    mac.update(purpose.as_bytes());
    mac.finalize().into_bytes().into()
}

fn decode_key(setting: &'static str, key: &SecretString) -> Result<SecretSlice<u8>, ConfigError> {
    let bytes = STANDARD.decode(key.expose_secret().trim()).unwrap_or_default();
    if bytes.len() == KEY_BYTES {
        Ok(bytes.into())
    } else {
        Err(ConfigError::new(setting, "must be 32 bytes in base64, as `openssl rand -base64 32` prints"))
    }
}

fn generated(config: &Config, setting: &'static str, file: &str) -> Result<SecretString, ConfigError> {
    match config.store {
        StoreConfig::Postgres(_) => Err(ConfigError::new(setting, "must be set when DATABASE_URL is")),
        StoreConfig::Embedded => read_or_create(&config.data_dir, file)
            .map_err(|error| ConfigError::new("RALLY_DATA_DIR", format!("{}: {error}", config.data_dir.join(file).display()))),
    }
}

/// Creates the data directory, which only its owner can open.
///
/// # Errors
/// Fails if it does not exist and cannot be created.
pub fn create_data_dir(path: &Path) -> Result<(), ConfigError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| ConfigError::new("RALLY_DATA_DIR", format!("{}: {error}", path.display())))
}

/// Reads a secret from a file, or creates the file. The file appears under its name only when it is complete, so that two processes
/// that start together read the same secret.
fn read_or_create(directory: &Path, file: &str) -> io::Result<SecretString> {
    let path = directory.join(file);
    if !path.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let draft = directory.join(format!(".{file}.{}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        let mut handle = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        handle.write_all(STANDARD.encode(rand::random::<[u8; KEY_BYTES]>()).as_bytes())?;
        handle.sync_all()?;
        let published = fs::hard_link(&draft, &path);
        fs::remove_file(&draft)?;
        if let Err(error) = published
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
    }
    Ok(SecretString::from(fs::read_to_string(path)?.trim().to_owned()))
}
