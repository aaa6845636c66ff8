//! The policy under which every page works.

use crate::brand::Brand;

/// Returns the value of `Content-Security-Policy` for a page of a brand. `frame_ancestors` are exact origins, and nobody frames the page
/// without any.
pub fn content_security_policy(brand: &Brand<'_>, frame_ancestors: &[&str]) -> String {
    let logo = brand.logo_origin().map(|origin| format!(" {origin}")).unwrap_or_default();
    let ancestors = if frame_ancestors.is_empty() { "'none'".to_owned() } else { frame_ancestors.join(" ") };
    format!(
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'{logo}; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}; require-trusted-types-for 'script'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logo_and_the_frames_are_all_that_changes() {
        let brand = Brand { logo_url: Some("https://cdn.example/logo.png"), ..Brand::default() };
        let policy = content_security_policy(&brand, &["https://a.example", "https://b.example"]);
        assert!(policy.contains("img-src 'self' https://cdn.example; "), "{policy}");
        assert!(policy.contains("frame-ancestors https://a.example https://b.example; "), "{policy}");
        assert!(content_security_policy(&Brand::default(), &[]).contains("img-src 'self'; "));
        assert!(content_security_policy(&Brand::default(), &[]).contains("frame-ancestors 'none'; "));
    }
}
