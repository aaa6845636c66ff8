//! The policies under which the console works.

/// The value of `Content-Security-Policy` for every page of the console. Only previews are framed, and they come from the same origin.
pub const CONSOLE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; \
                           form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// The value of `Content-Security-Policy` for the preview of a sign-up page. Nothing in it runs or can be sent. The origin of the brand's
/// logo is added to `img-src`.
pub const PAGE_PREVIEW: &str = "sandbox; default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; \
                                frame-ancestors 'self'";

/// The value of `Content-Security-Policy` for the preview of a mail. Mails have styles of their own, so these are allowed. The mail in the
/// frame has the same policy. Nothing in it runs or can be sent, and nothing but the style of the preview is loaded. The origin of the
/// brand's logo is added as `img-src`.
pub const MAIL_PREVIEW: &str = "sandbox; default-src 'none'; style-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'";
