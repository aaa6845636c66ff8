//! The secret of a store, and what is made with it: tokens for links, and hashes of addresses.

use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::email::Email;
use crate::error::Invalid;
use crate::id::WaitlistId;

/// The secret of a store: 32 random bytes that never change.
///
/// Whoever has it can make the token of every link.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreSecret([u8; Self::BYTES]);

impl fmt::Debug for StoreSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreSecret(..)")
    }
}

impl StoreSecret {
    /// The number of bytes.
    pub const BYTES: usize = 32;

    /// Wraps random bytes.
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Returns the token for one use of an object. Another generation of the object has another token.
    pub fn token(&self, allowed: TokenUse, id: Uuid, generation: u32) -> String {
        let mut bytes = [0; Token::BYTES];
        bytes[..16].copy_from_slice(id.as_bytes());
        bytes[16..].copy_from_slice(&self.mac(allowed.label(), &[id.as_bytes(), &generation.to_be_bytes()])[..16]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether a token is the one for this use of its object in this generation. The comparison takes the same time for every token.
    pub fn allows(&self, token: &Token, allowed: TokenUse, generation: u32) -> bool {
        let mac = self.begin(allowed.label(), &[token.id.as_bytes(), &generation.to_be_bytes()]);
        mac.verify_truncated_left(&token.mac).is_ok()
    }

    /// Returns the hash of an address. It identifies the address in tables that must not hold it.
    pub fn hash_address(&self, email: &Email) -> AddressHash {
        AddressHash(self.mac("address", &[email.as_str().as_bytes()]))
    }

    /// Returns the hash of the network that a client's address belongs to: 24 bits of an IPv4 address, 48 of an IPv6 address. All clients
    /// whose address is unknown are in one network.
    pub fn hash_network(&self, client: Option<IpAddr>) -> NetworkHash {
        let network = match client.map(|address| address.to_canonical()) {
            None => Vec::new(),
            Some(IpAddr::V4(address)) => address.octets()[..3].to_vec(),
            Some(IpAddr::V6(address)) => address.octets()[..6].to_vec(),
        };
        let mac = self.mac("network", &[&network]);
        NetworkHash(std::array::from_fn(|index| mac[index]))
    }

    /// Returns the hash of the network of a client of one list. The same network has another hash on every other list.
    pub fn hash_network_on(&self, list: WaitlistId, client: IpAddr) -> NetworkHash {
        let network = self.hash_network(Some(client));
        let mac = self.mac("ledger", &[list.uuid().as_bytes(), network.bytes()]);
        NetworkHash(std::array::from_fn(|index| mac[index]))
    }

    /// Returns the hash of a client's address: that of an IPv4 address, or of the /64 network of an IPv6 address. All clients whose address
    /// is unknown are one.
    pub fn hash_client(&self, client: Option<IpAddr>) -> NetworkHash {
        let address = match client.map(|address| address.to_canonical()) {
            None => Vec::new(),
            Some(IpAddr::V4(address)) => address.octets().to_vec(),
            Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
        };
        let mac = self.mac("client", &[&address]);
        NetworkHash(std::array::from_fn(|index| mac[index]))
    }

    fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.begin(label, parts).finalize().into_bytes().into()
    }

    /// Begins an HMAC-SHA-256 (RFC 2104) over a label and parts. A zero byte ends the label, so that no label begins another.
    fn begin(&self, label: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length is a key");
        mac.update(label.as_bytes());
        mac.update(&[0]);
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

/// What a token allows its bearer to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUse {
    /// See and change an entry.
    Visit,
    /// End the mail to the person of an entry.
    Unsubscribe,
    /// Confirm or refuse a sign-up.
    Confirm,
    /// Use the invitation of an entry, wherever the link of its list leads.
    Invite,
}

impl TokenUse {
    const fn label(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Unsubscribe => "unsubscribe",
            Self::Confirm => "confirm",
            Self::Invite => "invite",
        }
    }
}

/// A token of a link: the id of an object, and 128 bits that only the store's secret gives.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    id: Uuid,
    mac: [u8; 16],
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    const BYTES: usize = 32;

