//! The stand-in of siteverify: it accepts a token once.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::Service;
use crate::http::{Answer, Request};

/// The state of siteverify.
#[derive(Debug, Default)]
pub struct SiteVerify {
    /// The secret that it requires.
    pub secret: String,
    /// The answer to each token, the first time.
    pub tokens: HashMap<String, Value>,
    used: HashSet<String>,
}

impl SiteVerify {
    /// Makes a siteverify that requires a secret. The token `human` scores 0.9 and `robot` 0.1. `scoreless` is a token of a
    /// service without scores. Most other tokens are refused with a reason. `no-reason` is refused without one.
    pub fn new(secret: &str) -> Self {
        let verdict = |score: f64| json!({"success": true, "score": score, "action": "join", "hostname": "acme.example"});
        let tokens = [
            ("human", verdict(0.9)),
            ("robot", verdict(0.1)),
            ("scoreless", json!({"success": true})),
            ("trouble", refuse(&["internal-error"])),
            ("trouble-too", refuse(&["invalid-input-response", "internal-error"])),
            ("bad-request", refuse(&["bad-request"])),
            ("wrong-secret", refuse(&["invalid-input-secret"])),
            ("no-secret", refuse(&["missing-input-secret"])),
            ("unheard-of", refuse(&["the-moon-is-full"])),
            ("expired", refuse(&["timeout-or-duplicate"])),
            ("seen", refuse(&["invalid-or-already-seen-response"])),
            ("no-reason", json!({"success": false, "error-codes": null})),
        ];
        Self { secret: secret.to_owned(), tokens: tokens.map(|(token, verdict)| (token.to_owned(), verdict)).into(), ..Self::default() }
    }

    fn judge(&mut self, form: &HashMap<String, String>) -> Value {
        let refuse = |code| refuse(&[code]);
        match (form.get("secret"), form.get("response")) {
            (None, _) => refuse("missing-input-secret"),
            (Some(secret), _) if *secret != self.secret => refuse("invalid-input-secret"),
            (_, None) => refuse("missing-input-response"),
            (_, Some(token)) => match self.tokens.get(token) {
                None => refuse("invalid-input-response"),
                Some(_) if !self.used.insert(token.clone()) => refuse("timeout-or-duplicate"),
                Some(verdict) => verdict.clone(),
            },
        }
    }
}

fn refuse(codes: &[&str]) -> Value {
    json!({"success": false, "error-codes": codes})
}

impl Service for SiteVerify {
    fn answer(&mut self, request: &Request) -> Answer {
        let (method, _, _) = request.parts();
        let form = request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if method != "POST" || !form {
            return Answer::refuse(400, "a form is wanted");
        }
        let form = url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
        Answer::json(200, &self.judge(&form))
    }

    fn tell(&self, _: &Request, answer: &Answer) -> Option<String> {
        Some(format!("siteverify {}: {}", answer.status, answer.body))
    }
}
