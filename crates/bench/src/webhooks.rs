//! Deliveries to webhooks, run by `scripts/bench-webhooks.sh`. Prints one line of a Markdown table per measurement.

use std::time::{Duration, Instant};

use clap::Args;
use reqwest::Client;
use serde_json::{Value, json};

use crate::Outcome;
use crate::receiver::{Pace, Receiver};

/// The server and the amount of load.
#[derive(Args)]
pub struct Arguments {
    /// Base URL of the server
    #[arg(long)]
    base: String,
    /// The id of a workspace
    #[arg(long)]
    workspace: String,
    /// An admin token for the workspace
    #[arg(long)]
    token: String,
    /// A shell command that writes that many events for the workspace's webhooks at once, directly to the store; it finds the number in
    /// $EVENTS
    #[arg(long)]
    seed: String,
    /// Events of a run
    #[arg(long, default_value_t = 20_000)]
    events: usize,
}

/// Sign-ups one after the other, to measure an event on an idle server.
const IDLE: usize = 200;

/// Measures how long an event takes to arrive, and how many arrive per second.
///
/// # Errors
/// If a request fails.
#[expect(clippy::print_stdout, reason = "the measurements")]
pub async fn run(arguments: Arguments) -> Outcome<()> {
    let bench = Bench { arguments, client: Client::builder().no_proxy().build()? };
    let slug = bench.make_list().await?;

    let receiver = Receiver::start(Pace::Fast).await?;
    let webhook = bench.make_webhook(&receiver.url).await?;
    let mut latencies = Vec::new();
    for n in 0..IDLE {
        let answered = bench.join(&slug, n).await?;
        latencies.push(receiver.wait_for(n + 1).await.saturating_duration_since(answered));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    latencies.sort_unstable();
    let millis = |at: usize| latencies[at].as_secs_f64() * 1000.0;
    println!(
        "| from the reply of a sign-up to the receiver, idle | p50 {:.1} ms, p99 {:.1} ms |",
        millis(IDLE / 2),
        millis(IDLE * 99 / 100)
    );
    bench.delete_webhook(&webhook).await?;

    let alone = bench.drain(Pace::Fast, None).await?;
    println!("| {} events to one receiver | {alone:.0} deliveries/s |", bench.arguments.events);
    let beside = bench.drain(Pace::Fast, Some(Pace::Hangs)).await?;
    println!("| the same beside a receiver that hangs | {beside:.0} deliveries/s, {:.0} % of it |", beside / alone * 100.0);
    Ok(())
}

struct Bench {
    arguments: Arguments,
    client: Client,
}

impl Bench {
    fn admin(&self, path: &str) -> String {
        format!("{}/v1/workspaces/{}{path}", self.arguments.base, self.arguments.workspace)
    }

    async fn post(&self, path: &str, body: Value) -> Outcome<Value> {
        let request = self.client.post(self.admin(path)).bearer_auth(&self.arguments.token).json(&body);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn make_list(&self) -> Outcome<String> {
        let slug = format!("bench-{}", std::process::id());
        let list = self.post("/waitlists", json!({"slug": slug, "display_name": "Bench"})).await?;
        let path = format!("/waitlists/{}/status", list["id"].as_str().unwrap_or_default());
        let activate = self.client.patch(self.admin(&path)).bearer_auth(&self.arguments.token).json(&json!({"status": "active"}));
        activate.send().await?.error_for_status()?;
        Ok(slug)
    }

    async fn make_webhook(&self, url: &str) -> Outcome<String> {
        let webhook = self.post("/webhooks", json!({"url": url, "events": ["entry.created"]})).await?;
        Ok(webhook["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn delete_webhook(&self, id: &str) -> Outcome<()> {
        let delete = self.client.delete(self.admin(&format!("/webhooks/{id}"))).bearer_auth(&self.arguments.token);
        delete.send().await?.error_for_status()?;
        Ok(())
    }

    /// Signs somebody up and returns when the answer arrived.
    async fn join(&self, slug: &str, n: usize) -> Outcome<Instant> {
        let url = format!("{}/v1/waitlists/bench/{slug}/entries", self.arguments.base);
        let body = json!({"email": format!("person{n}@example.com"), "name": "Somebody"});
        self.client.post(url).json(&body).send().await?.error_for_status()?;
        Ok(Instant::now())
    }

    /// Measures deliveries per second to a receiver with many events due at once, and perhaps with another receiver beside it.
    async fn drain(&self, pace: Pace, beside: Option<Pace>) -> Outcome<f64> {
        let receiver = Receiver::start(pace).await?;
        let mut webhooks = vec![self.make_webhook(&receiver.url).await?];
        let other = match beside {
            Some(pace) => Some(Receiver::start(pace).await?),
            None => None,
        };
        if let Some(other) = &other {
            webhooks.push(self.make_webhook(&other.url).await?);
        }
        let events = self.arguments.events;
        let seed = tokio::process::Command::new("sh").args(["-c", &self.arguments.seed]).env("EVENTS", events.to_string()).status();
        if !seed.await?.success() {
            return Err("the events could not be written".into());
        }
        let first = receiver.wait_for(1).await;
        let last = receiver.wait_for(events).await;
        for webhook in webhooks {
            self.delete_webhook(&webhook).await?;
        }
        Ok(events as f64 / last.duration_since(first).as_secs_f64())
    }
}
