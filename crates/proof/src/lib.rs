//! Challenges to prove work, in the form of ALTCHA v2, so that its public widget and libraries solve them.
//!
//! A challenge names a list and an end, and is sealed, so this crate remembers nothing. Who solves a challenge tries counters from zero
//! until a derived key begins with a prefix. Rally draws the counter, so it knows how long that takes, and checks a solution without
//! deriving a key. Absent: HTTP, a store, and whether a list asks for work. A solution checks out as often as it is checked: the store
//! takes it once.

mod difficulty;

use std::collections::BTreeMap;

use altcha::{CreateChallengeOptions, HmacAlgorithm, Payload, VerifySolutionOptions, create_challenge, sign_challenge, verify_solution};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use rally_domain::error::Fault;
use rally_domain::id::{ProofId, WaitlistId};
use rally_domain::proof_of_work::Proof;
use rally_domain::timestamp::Timestamp;
use rally_domain::uuid::Uuid;
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

pub use self::difficulty::Difficulty;

/// How long a challenge can be used, in seconds.
const LIFETIME: i64 = 600;

/// The most characters of a solution. Those of ALTCHA's libraries have fewer than 1000.
const MAX_SOLUTION: usize = 4096;

const ALGORITHM: &str = "PBKDF2/SHA-256";
const LIST: &str = "list";
const SALT: &str = "salt";
const SEAL: &str = "seal";

/// Solutions come with and without padding.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// A challenge, as clients get it.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Challenge(altcha::Challenge);

/// Why a text proves no work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoProof {
    /// It is no solution of a challenge.
    #[error("this is no solution of a challenge")]
    Malformed,
    /// Its challenge was not made here, or was changed.
    #[error("the challenge was not made by this server")]
    Forged,
    /// Its challenge is of another list.
    #[error("the challenge is of another waitlist")]
    OtherList,
    /// Its challenge has ended.
    #[error("the challenge has expired")]
    Expired,
    /// It does not solve its challenge.
    #[error("the solution is wrong")]
    Wrong,
}

/// Makes challenges and checks their solutions.
#[derive(Clone)]
pub struct Challenges {
    challenge_key: String,
    solution_key: String,
    counter_key: [u8; 32],
}

impl Challenges {
    /// Seals with a secret, which must be the same in every process of a deployment.
    pub fn new(secret: &[u8]) -> Self {
        let [challenge_key, solution_key] = ["challenge", "solution"].map(|purpose| hex(&mac(secret, &[purpose.as_bytes()])));
        Self { challenge_key, solution_key, counter_key: mac(secret, &[b"counter"]) }
    }

    /// Makes a challenge of a list. The chance decides how far its solution is.
    ///
    /// # Errors
    /// If the key of its solution cannot be derived.
    pub fn make(&self, list: WaitlistId, difficulty: Difficulty, now: Timestamp, chance: u64) -> Result<Challenge, Fault> {
        let counter = difficulty.counter(chance);
        // The chance itself would tell the counter.
        let salt = hex(&mac(&self.counter_key, &[b"salt", &chance.to_be_bytes()])[..16]);
        let data = [(LIST, list.to_string()), (SEAL, self.seal(&salt, counter)), (SALT, salt)];
        let options = CreateChallengeOptions {
            algorithm: ALGORITHM.to_owned(),
            counter: Some(counter),
            cost: difficulty.cost(),
            data: Some(BTreeMap::from(data.map(|(key, text)| (key.to_owned(), Value::String(text))))),
            expires_at: Some(now.unix_millis() / 1000 + LIFETIME),
            hmac_key_signature_secret: Some(self.solution_key.clone()),
            hmac_signature_secret: Some(self.challenge_key.clone()),
            ..CreateChallengeOptions::default()
        };
        create_challenge(options).map(Challenge).map_err(Fault::unexpected)
    }

    /// Checks a solution of a challenge of a list: JSON of both, in base64.
    ///
    /// # Errors
    /// If it proves no work for this list now.
    pub fn check(&self, list: WaitlistId, solution: &str, now: Timestamp) -> Result<Proof, NoProof> {
        let bytes = Some(solution.trim()).filter(|text| text.len() <= MAX_SOLUTION).and_then(|text| BASE64.decode(text).ok());
        let payload: Payload = serde_json::from_slice(&bytes.ok_or(NoProof::Malformed)?).map_err(|_| NoProof::Malformed)?;
        self.check_challenge(&payload)?;
        let parameters = &payload.challenge.parameters;
        let datum = |key: &str| parameters.data.as_ref().and_then(|data| data.get(key)).and_then(Value::as_str);
        if datum(LIST) != Some(list.to_string().as_str()) {
            return Err(NoProof::OtherList);
        }
        let expires_at = parameters.expires_at.and_then(|seconds| seconds.checked_mul(1000)).ok_or(NoProof::Forged)?;
        let expires_at = Timestamp::from_unix_millis(expires_at).map_err(|_| NoProof::Forged)?;
        if expires_at <= now {
            return Err(NoProof::Expired);
        }
        let salt = datum(SALT).ok_or(NoProof::Forged)?;
        if datum(SEAL) != Some(self.seal(salt, payload.solution.counter).as_str()) {
            return Err(NoProof::Wrong);
        }
        self.check_solution(&payload)?;
        let id = Uuid::try_parse(&parameters.nonce).map_err(|_| NoProof::Forged)?;
        Ok(Proof { id: ProofId::new(id), expires_at })
    }

    fn check_challenge(&self, payload: &Payload) -> Result<(), NoProof> {
        let mut parameters = payload.challenge.parameters.clone();
        let signed = sign_challenge(&HmacAlgorithm::Sha256, &mut parameters, None, &self.challenge_key, None);
        let expected = signed.ok().and_then(|challenge| challenge.signature).ok_or(NoProof::Malformed)?;
        let given = payload.challenge.signature.as_deref().ok_or(NoProof::Forged)?;
        if is_same(&expected, given) { Ok(()) } else { Err(NoProof::Forged) }
    }

    /// The library asks the clock of the system for the end of a challenge. Here the end was checked, so it gets the challenge without it.
    fn check_solution(&self, payload: &Payload) -> Result<(), NoProof> {
        let mut parameters = payload.challenge.parameters.clone();
        parameters.expires_at = None;
        let challenge = sign_challenge(&HmacAlgorithm::Sha256, &mut parameters, None, &self.challenge_key, None);
        let challenge = challenge.map_err(|_| NoProof::Malformed)?;
        let options = VerifySolutionOptions {
            hmac_key_signature_secret: Some(self.solution_key.clone()),
            ..VerifySolutionOptions::new(&challenge, &payload.solution, self.challenge_key.clone())
        };
        let result = verify_solution(options).map_err(|_| NoProof::Wrong)?;
        if result.verified { Ok(()) } else { Err(NoProof::Wrong) }
    }

    /// Seals the counter of a challenge. The seal does not tell the counter, and the salt keeps seals of one counter apart.
    fn seal(&self, salt: &str, counter: u32) -> String {
        hex(&mac(&self.counter_key, &[b"seal", salt.as_bytes(), &counter.to_be_bytes()])[..16])
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares texts in a time that does not depend on where they differ.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}
