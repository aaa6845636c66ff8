//! The policy under which every page works.

use rally_domain::web_origin::WebOrigin;

use crate::brand::Brand;

/// Returns the value of `Content-Security-Policy` for a page of a brand. Pages of the origins `framers` may frame it. Without any, nobody
/// may. Its forms may also lead to the origin of links, because the page may be open under another name of the server.
pub fn content_security_policy(brand: &Brand<'_>, framers: &[WebOrigin], origin: Option<&str>) -> String {
    let logo = brand.logo_origin().map(|origin| format!(" {origin}")).unwrap_or_default();
    let framers: Vec<&str> = framers.iter().map(WebOrigin::as_str).collect();
    let ancestors = if framers.is_empty() { "'none'".to_owned() } else { framers.join(" ") };
    let origin = origin.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'{logo}; connect-src 'self'; \
         form-action 'self'{origin}; base-uri 'none'; frame-ancestors {ancestors}; require-trusted-types-for 'script'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logo_and_the_frames_are_all_that_changes() {
        let brand = Brand { logo_url: Some("https://cdn.example/logo.png"), ..Brand::default() };
        let framers = ["https://a.example", "https://b.example"].map(|origin| WebOrigin::parse(origin).unwrap());
        let policy = content_security_policy(&brand, &framers, Some("https://rally.example"));
        assert!(policy.contains("img-src 'self' https://cdn.example; "), "{policy}");
        assert!(policy.contains("frame-ancestors https://a.example https://b.example; "), "{policy}");
        assert!(policy.contains("form-action 'self' https://rally.example; "), "{policy}");
        let plain = content_security_policy(&Brand::default(), &[], None);
        for part in ["img-src 'self'; ", "form-action 'self'; ", "frame-ancestors 'none'; "] {
            assert!(plain.contains(part), "{plain}");
        }
    }
}
