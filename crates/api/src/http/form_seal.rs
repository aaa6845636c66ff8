//! The time at which a form was first shown, sealed inside the form. A person needs a while to fill it in, and most programs do not wait.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rally_domain::id::WaitlistId;
use rally_domain::timestamp::Timestamp;
use sha2::Sha256;

/// Bytes of the authentication tag.
const TAG: usize = 16;

/// The least time between the first showing of a form and its sending, in milliseconds.
const LEAST: i64 = 2000;

/// Seals the times of forms, and opens them.
#[derive(Clone)]
pub struct FormSeals {
    mac: Hmac<Sha256>,
}

impl FormSeals {
    /// Seals with a key, which must be the same in every process of a deployment.
    pub fn new(key: [u8; 32]) -> Self {
        Self { mac: Hmac::new_from_slice(&key).expect("any length is a key") }
    }

    /// Seals the time at which the form of a list is first shown.
    pub fn seal(&self, list: WaitlistId, shown: Timestamp) -> String {
        let millis = shown.unix_millis().to_be_bytes();
        let tag = self.mac(list, &millis).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([&tag[..TAG], &millis].concat())
    }

    /// Returns how many milliseconds are missing until a form with this seal may be sent. `None` means that the seal is not one of this
    /// list. A form does not grow too old.
    pub fn missing(&self, list: WaitlistId, seal: &str, now: Timestamp) -> Option<u64> {
        let sealed = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let (tag, millis) = sealed.split_at_checked(TAG)?;
        self.mac(list, millis).verify_truncated_left(tag).ok()?;
        let shown = i64::from_be_bytes(millis.try_into().ok()?);
        // A clock that was set back must not lock people out for longer.
        Some((shown + LEAST - now.unix_millis()).clamp(0, LEAST).unsigned_abs())
    }

    fn mac(&self, list: WaitlistId, millis: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(list.uuid().as_bytes());
        mac.update(millis);
        mac
    }
}

#[cfg(test)]
mod tests {
    use rally_domain::uuid::Uuid;

    use super::*;

    #[test]
    fn a_form_may_be_sent_two_seconds_after_it_was_shown() {
        let seals = FormSeals::new([1; 32]);
        let (list, other) = (WaitlistId::new(Uuid::from_u128(1)), WaitlistId::new(Uuid::from_u128(2)));
        let at = |millis: i64| Timestamp::from_unix_millis(1_700_000_000_000 + millis).unwrap();
        let seal = seals.seal(list, at(0));
        for (millis, missing) in [(0, 2000), (1, 1999), (1999, 1), (2000, 0), (86_400_000, 0), (-5000, 2000)] {
            assert_eq!(seals.missing(list, &seal, at(millis)), Some(missing), "{millis}");
        }
        assert_eq!(seals.missing(other, &seal, at(5000)), None);
        assert_eq!(FormSeals::new([2; 32]).missing(list, &seal, at(5000)), None);
        for forged in ["", "x", "é", &seal[1..], &format!("{seal}AA")] {
            assert_eq!(seals.missing(list, forged, at(5000)), None, "{forged}");
        }
    }
}
