//! The surfaces of the server: who a path is for, and what its errors look like.

/// A surface, by the path of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The API for operators. Its replies must not be cached.
    Admin,
    /// The pages of the console. Errors are HTML, and nobody may keep or list them.
    Console,
    /// Pages that a token in their path opens. Errors are HTML, and nobody may keep or list them.
    Link,
    /// Other pages for people. Errors are HTML, and the page tells other origins nothing but its own origin.
    Page,
    /// The API that a token in the path opens. Nobody may keep or list its replies.
    Visitor,
    /// The pages that show the API. Their errors are JSON.
    Documentation,
    /// Everything else: errors are JSON.
    Other,
}

impl Surface {
    /// Whether people see its replies, so that errors are pages.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Console | Self::Link | Self::Page)
    }

    /// Returns the surface that a path belongs to, as the router reads it: `%63onsole` is `console` (RFC 3986, section 6.2.2.2).
    pub fn of(path: &str) -> Self {
        let first = path.strip_prefix('/').unwrap_or(path).split('/').next().unwrap_or_default();
        match first {
            // The widget of another site reads this one.
            "w" if path.ends_with("/widget.json") => Self::Other,
            "" if path.len() < 2 => Self::Page,
            "w" => Self::Page,
            "console" => Self::Console,
            "docs" => Self::Documentation,
            "me" | "unsubscribe" | "confirm" => Self::Link,
            "v1" if path.starts_with("/v1/workspaces") => Self::Admin,
            "v1" if path.starts_with("/v1/me/") || path.starts_with("/v1/confirmations/") => Self::Visitor,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_one_surface() {
        for (path, surface) in [
            ("/v1/workspaces/acme/waitlists", Surface::Admin),
            ("/v1/waitlists/acme/early", Surface::Other),
            ("/me/token", Surface::Link),
            ("/v1/me/token", Surface::Visitor),
            ("/v1/me/token/export", Surface::Visitor),
            ("/v1/confirmations/token", Surface::Visitor),
            ("/confirm/token/refuse", Surface::Link),
            ("/v1/meet", Surface::Other),
            ("/unsubscribe/token", Surface::Link),
            ("/unsubscribe", Surface::Link),
            ("/console", Surface::Console),
            ("/docs/", Surface::Documentation),
            ("/docs-json", Surface::Other),
            ("/console/w/acme", Surface::Console),
            ("/metrics", Surface::Other),
            ("//v1/workspaces/acme", Surface::Other),
            ("/", Surface::Page),
            ("", Surface::Page),
            ("/w", Surface::Page),
            ("/w/acme/early", Surface::Page),
            ("/w/acme/early/lost-link", Surface::Page),
            ("/w/acme/early/widget.json", Surface::Other),
            ("/widget.js", Surface::Other),
            ("/assets/style.css", Surface::Other),
        ] {
            assert_eq!(Surface::of(path), surface, "{path}");
        }
    }
}
