//! The stand-in of Heimdall: a workspace's apps, page by page, and invitations into them, one per key.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::Service;
use crate::http::{Answer, Request};

/// An invitation that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Its id.
    pub id: String,
    /// The id of the app.
    pub app_id: String,
    /// The address of the person.
    pub email: String,
    /// The code that the person presents.
    pub code: String,
}

/// The state of Heimdall.
#[derive(Debug, Default)]
pub struct Heimdall {
    /// The platform key that it requires.
    pub key: String,
    /// Apps as workspace, id and slug. The workspace `*` stands for every workspace.
    pub apps: Vec<(String, String, String)>,
    /// Users of apps, as app and address.
    pub users: HashSet<(String, String)>,
    /// Whether answers contain a link for the invitation.
    pub with_links: bool,
    /// The link that answers contain in place of the usual one.
    pub link: Option<String>,
    /// The most apps of a page, for any requested limit.
    pub page: usize,
    /// The invitations that it has made.
    pub invites: Vec<Invite>,
    answered: HashMap<String, (String, String, Answer)>,
}

impl Heimdall {
    /// Makes a Heimdall that requires a key. Every workspace has the apps `other` and `acme-app`, each on a page of its own.
    pub fn new(key: &str) -> Self {
        let app = |id: &str, slug: &str| ("*".to_owned(), id.to_owned(), slug.to_owned());
        Self { key: key.to_owned(), apps: vec![app("app-1", "other"), app("app-2", "acme-app")], page: 1, ..Self::default() }
    }

    fn list(&self, query: &HashMap<String, String>) -> Answer {
        let Some(workspace) = query.get("workspace_id") else { return Answer::refuse(400, "workspace_id is required") };
        let limit = query.get("limit").map_or(Some(20), |limit| limit.parse().ok()).filter(|limit| (1..=100).contains(limit));
        let Some(limit) = limit else { return Answer::refuse(400, "limit") };
        let from: usize = query.get("cursor").and_then(|cursor| cursor.strip_prefix("after:")?.parse().ok()).unwrap_or(0);
        let mine: Vec<_> = self.apps.iter().filter(|(of, _, _)| of == workspace || of == "*").collect();
        let end = (from + limit.min(self.page)).min(mine.len());
        let data: Vec<Value> = mine[from.min(end)..end].iter().map(|(_, id, slug)| json!({"id": id, "slug": slug})).collect();
        let more = end < mine.len();
        let next = more.then(|| format!("after:{end}"));
        Answer::json(200, &json!({"data": data, "pagination": {"next_cursor": next, "has_more": more}}))
    }

    fn invite(&mut self, request: &Request, app_id: &str) -> Answer {
        let key = request.header("idempotency-key").unwrap_or_default().to_owned();
        if key.is_empty() || key.len() > 256 {
            return Answer::refuse(400, "Idempotency-Key");
        }
        if let Some((line, body, answer)) = self.answered.get(&key) {
            return if (line, body) == (&request.line, &request.body) {
                answer.clone().with("idempotent-replay: true")
            } else {
                Answer::json(409, &json!({"statusCode": 409, "message": "reused", "code": "IDEMPOTENCY_KEY_REUSE"}))
            };
        }
        let Some((_, _, slug)) = self.apps.iter().find(|(_, id, _)| id == app_id) else { return Answer::refuse(404, "no such app") };
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let Some(email) = body["email"].as_str() else { return Answer::refuse(400, "email is required") };
        if self.users.contains(&(app_id.to_owned(), email.to_owned())) {
            return Answer::refuse(409, "a user with this email exists");
        }
        let number = self.invites.len() + 1;
        let (id, code) = (format!("invite-{number}"), format!("code{number}"));
        let mut view = json!({
            "id": id, "code": code, "email": email, "role_name": "member", "role_id": "r1", "max_uses": 1, "use_count": 0,
            "expires_at": "2026-02-03T09:00:00.000Z", "revoked_at": null, "created_at": "2026-01-31T09:00:00.000Z",
        });
        if self.with_links {
            view["invite_url"] = json!(self.link.clone().unwrap_or_else(|| format!("https://heimdall.example/{slug}/{code}")));
        }
        self.invites.push(Invite { id, app_id: app_id.to_owned(), email: email.to_owned(), code });
        let answer = Answer::json(201, &view);
        self.answered.insert(key, (request.line.clone(), request.body.clone(), answer.clone()));
        answer
    }
}

impl Service for Heimdall {
    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some(&format!("Bearer {}", self.key)) {
            return Answer::refuse(401, "who are you");
        }
        let (method, segments, query) = request.parts();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["v1", "apps"]) => self.list(&query),
            ("POST", ["v1", "apps", app_id, "end-users", "invites"]) => self.invite(request, app_id),
            _ => Answer::refuse(404, "no such thing"),
        }
    }

    fn tell(&self, request: &Request, answer: &Answer) -> Option<String> {
        let (method, _, _) = request.parts();
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        (method == "POST").then(|| format!("Heimdall {}: invitation of {}: {}", answer.status, body["email"], answer.body))
    }
}
