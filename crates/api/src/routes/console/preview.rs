//! Previews of the sign-up page: as it is stored, or with what is typed in the form of settings or of a variant.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, post};
use rally_console::policy::PAGE_PREVIEW;
use rally_domain::locale::Locale;
use rally_domain::slug::Slug;
use rally_domain::timestamp::Timestamp;
use rally_domain::variant::{Variant, VariantCopy, VariantKind, Weight};
use rally_domain::waitlist::{PublicWaitlist, Waitlist, WaitlistStatus};
use rally_domain::workspace::WorkspaceSettings;
use serde_json::{Map, Value};
use url::{Origin, Url};

use super::doors::{OpenedList, Pairs, Posted};
use super::list_settings::with_form;
use crate::auth::permit;
use crate::http::error::ApiError;
use crate::http::extract::languages::in_query;
use crate::routes::pages::preview_sign_up;

/// Shows the page as it is stored, with the texts of a variant if one is named.
#[get("/w/{ws}/lists/{list}/preview")]
pub async fn stored_page(door: OpenedList<permit::WaitlistRead>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let variant = find_variant(&door, in_query(&request, &["variant_id"]).as_deref()).await?;
    render(&door, door.waitlist.clone(), variant).await
}

/// Shows the page with what is typed.
#[post("/w/{ws}/lists/{list}/preview")]
pub async fn typed_page(posted: Posted<OpenedList<permit::WaitlistRead>>) -> Result<HttpResponse, ApiError> {
    if posted.form.iter().any(|(name, _)| name.starts_with("copy.")) {
        let now = posted.app.ports.clock.now();
        let kept = find_variant(&posted, Some(posted.value("variant_id"))).await?;
        let variant = typed_variant(&posted.form, &posted.waitlist, kept.as_ref(), now);
        return render(&posted, posted.waitlist.clone(), Some(variant)).await;
    }
    render(&posted, with_form(posted.waitlist.clone(), posted.form.clone()), None).await
}

async fn find_variant<P>(door: &OpenedList<P>, id: Option<&str>) -> Result<Option<Variant>, ApiError> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(None) };
    let variants = door.app.ports.variants.list(door.waitlist.id).await?;
    Ok(variants.into_iter().find(|variant| variant.id.to_string() == id))
}

/// The variant that a form describes. Texts that do not fit are left out.
fn typed_variant(form: &Pairs, waitlist: &Waitlist, kept: Option<&Variant>, now: Timestamp) -> Variant {
    let texts = form.iter().filter_map(|(name, value)| Some((name.strip_prefix("copy.")?, value)));
    let copy: Map<String, Value> = texts.map(|(name, value)| (name.to_owned(), Value::from(value.clone()))).collect();
    Variant {
        id: kept.map_or_else(|| rally_domain::id::VariantId::new(rally_domain::uuid::Uuid::nil()), |kept| kept.id),
        waitlist_id: waitlist.id,
        kind: VariantKind::Ab,
        locale: Locale::english(),
        copy: VariantCopy::parse(copy).unwrap_or_default(),
        weight: Weight::default(),
        active: true,
        created_at: now,
    }
}

async fn render<P>(door: &OpenedList<P>, waitlist: Waitlist, variant: Option<Variant>) -> Result<HttpResponse, ApiError> {
    let WorkspaceSettings { brand, default_locale, .. } = door.app.ports.settings.get(door.workspace_id()).await?;
    let policy = policy(brand.logo_url.as_deref());
    let workspace_slug: Slug = door.admin.workspace.slug.clone();
    let waitlist = Waitlist { status: WaitlistStatus::Active, ..waitlist };
    let shown = PublicWaitlist { waitlist, workspace_slug, brand, default_locale, variants: Vec::new(), has_old_codes: false };
    let mut reply = preview_sign_up(&door.app, shown, variant.as_ref()).await?;
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(reply)
}

/// The origin of a logo.
pub(super) fn origin_of(logo: Option<&str>) -> Option<String> {
    let origin = logo.and_then(|logo| Url::parse(logo).ok()).map(|url| url.origin()).filter(Origin::is_tuple);
    origin.map(|origin| origin.ascii_serialization())
}

/// The policy of a preview, which may load the logo.
fn policy(logo: Option<&str>) -> String {
    origin_of(logo)
        .map_or_else(|| PAGE_PREVIEW.to_owned(), |origin| PAGE_PREVIEW.replace("img-src 'self'", &format!("img-src 'self' {origin}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_may_load_the_logo_and_nothing_else() {
        assert_eq!(policy(None), PAGE_PREVIEW);
        assert!(policy(Some("https://cdn.example/logo.svg?x")).contains("img-src 'self' https://cdn.example;"));
    }
}
