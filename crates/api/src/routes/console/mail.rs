//! Mail and brand of a workspace: the settings, and the log of mail.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_console::page::{MailLogPage, MailRow, MailSettingsPage, Person};
use rally_console::{Form, Notice, NoticeTone};
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::mail::{LoggedMail, MailFilter, MailKind, MailState};
use rally_domain::paging::Limit;
use rally_domain::waitlist::WaitlistStatus;
use rally_domain::workspace::WorkspaceSettings;
use serde_json::{Map, Value};

use super::doors::{Open, Pairs, Posted};
use super::entry::mail_row;
use super::look::{Done, body_of, done, pager, refused, show, show_as, trouble, typed};
use super::overview::takes_nobody;
use super::seen::{changes, digests};
use crate::auth::{Action, permit};
use crate::http::error::ApiError;
use crate::http::extract::languages::in_query;
use crate::http::extract::list_query::{ListQuery, Listing, read_filter};
use crate::routes::admin::settings;

/// The settings that the form may have.
const NAMES: [&str; 14] = [
    "brand_name",
    "brand_logo_url",
    "primary_color",
    "default_heimdall_app_slug",
    "default_locale",
    "notifications",
    "default_sender_address",
    "reply_to_address",
    "default_sender_domain_id",
    "welcome_template_name",
    "approved_template_name",
    "rejected_template_name",
    "confirm_template_name",
    "link_template_name",
];

/// Shows the settings.
#[get("/w/{ws}/mail")]
pub async fn settings_page(door: Open<permit::RallySettingsRead>) -> Result<HttpResponse, ApiError> {
    let form = form_of(door.app.ports.settings.get(door.workspace_id()).await?);
    let seen = digests(&body_of(&form.values, &NAMES));
    Ok(show(&mail_page(&door, form, seen).await?))
}

/// How many mails in a row may fail before pages say so.
const FAILED_IN_A_ROW: u16 = 10;

/// Whether the last mails failed, and none arrived meanwhile.
pub(super) async fn fails<P>(door: &Open<P>) -> Result<bool, ApiError> {
    let newest = async |state, limit| {
        let filter = MailFilter { state: Some(state), ..MailFilter::default() };
        door.app.ports.mails.log(door.workspace_id(), filter, None, limit).await.map(|page| page.items)
    };
    let failed = newest(MailState::Failed, Limit::of::<FAILED_IN_A_ROW>()).await?;
    let Some(first) = failed.last().filter(|_| failed.len() == usize::from(FAILED_IN_A_ROW)) else { return Ok(false) };
    let sent = newest(MailState::Sent, Limit::of::<1>()).await?;
    Ok(sent.first().is_none_or(|sent| sent.created_at <= first.created_at))
}

async fn failures<P>(door: &Open<P>) -> Result<Option<Notice>, ApiError> {
    let text = "The last ten mails failed, and none arrived since. The log of mail says why.";
    Ok(fails(door).await?.then(|| trouble(text.to_owned())))
}

/// Tells which lists take nobody, because they ask for a confirmation and no mail is sent for it.
async fn stopped<P>(door: &Open<P>) -> Result<Option<Notice>, ApiError> {
    if !door.admin.may(Action::WaitlistRead) {
        return Ok(None);
    }
    let (ports, limit) = (&door.app.ports, Limit::of::<{ Limit::MAX }>());
    let mut names = Vec::new();
    for waitlist in ports.waitlists.list(door.workspace_id(), Some(WaitlistStatus::Active), None, limit).await?.items {
        if takes_nobody(&door.app, &door.admin.workspace, &waitlist).await? {
            names.push(waitlist.display_name.to_string());
        }
    }
    let text = || format!("Nobody can sign up for {}: addresses are to be confirmed, and no mail is sent for that.", names.join(", "));
    Ok((!names.is_empty()).then(|| trouble(text())))
}

async fn mail_page<P>(door: &Open<P>, form: Form, seen: String) -> Result<MailSettingsPage, ApiError> {
    let ports = &door.app.ports;
    let mut frame = door.frame();
    frame.notices.extend(failures(door).await?);
    frame.notices.extend(stopped(door).await?);
    if ports.smtp.is_some() && !ports.links.are_secure() {
        let text = format!("Links in mail lead to {}, which is not an https address. Set RALLY_PUBLIC_URL.", ports.links.base());
        frame.notices.push(Notice { tone: NoticeTone::Attention, text, undo: None });
    }
    Ok(MailSettingsPage { frame, form, seen, has_smtp: ports.smtp.is_some(), has_envoi: ports.envoi.is_some() })
}

