//! Checks whether events may be sent to a URL, with a limit per workspace.

use std::sync::Arc;
use std::time::Duration;

use rally_domain::webhook::WebhookUrl;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::app::App;
use crate::auth::Admin;
use crate::http::body::fields::Fields;

/// Checks whether events may be sent to a URL. A workspace may have a few checks at once. If a check waits too long for its turn, the
/// URL is accepted, as it is if its name does not resolve now.
pub(super) async fn check_url(app: &App, admin: &Admin, fields: &mut Fields, url: Option<&WebhookUrl>) {
    let Some(url) = url else { return };
    let slots = app.url_checks.get_with(admin.workspace.id, || Arc::new(Semaphore::new(CHECKS_OF_A_WORKSPACE)));
    let Ok(Ok(_slot)) = timeout(WAIT_FOR_A_CHECK, slots.acquire()).await else { return };
    if let Err(error) = app.sender.check(url).await {
        fields.report("url", error);
    }
}

/// The most checks of one workspace at once, and how long a check waits for its turn.
const CHECKS_OF_A_WORKSPACE: usize = 8;
const WAIT_FOR_A_CHECK: Duration = Duration::from_secs(5);
