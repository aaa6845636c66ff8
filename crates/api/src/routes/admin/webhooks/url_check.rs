//! Whether events may be sent to a URL: a few names looked up at once for one workspace.

use std::sync::Arc;
use std::time::Duration;

use rally_domain::webhook::WebhookUrl;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::app::App;
use crate::auth::Admin;
use crate::http::body::fields::Fields;

/// Looks whether events may be sent to a URL. A workspace has a few names looked up at once; one that has to wait for too long counts
/// as a name that does not resolve now.
pub(super) async fn check_url(app: &App, admin: &Admin, fields: &mut Fields, url: Option<&WebhookUrl>) {
    let Some(url) = url else { return };
    let slots = app.url_checks.get_with(admin.workspace.id, || Arc::new(Semaphore::new(CHECKS_OF_A_WORKSPACE)));
    let Ok(Ok(_slot)) = timeout(WAIT_FOR_A_CHECK, slots.acquire()).await else { return };
    if let Err(error) = app.sender.check(url).await {
        fields.report("url", error);
    }
}

/// URLs of one workspace that are checked at once, and how long one waits for its turn.
const CHECKS_OF_A_WORKSPACE: usize = 8;
const WAIT_FOR_A_CHECK: Duration = Duration::from_secs(5);
