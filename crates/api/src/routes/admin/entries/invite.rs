//! Invites an entry into an app.

use actix_web::{post, web};
use rally_domain::actor::Actor;
use rally_domain::command::{InviteMail, Invited};
use rally_domain::entry::MAX_APP_SLUG;
use rally_domain::id::EntryId;
use rally_domain::text::{Lines, clean};
use rally_domain::use_case::invite::{self, Invitation};
use rally_domain::waitlist::Waitlist;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::EntryView;
use crate::app::App;
use crate::auth::permit;
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, DEFAULT_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::admin::AdminEntry;

/// Parses the fields of an invitation, which two bodies have. An empty slug counts as none.
pub(super) fn parse_invitation(fields: &mut Fields, app_slug: Field<String>, send_email: Field<bool>) -> Option<Invitation> {
    let app_slug = fields.optional("app_slug", app_slug, |text| {
        clean(&text, MAX_APP_SLUG, Lines::One).map(|slug| Some(slug).filter(|slug| !slug.is_empty()))
    });
    let mail = fields.optional("send_email", send_email, |send| Ok(if send { InviteMail::Send } else { InviteMail::DoNotSend }));
    Some(Invitation { app_slug: app_slug.flatten(), mail: mail.unwrap_or(InviteMail::Send) })
}

/// How to invite an entry.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = InviteToApp)]
struct InviteBody {
    /// The Heimdall app to invite into. By default the workspace's `default_heimdall_app_slug`.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    app_slug: Field<String>,
    /// Whether to send the approval mail with the link, if the workspace sends mail.
    #[schema(value_type = Option<bool>, default = true)]
    #[serde(default)]
    send_email: Field<bool>,
}

impl InviteBody {
    fn parse(self) -> Result<Invitation, ApiError> {
        let mut fields = Fields::default();
        let invitation = parse_invitation(&mut fields, self.app_slug, self.send_email);
        fields.finish()?;
        invitation.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// An entry that was invited.
#[derive(Serialize, ToSchema)]
#[schema(as = InvitedEntry)]
struct InvitedView {
    entry: EntryView,
    /// Heimdall's id of the invitation, or the code of an invitation by the link of the list.
    invite_id: String,
    /// The link to accept the invitation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    invite_url: Option<String>,
}

/// Invites an entry by the body of a request.
///
/// # Errors
/// If a field is bad, the entry cannot be invited, or the service that invites failed.
pub(crate) async fn invite_by(app: &App, actor: &Actor, waitlist: &Waitlist, id: EntryId, body: Value) -> Result<Invited, ApiError> {
    let invitation = read_as::<InviteBody>(body)?.parse()?;
    Ok(invite::run(&app.ports, actor, waitlist, id, &invitation).await?)
}

/// Invite an entry into an app
///
/// Heimdall creates an invitation for an approved entry. If neither the request nor the settings of the workspace name an app, the link of
/// the list, its setting `invite_url`, invites the person, and no service is asked. A repeated request returns the same invitation.
#[utoipa::path(
    tag = "Entries", operation_id = "invite_entry_to_app", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminEntry), request_body = Option<InviteBody>,
    responses(
        (status = 200, description = "The entry and its invitation.", body = InvitedView),
        (status = 409, description = "A person with this address is already in the app.", body = ErrorBody),
        (status = 422, description = "Neither an app nor a link is there, Heimdall has no app with this name, or the entry is not approved.", body = ErrorBody),
        (status = 502, description = "Heimdall failed; nothing was changed.", body = ErrorBody),
        (status = 504, description = "Heimdall did not answer in time; nothing was changed.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/waitlists/{waitlist_id}/entries/{entry_id}/invite-to-app")]
pub async fn invite_to_app(
    app: web::Data<App>,
    entry: AdminEntry<permit::EntryUpdate>,
    body: Body,
) -> Result<web::Json<InvitedView>, ApiError> {
    let invitation = body.optional_json_up_to::<InviteBody>(DEFAULT_LIMIT).await?.unwrap_or_default().parse()?;
    let invited = invite::run(&app.ports, &entry.actor(), &entry.waitlist, entry.id, &invitation).await?;
    app.wake_relays();
    let Invited { entry: invited, invite } = invited;
    let entry = EntryView::new(&app, &entry.admin, &entry.waitlist, &invited);
    Ok(web::Json(InvitedView { entry, invite_id: invite.id, invite_url: invite.url }))
}
