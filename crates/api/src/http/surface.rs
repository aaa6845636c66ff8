//! The surfaces of the server: who a path is for, and what its errors look like.

/// A surface, by the path of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The API for operators. Its replies must not be cached.
    Admin,
    /// Pages that a token in their path opens. Errors are HTML, and nobody may keep or list them.
    Link,
    /// The API of what a person's own link opens. Errors are JSON, and nobody may keep or list replies.
    /// The API that a token in the path opens. Nobody may keep or list its replies.
    Visitor,
    /// Everything else: errors are JSON.
    Other,
}

impl Surface {
    /// Returns the surface that a path belongs to.
    pub fn of(path: &str) -> Self {
        let first = path.strip_prefix('/').unwrap_or(path).split('/').next().unwrap_or_default();
        match first {
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
            ("/metrics", Surface::Other),
            ("/", Surface::Other),
            ("", Surface::Other),
        ] {
            assert_eq!(Surface::of(path), surface, "{path}");
        }
    }
}
