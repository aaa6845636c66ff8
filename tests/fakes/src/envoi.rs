//! The stand-in of Envoi: templates, domains, and mail that is sent once per key.

use std::collections::{HashMap, HashSet};

use rally_contracts::remote::ACTIVE_DOMAIN;
use serde_json::{Value, json};

use crate::Service;
use crate::http::{Answer, Request};

/// A domain of a workspace.
#[derive(Debug, Clone)]
pub struct Domain {
    /// The domain name.
    pub fqdn: String,
    /// `receive`, `send` or `both`.
    pub intent: &'static str,
    /// `pending`, `active` or `failed`.
    pub status: &'static str,
}

/// A mail that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The workspace.
    pub workspace: String,
    /// The template.
    pub template: String,
    /// The sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The values for the template.
    pub data: Value,
    /// The idempotency key.
    pub key: String,
}

/// The state of Envoi.
#[derive(Debug, Default)]
pub struct Envoi {
    /// The platform key that it requires.
    pub key: String,
    /// Domains by workspace and id. The workspace `*` stands for every workspace.
    pub domains: HashMap<(String, String), Domain>,
    /// Templates by workspace and name. The workspace `*` stands for every workspace.
    pub templates: HashSet<(String, String)>,
    /// Addresses that it sends nothing to.
    pub suppressed: HashSet<String>,
    /// The mails that it has sent.
    pub sent: Vec<Sent>,
    answered: HashMap<String, (String, String, Answer)>,
}

impl Envoi {
    /// Makes an Envoi that requires a key. Every workspace has the active domain `acme.example` and the templates `welcome`,
    /// `approved` and `rejected`.
    pub fn new(key: &str) -> Self {
        let domain = Domain { fqdn: "acme.example".to_owned(), intent: "both", status: "active" };
        Self {
            key: key.to_owned(),
            domains: HashMap::from([(("*".to_owned(), ACTIVE_DOMAIN.to_string()), domain)]),
            templates: ["welcome", "approved", "rejected"].map(|name| ("*".to_owned(), name.to_owned())).into(),
            ..Self::default()
        }
    }

    fn domain(&self, workspace: &str, id: &str) -> Option<&Domain> {
        [workspace, "*"].iter().find_map(|workspace| self.domains.get(&((*workspace).to_owned(), id.to_owned())))
    }

    fn has_template(&self, workspace: &str, name: &str) -> bool {
        [workspace, "*"].iter().any(|workspace| self.templates.contains(&((*workspace).to_owned(), name.to_owned())))
    }

    fn send(&mut self, request: &Request, workspace: &str, template: &str) -> Answer {
        let key = request.header("idempotency-key").unwrap_or_default().to_owned();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':');
        if key.is_empty() || key.len() > 256 || !key.chars().all(allowed) {
            return Answer::refuse(400, "Idempotency-Key");
        }
        if let Some((line, body, answer)) = self.answered.get(&key) {
            return if (line, body) == (&request.line, &request.body) {
                answer.clone().with("idempotent-replay: true")
            } else {
                Answer::json(409, &json!({"statusCode": 409, "message": "reused", "code": "IDEMPOTENCY_KEY_REUSE"}))
            };
        }
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let (Some(from), Some(to), Some(data)) = (body["from"].as_str(), body["to"].as_str(), body["data"].as_object()) else {
            return Answer::refuse(400, "from, to and data are required");
        };
        if !self.has_template(workspace, template) {
            return Answer::refuse(404, "no such template");
        }
        let host = from.rsplit('@').next().unwrap_or_default();
        let domains = self.domains.iter().filter(|((of, _), domain)| (of == workspace || of == "*") && domain.fqdn == host);
        let statuses: Vec<&str> = domains.map(|(_, domain)| domain.status).collect();
        if statuses.is_empty() {
            return Answer::refuse(403, "not your domain");
        }
        if !statuses.contains(&"active") {
            return Answer::refuse(409, "domain not verified");
        }
        if self.suppressed.contains(to) {
            return Answer::refuse(422, "recipient suppressed");
        }
        let subject = body["subject"].as_str().unwrap_or("a template's own");
        let answer = Answer::json(202, &json!({"accepted": true, "from": from, "to": to, "subject": subject}));
        self.sent.push(Sent {
            workspace: workspace.to_owned(),
            template: template.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            data: Value::Object(data.clone()),
            key: key.clone(),
        });
        self.answered.insert(key, (request.line.clone(), request.body.clone(), answer.clone()));
        answer
    }
}

impl Service for Envoi {
    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some(&format!("Bearer {}", self.key)) {
            return Answer::refuse(401, "who are you");
        }
        let (method, segments, _) = request.parts();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (method.as_str(), segments.as_slice()) {
            ("POST", ["v1", "workspaces", workspace, "templates", name, "send"]) => self.send(request, workspace, name),
            ("GET", ["v1", "workspaces", workspace, "templates", name]) if self.has_template(workspace, name) => {
                Answer::json(200, &json!({"name": name, "workspace_id": workspace}))
            }
            ("GET", ["v1", "workspaces", workspace, "domains", id]) => match self.domain(workspace, id) {
                None => Answer::refuse(404, "no such domain"),
                Some(Domain { fqdn, intent, status }) => {
                    Answer::json(200, &json!({"id": id, "workspace_id": workspace, "fqdn": fqdn, "intent": intent, "status": status}))
                }
            },
            _ => Answer::refuse(404, "no such thing"),
        }
    }

    fn tell(&self, request: &Request, answer: &Answer) -> Option<String> {
        let (method, segments, _) = request.parts();
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        (method == "POST").then(|| {
            let template = segments.get(4).map(String::as_str).unwrap_or_default();
            format!("Envoi {}: {template} to {} with {}", answer.status, body["to"], body["data"])
        })
    }
}