    /// Reads a token. It is checked only by [`StoreSecret::allows`].
    ///
    /// # Errors
    /// If the text has not the form of a token.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("is not a token");
        // A token has 43 characters. A longer text is refused before any work on it.
        let bytes = Some(text).filter(|text| text.len() == 43).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let bytes: [u8; Self::BYTES] = bytes.ok_or_else(invalid)?.try_into().map_err(|_| invalid())?;
        let (id, mac) = bytes.split_at(16);
        Ok(Self { id: Uuid::from_slice(id).map_err(|_| invalid())?, mac: mac.try_into().map_err(|_| invalid())? })
    }

    /// Returns the id of the object that the token names. The token is not yet checked.
    pub const fn id(&self) -> Uuid {
        self.id
    }
}

/// The hash of an address under the store's secret. Nobody without the secret can tell the address or try addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressHash([u8; 32]);

impl AddressHash {
    /// Wraps a hash from a store.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The hash of a client's address or network under the store's secret. It tells them apart in tables that must not hold addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkHash([u8; 16]);

impl NetworkHash {
    /// Wraps a hash from a store.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

    #[test]
    fn a_token_is_good_for_one_use_of_one_generation_of_one_object() {
        let secret = StoreSecret::new([7; 32]);
        let text = secret.token(TokenUse::Visit, ID, 0);
        let token = Token::parse(&text).unwrap();
        assert_eq!(token.id(), ID);
        assert!(secret.allows(&token, TokenUse::Visit, 0));
        assert!(!secret.allows(&token, TokenUse::Visit, 1));
        assert!(!secret.allows(&token, TokenUse::Unsubscribe, 0) && !secret.allows(&token, TokenUse::Confirm, 0));
        assert!(!StoreSecret::new([8; 32]).allows(&token, TokenUse::Visit, 0));
        let other = Token { id: Uuid::from_u128(1), ..token };
        assert!(!secret.allows(&other, TokenUse::Visit, 0));
    }

    #[test]
    fn no_other_token_is_accepted() {
        let secret = StoreSecret::new([7; 32]);
        let text = secret.token(TokenUse::Visit, ID, 0);
        for index in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = Token::parse(std::str::from_utf8(&forged).unwrap());
            assert!(!forged.is_ok_and(|token| secret.allows(&token, TokenUse::Visit, 0)), "{index}");
        }
    }

    #[test]
    fn a_text_of_another_form_is_no_token() {
        let text = StoreSecret::new([7; 32]).token(TokenUse::Confirm, ID, 0);
        for bad in ["", "x", &text[1..], &format!("{text}A"), &format!("{text}="), &"é".repeat(22), &" ".repeat(43), &"_".repeat(99)] {
            assert!(Token::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_hash_is_one_of_an_address_and_a_secret() {
        let hash = |byte: u8, address: &str| StoreSecret::new([byte; 32]).hash_address(&Email::parse(address).unwrap());
        assert_eq!(hash(7, "Ada@Example.com"), hash(7, "ada@example.com"));
        assert_ne!(hash(7, "ada@example.com"), hash(7, "ada@example.org"));
        assert_ne!(hash(7, "ada@example.com"), hash(8, "ada@example.com"));
    }

    #[test]
    fn neighbours_share_a_network() {
        let of = |address: &str| StoreSecret::new([7; 32]).hash_network(Some(address.parse().unwrap()));
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.9"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:ffff::9"));
        assert_ne!(of("2001:db8:1::1"), of("2001:db8:2::1"));
        let on = |list: u128, address: &str| {
            StoreSecret::new([7; 32]).hash_network_on(WaitlistId::new(Uuid::from_u128(list)), address.parse().unwrap())
        };
        assert_eq!(on(1, "192.0.2.1"), on(1, "192.0.2.254"));
        assert_ne!(on(1, "192.0.2.1"), on(2, "192.0.2.1"));
        assert_ne!(on(1, "192.0.2.1"), of("192.0.2.1"));
        let unknown = StoreSecret::new([7; 32]).hash_network(None);
        assert_ne!(unknown, of("0.0.0.0"));
        assert_ne!(unknown, StoreSecret::new([8; 32]).hash_network(None));
    }

    #[test]
    fn neighbours_are_clients_of_their_own() {
        let of = |address: &str| StoreSecret::new([7; 32]).hash_client(Some(address.parse().unwrap()));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(StoreSecret::new([7; 32]).hash_client(None), of("0.0.0.0"));
    }

    #[test]
    fn a_secret_and_a_token_are_not_printed() {
        let secret = StoreSecret::new([7; 32]);
        assert_eq!(format!("{secret:?}"), "StoreSecret(..)");
        assert_eq!(format!("{:?}", Token::parse(&secret.token(TokenUse::Visit, ID, 0)).unwrap()), "Token(..)");
    }
}
