//! Challenges, solved by the published rule of ALTCHA v2, without its library.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rally_domain::id::WaitlistId;
use rally_domain::timestamp::Timestamp;
use rally_domain::uuid::Uuid;
use rally_proof::{Challenges, Difficulty, NoProof};
use serde_json::{Value, json};

const SECRET: &[u8] = b"a secret of tests, long enough to be one";

fn list(number: u128) -> WaitlistId {
    WaitlistId::new(Uuid::from_u128(number))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis((1_700_000_000 + seconds) * 1000).unwrap()
}

fn challenge(challenges: &Challenges) -> Value {
    serde_json::to_value(challenges.make(list(1), Difficulty::of(0), at(0), 7).unwrap()).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tries counters from zero on until a derived key begins with the prefix.
fn solve(challenge: &Value) -> Value {
    let parameters = &challenge["parameters"];
    assert_eq!(parameters["algorithm"], "PBKDF2/SHA-256");
    let (nonce, salt, prefix) = (bytes(&parameters["nonce"]), bytes(&parameters["salt"]), bytes(&parameters["keyPrefix"]));
    let iterations = NonZeroU32::new(u32::try_from(parameters["cost"].as_u64().unwrap()).unwrap()).unwrap();
    let mut key = vec![0; usize::try_from(parameters["keyLength"].as_u64().unwrap()).unwrap()];
    let counter = (0_u32..).find(|counter| {
        let password = [nonce.as_slice(), &counter.to_be_bytes()].concat();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, &password, &mut key);
        key.starts_with(&prefix)
    });
    json!({"counter": counter.unwrap(), "derivedKey": hex(&key), "time": 200})
}

fn payload(challenge: &Value, solution: &Value) -> String {
    STANDARD.encode(json!({"challenge": challenge, "solution": solution}).to_string())
}

#[test]
fn a_solution_by_the_published_rule_proves_work_once_for_each_challenge() {
    let challenges = Challenges::new(SECRET);
    let first = challenge(&challenges);
    let solution = solve(&first);
    assert_eq!(solution["counter"], 107);
    let text = payload(&first, &solution);
    let proof = challenges.check(list(1), &text, at(1)).unwrap();
    assert_eq!(proof.expires_at, at(600));
    // The same solution is the same proof, which a store takes once.
    assert_eq!(challenges.check(list(1), &text, at(599)).unwrap(), proof);
    assert_eq!(challenges.check(list(1), text.trim_end_matches('='), at(1)).unwrap(), proof);
    assert_eq!(Challenges::new(SECRET).check(list(1), &text, at(1)).unwrap(), proof);
    let second = challenge(&challenges);
    let other = challenges.check(list(1), &payload(&second, &solve(&second)), at(1)).unwrap();
    assert_ne!(other.id, proof.id);
}

#[test]
fn a_solution_is_of_its_list_and_its_time() {
    let challenges = Challenges::new(SECRET);
    let made = challenge(&challenges);
    let text = payload(&made, &solve(&made));
    assert_eq!(challenges.check(list(2), &text, at(1)), Err(NoProof::OtherList));
    assert_eq!(challenges.check(list(1), &text, at(600)), Err(NoProof::Expired));
    assert_eq!(Challenges::new(b"another secret of tests, long enough").check(list(1), &text, at(1)), Err(NoProof::Forged));
}

#[test]
fn whatever_is_changed_proves_nothing() {
    let challenges = Challenges::new(SECRET);
    let made = challenge(&challenges);
    let solution = solve(&made);
    let mut forged = Vec::new();
    for (key, value) in [
        ("cost", json!(1)),
        ("keyPrefix", json!("00")),
        ("keySignature", json!("00")),
        ("expiresAt", json!(9_999_999_999_u64)),
        ("nonce", json!("00000000000000000000000000000000")),
        ("salt", json!("00000000000000000000000000000000")),
        ("data", json!({"list": list(2).to_string()})),
        ("data", Value::Null),
        ("expiresAt", Value::Null),
        ("keySignature", Value::Null),
        ("algorithm", json!("SHA-1")),
    ] {
        let mut changed = made.clone();
        changed["parameters"][key] = value;
        forged.push(changed);
    }
    let mut unsigned = made.clone();
    unsigned.as_object_mut().unwrap().remove("signature");
    forged.extend([unsigned, json!({"parameters": made["parameters"], "signature": ""})]);
    for changed in forged {
        assert_eq!(challenges.check(list(1), &payload(&changed, &solution), at(1)), Err(NoProof::Forged), "{changed}");
    }
    for (key, value) in [
        ("counter", json!(108)),
        ("derivedKey", json!("00")),
        ("derivedKey", json!("not hexadecimal")),
        ("derivedKey", made["parameters"]["keyPrefix"].clone()),
    ] {
        let mut changed = solution.clone();
        changed[key] = value;
        assert_eq!(challenges.check(list(1), &payload(&made, &changed), at(1)), Err(NoProof::Wrong), "{changed}");
    }
    let padded = payload(&made, &solution) + &" ".repeat(10) + &"A".repeat(4096);
    for malformed in ["", "e30=", "no base64", &STANDARD.encode("{}"), &STANDARD.encode("[]"), &STANDARD.encode(made.to_string()), &padded]
    {
        assert_eq!(challenges.check(list(1), malformed, at(1)), Err(NoProof::Malformed), "{malformed}");
    }
}

#[test]
fn a_challenge_tells_nothing_of_its_solution() {
    let challenges = Challenges::new(SECRET);
    let (first, second) = (challenge(&challenges), challenge(&challenges));
    // One chance is one counter. Nonce, salt and signatures differ all the same.
    for key in ["nonce", "salt", "keyPrefix", "keySignature"] {
        assert_ne!(first["parameters"][key], second["parameters"][key], "{key}");
    }
    assert_eq!(first["parameters"]["expiresAt"], 1_700_000_600);
    assert_eq!(first["parameters"]["data"]["list"], list(1).to_string());
    let other = serde_json::to_value(challenges.make(list(1), Difficulty::of(0), at(0), 7 + 201).unwrap()).unwrap();
    assert_ne!(first["parameters"]["data"]["seal"], other["parameters"]["data"]["seal"]);
}