fn form_of(settings: WorkspaceSettings) -> Form {
    let WorkspaceSettings { brand, .. } = &settings;
    let values = [
        brand.name.clone(),
        brand.logo_url.clone(),
        brand.primary_color.clone(),
        settings.default_heimdall_app_slug.clone(),
        Some(settings.default_locale.to_string()),
        Some(settings.notifications.as_str().to_owned()),
        settings.default_sender_address.as_ref().map(ToString::to_string),
        settings.reply_to_address.as_ref().map(ToString::to_string),
        settings.default_sender_domain_id.map(|id| id.to_string()),
        settings.welcome_template_name.clone(),
        settings.approved_template_name.clone(),
        settings.rejected_template_name.clone(),
        settings.confirm_template_name.clone(),
        settings.link_template_name.clone(),
    ];
    Form::new(NAMES.into_iter().zip(values.map(Option::unwrap_or_default)))
}

/// Changes the settings that differ from those that the form was opened with, so that it undoes no change of somebody else.
#[post("/w/{ws}/mail")]
pub async fn change_settings(posted: Posted<Open<permit::RallySettingsUpdate>>) -> Result<HttpResponse, ApiError> {
    let there = body_of(&form_of(posted.app.ports.settings.get(posted.workspace_id()).await?).values, &NAMES);
    let (status, form) = match changes(&posted.form, values(&posted.form), &there) {
        Err(form) => (StatusCode::CONFLICT, *form),
        Ok(changed) => match settings::change_settings(&posted.app, &posted.admin, Value::Object(changed)).await {
            Ok(_) => return Ok(done(&posted.urls().mail(), Done::Saved)),
            Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, typed(&posted.form, refused(error)?)),
        },
    };
    let seen = form.value("seen").to_owned();
    Ok(show_as(status, &mail_page(&posted, form, seen).await?))
}

/// The settings that a form has.
fn values(form: &Pairs) -> Map<String, Value> {
    let names: Vec<&str> = NAMES.into_iter().filter(|name| form.iter().any(|(given, _)| given == name)).collect();
    body_of(form, &names)
}

/// Lists mails, newest first.
#[get("/w/{ws}/mail/log")]
pub async fn log(door: Open<permit::EntryRead>, request: HttpRequest, query: web::Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let [state, kind, entry] = ["state", "kind", "entry_id"].map(|name| in_query(&request, &[name]));
    let mut errors = Vec::new();
    let filter = MailFilter {
        entry_id: read_filter("entry_id", entry.as_deref(), EntryId::parse, &mut errors),
        state: read_filter("state", state.as_deref(), MailState::parse, &mut errors),
        kind: read_filter("kind", kind.as_deref(), MailKind::parse, &mut errors),
    };
    let [state, kind, entry] = [state, kind, entry].map(Option::unwrap_or_default);
    let name = format!("console/mails/{}?entry_id={entry}&state={state}&kind={kind}", door.workspace_id());
    let Listing { name, limit, after, status } = query.parse_filtered(&door.app, name, Some(filter), errors)?;
    let is_first = after.is_none();
    let page = door.app.ports.mails.log(door.workspace_id(), status.unwrap_or_default(), after, limit).await?;
    let asked = [("state", state.as_str()), ("kind", kind.as_str()), ("entry_id", entry.as_str())];
    let address = (&*door.urls().mail_log(), &asked[..]);
    let pager = pager(&door.app, address, &name, (is_first, page.next.as_ref()), "rows");
    let mut frame = door.frame();
    frame.notices.extend(failures(&door).await?);
    Ok(show(&MailLogPage { frame, filter: Form::new(asked), rows: rows(&door, &page.items).await?, pager }))
}

/// The mails, each with the slug of the list of its entry.
async fn rows<P>(door: &Open<P>, mails: &[LoggedMail]) -> Result<Vec<MailRow>, ApiError> {
    let mut slugs: HashMap<WaitlistId, Option<String>> = HashMap::new();
    let mut rows = Vec::with_capacity(mails.len());
    for mail in mails {
        let mut entry = None;
        if let (Some(list), Some(id)) = (mail.recipient.waitlist_id(), mail.recipient.entry_id()) {
            let slug = match slugs.entry(list) {
                Slot::Occupied(known) => known.get().clone(),
                Slot::Vacant(slot) => {
                    let found = door.app.ports.waitlists.find(door.workspace_id(), list).await?;
                    slot.insert(found.map(|waitlist| waitlist.slug.to_string())).clone()
                }
            };
            entry = slug.map(|slug| (Person { id: id.to_string(), email: mail.to.to_string() }, slug));
        }
        rows.push(mail_row(&door.app, mail, entry));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_somebody_changed_is_saved() {
        let pairs =
            |pairs: &[(&str, &str)]| -> Pairs { pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect() };
        let form = |seen: &str| {
            pairs(&[("brand_name", " Acme "), ("primary_color", ""), ("notifications", "smtp"), ("seen", seen), ("other", "y")])
        };
        let opened = pairs(&[("brand_name", "Acme"), ("primary_color", "#ffffff"), ("notifications", "smtp")]);
        let stored = body_of(&opened, &NAMES);
        let changed = |form: &Pairs| Value::Object(changes(form, values(form), &stored).unwrap());
        assert_eq!(changed(&form(&digests(&stored))), json!({"primary_color": null}));
        // A client that says nothing of what it showed changes what is not stored.
        assert_eq!(changed(&form("")), json!({"primary_color": null}));
    }
}
