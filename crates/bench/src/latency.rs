//! The latency of single requests to a small and a large list on an idle server. Prints one line of a Markdown table per request.

use std::time::Instant;

use clap::Args;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::Outcome;

/// The server and the lists.
#[derive(Args)]
pub struct Arguments {
    /// Base URL of the server
    #[arg(long)]
    base: String,
    /// The slug of a workspace
    #[arg(long)]
    workspace: String,
    /// The id of the workspace
    #[arg(long)]
    workspace_id: String,
    /// An admin token for the workspace
    #[arg(long)]
    token: String,
    /// Slug and id of the small list, with a colon between them
    #[arg(long)]
    small: String,
    /// Slug and id of the large list, with a colon between them
    #[arg(long)]
    large: String,
}

/// Requests of each kind.
const SAMPLES: usize = 200;

struct List<'a> {
    arguments: &'a Arguments,
    client: Client,
    slug: String,
    id: String,
    /// The query of each page that is measured.
    pages: Vec<(&'static str, String)>,
    /// The ids of pending entries that the measurement approves.
    pending: Vec<String>,
}

/// Measures both lists, with one request to each in turn.
///
/// # Errors
/// If a request fails.
#[expect(clippy::print_stdout, reason = "the measurements")]
pub async fn run(arguments: Arguments) -> Outcome<()> {
    let small = List::open(&arguments, &arguments.small).await?;
    let large = List::open(&arguments, &arguments.large).await?;
    for kind in ["entries, first page", "entries, middle", "entries, last page", "count", "analytics", "leaderboard", "sign-up", "approve"]
    {
        let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
        for n in 0..SAMPLES {
            of_small.push(small.measure(kind, n).await?);
            of_large.push(large.measure(kind, n).await?);
        }
        let (small, large) = (median(of_small), median(of_large));
        println!("| {kind} | {small:.2} ms | {large:.2} ms | {:.2} |", large / small);
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

impl<'a> List<'a> {
    async fn open(arguments: &'a Arguments, list: &str) -> Outcome<Self> {
        let (slug, id) = list.split_once(':').ok_or("a slug and an id")?;
        let client = Client::builder().no_proxy().build()?;
        let mut this = Self { arguments, client, slug: slug.to_owned(), id: id.to_owned(), pages: Vec::new(), pending: Vec::new() };
        this.walk().await?;
        Ok(this)
    }

    /// Finds the pages and the entries for the measurement.
    async fn walk(&mut self) -> Outcome<()> {
        let mut cursors = vec![String::new()];
        loop {
            let query = format!("limit=100{}", cursors[cursors.len() - 1]);
            let page = self.admin(Method::GET, &format!("/entries?{query}"), None).await?;
            if self.pending.len() < SAMPLES {
                let ids = page["data"].as_array().into_iter().flatten().filter(|entry| entry["status"] == "pending");
                self.pending.extend(ids.filter_map(|entry| entry["id"].as_str().map(str::to_owned)));
            }
            match page["pagination"]["next_cursor"].as_str() {
                Some(next) => cursors.push(format!("&cursor={next}")),
                None => break,
            }
        }
        let page = |at: usize| format!("/entries?limit=20{}", cursors[at]);
        let (middle, last) = (page(cursors.len() / 2), page(cursors.len() - 2));
        self.pages = vec![("entries, first page", page(0)), ("entries, middle", middle), ("entries, last page", last)];
        Ok(())
    }

    async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Outcome<Value> {
        let Arguments { base, workspace_id, token, .. } = self.arguments;
        let url = format!("{base}/v1/workspaces/{workspace_id}/waitlists/{}{path}", self.id);
        let request = self.client.request(method, url).bearer_auth(token);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Returns the milliseconds of the n-th request of a kind.
    async fn measure(&self, kind: &str, n: usize) -> Outcome<f64> {
        let public = format!("{}/v1/waitlists/{}/{}", self.arguments.base, self.arguments.workspace, self.slug);
        let started = Instant::now();
        match kind {
            "count" => drop(self.admin(Method::GET, "/entries/count", None).await?),
            "analytics" => drop(self.admin(Method::GET, "/analytics", None).await?),
            "leaderboard" => {
                // Another limit each time, so that the reply does not come from the cache.
                let leaders = self.client.get(format!("{public}/leaderboard?limit={}", 1 + n % 50)).send().await?.error_for_status()?;
                drop(leaders.bytes().await?);
            }
            "sign-up" => {
                let body = json!({"email": format!("latency{n}-{}@example.com", std::process::id()), "name": "Somebody"});
                let joined = self.client.post(format!("{public}/entries")).json(&body).send().await?.error_for_status()?;
                drop(joined.bytes().await?);
            }
            "approve" => {
                let path = format!("/entries/{}", self.pending[n]);
                drop(self.admin(Method::PATCH, &path, Some(json!({"status": "approved"}))).await?);
            }
            page => {
                let (_, path) = self.pages.iter().find(|(name, _)| *name == page).ok_or("a kind of request")?;
                drop(self.admin(Method::GET, path, None).await?);
            }
        }
        Ok(started.elapsed().as_secs_f64() * 1000.0)
    }
}
