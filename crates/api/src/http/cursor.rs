//! Cursors: the key of a page's last row, authenticated, so that a client cannot invent one or use it on another list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rally_domain::error::Invalid;
use rally_domain::feed::{FeedCursor, FeedKey};
use rally_domain::id::{AuditId, EventId, MailId, ReferralId, RequestId, SuppressionId, WaitlistId};
use rally_domain::paging::{AuditKey, MailKey, ReferralKey, RequestKey, SuppressionKey, WaitlistKey};
use rally_domain::referral::Position;
use rally_domain::search::EntryKey;
use rally_domain::timestamp::Timestamp;
use sha2::Sha256;
use uuid::Uuid;

/// Bytes of the authentication tag.
const SEAL: usize = 16;

/// A key of a row that fits into a cursor.
pub trait CursorKey: Sized {
    /// The key as bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads a key from bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl CursorKey for Position {
    fn to_bytes(&self) -> Vec<u8> {
        self.number().to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::new(u64::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl CursorKey for EntryKey {
    fn to_bytes(&self) -> Vec<u8> {
        [self.value.to_be_bytes(), self.position.number().to_be_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (value, position) = bytes.split_at_checked(8)?;
        Some(Self { value: i64::from_be_bytes(value.try_into().ok()?), position: Position::from_bytes(position)? })
    }
}

impl CursorKey for WaitlistKey {
    fn to_bytes(&self) -> Vec<u8> {
        time_and_id(self.created_at, self.id.uuid())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (created_at, id) = read_time_and_id(bytes)?;
        Some(Self { created_at, id: WaitlistId::new(id) })
    }
}

impl CursorKey for SuppressionKey {
    fn to_bytes(&self) -> Vec<u8> {
        time_and_id(self.created_at, self.id.uuid())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (created_at, id) = read_time_and_id(bytes)?;
        Some(Self { created_at, id: SuppressionId::new(id) })
    }
}

impl CursorKey for RequestKey {
    fn to_bytes(&self) -> Vec<u8> {
        time_and_id(self.requested_at, self.id.uuid())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (requested_at, id) = read_time_and_id(bytes)?;
        Some(Self { requested_at, id: RequestId::new(id) })
    }
}

impl CursorKey for FeedCursor {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Start(at) => at.unix_millis().to_be_bytes().to_vec(),
            Self::After(key) => [&key.number.to_be_bytes()[..], key.event_id.uuid().as_bytes()].concat(),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, id) = bytes.split_at_checked(8)?;
        let first: [u8; 8] = first.try_into().ok()?;
        if id.is_empty() {
            return Timestamp::from_unix_millis(i64::from_be_bytes(first)).ok().map(Self::Start);
        }
        let event_id = EventId::new(Uuid::from_slice(id).ok()?);
        Some(Self::After(FeedKey { number: u64::from_be_bytes(first), event_id }))
    }
}

impl CursorKey for MailKey {
    fn to_bytes(&self) -> Vec<u8> {
        time_and_id(self.created_at, self.id.uuid())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (created_at, id) = read_time_and_id(bytes)?;
        Some(Self { created_at, id: MailId::new(id) })
    }
}

impl CursorKey for AuditKey {
    fn to_bytes(&self) -> Vec<u8> {
        time_and_id(self.at, self.id.uuid())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (at, id) = read_time_and_id(bytes)?;
        Some(Self { at, id: AuditId::new(id) })
    }
}

impl CursorKey for ReferralKey {
    fn to_bytes(&self) -> Vec<u8> {
        time_and_id(self.created_at, self.id.uuid())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (created_at, id) = read_time_and_id(bytes)?;
        Some(Self { created_at, id: ReferralId::new(id) })
    }
}

fn time_and_id(created_at: Timestamp, id: Uuid) -> Vec<u8> {
    [&created_at.unix_millis().to_be_bytes()[..], id.as_bytes()].concat()
}

fn read_time_and_id(bytes: &[u8]) -> Option<(Timestamp, Uuid)> {
    let (millis, id) = bytes.split_at_checked(8)?;
    let created_at = Timestamp::from_unix_millis(i64::from_be_bytes(millis.try_into().ok()?)).ok()?;
    Some((created_at, Uuid::from_slice(id).ok()?))
}

/// Writes and reads cursors.
#[derive(Clone)]
pub struct Cursors {
    key: [u8; 32],
    previous: Option<[u8; 32]>,
}

impl Cursors {
    /// Cursors with a key, which must be the same in every process of a deployment. Those of the previous key are read too.
    pub fn new(key: [u8; 32], previous: Option<[u8; 32]>) -> Self {
        Self { key, previous }
    }

    /// Writes the cursor of a key. It works only for the list with this name, which must contain everything that the list depends on.
    pub fn seal(&self, list: &str, key: &impl CursorKey) -> String {
        let bytes = key.to_bytes();
        let tag = mac(&self.key, list, &bytes).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([&tag[..SEAL], &bytes].concat())
    }

    /// Reads the key from a cursor of the list with this name.
    ///
    /// # Errors
    /// Fails if this deployment did not write the cursor for this list.
    pub fn open<K: CursorKey>(&self, list: &str, cursor: &str) -> Result<K, Invalid> {
        let invalid = || Invalid::new("is not a cursor of these results");
        let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let (tag, bytes) = sealed.split_at_checked(SEAL).ok_or_else(invalid)?;
        let is_ours = |key: &[u8; 32]| mac(key, list, bytes).verify_truncated_left(tag).is_ok();
        if !is_ours(&self.key) && !self.previous.as_ref().is_some_and(is_ours) {
            return Err(invalid());
        }
        K::from_bytes(bytes).ok_or_else(invalid)
    }
}

fn mac(key: &[u8; 32], list: &str, bytes: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    mac.update(&(list.len() as u64).to_be_bytes());
    mac.update(list.as_bytes());
    mac.update(bytes);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> WaitlistKey {
        WaitlistKey { created_at: Timestamp::from_unix_millis(1_700_000_000_123).unwrap(), id: WaitlistId::new(Uuid::from_u128(7)) }
    }

    #[test]
    fn a_cursor_opens_on_its_own_list_alone() {
        let cursors = Cursors::new([1; 32], None);
        let cursor = cursors.seal("list a", &key());
        assert_eq!(cursors.open("list a", &cursor), Ok(key()));
        assert!(cursors.open::<WaitlistKey>("list b", &cursor).is_err());
        assert!(cursors.open::<Position>("list a", &cursor).is_err());
        assert!(Cursors::new([2; 32], None).open::<WaitlistKey>("list a", &cursor).is_err());
        let changed = Cursors::new([2; 32], Some([1; 32]));
        assert_eq!((changed.open("list a", &cursor), changed.open("list a", &changed.seal("list a", &key()))), (Ok(key()), Ok(key())));
        assert!(changed.open::<WaitlistKey>("list b", &cursor).is_err());
    }

    #[test]
    fn no_part_of_a_cursor_can_be_changed() {
        let cursors = Cursors::new([1; 32], None);
        let cursor = cursors.seal("list", &Position::new(41));
        for index in 0..cursor.len() {
            let mut forged = cursor.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            assert!(cursors.open::<Position>("list", &String::from_utf8(forged).unwrap()).is_err(), "{index}");
        }
        for text in ["", "x", "====", &cursor[1..], &format!("{cursor}A"), "é"] {
            assert!(cursors.open::<Position>("list", text).is_err(), "{text}");
        }
    }
}
