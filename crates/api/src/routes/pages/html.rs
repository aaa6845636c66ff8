//! The frame of a page.

use std::fmt::{self, Display};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;

/// A text of a person or an operator, safe inside HTML text and quoted attributes.
pub(super) struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => write!(f, "{c}"),
        })
    }
}

/// Renders a page. The body is HTML.
pub(super) fn page(status: StatusCode, title: &str, body: impl Display) -> HttpResponse {
    let title = Escaped(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    HttpResponse::build(status).content_type(ContentType::html()).body(html)
}

/// Renders the page of an error.
pub fn error_page(status: StatusCode) -> HttpResponse {
    let (title, words) = match status {
        StatusCode::NOT_FOUND => ("This link does not work", "It is not complete, or it has ended. Open the newest mail that you have."),
        StatusCode::GONE => ("This link has expired", "It was used, or its time is over. Sign up again."),
        StatusCode::UNPROCESSABLE_ENTITY => {
            ("The list takes nobody now", "It is full or closed. Your sign-up goes on waiting: open the link again later.")
        }
        StatusCode::CONFLICT => ("That is done already", "The address is on the list. Open the newest mail that you have."),
        StatusCode::METHOD_NOT_ALLOWED => ("This page does not take that", "Open the link again."),
        StatusCode::TOO_MANY_REQUESTS => ("That was too often", "Wait a minute, and open the link again."),
        status if status.is_server_error() => ("The page cannot be shown now", "Try again in a moment. Nothing was lost."),
        _ => ("That did not work", "Open the link again."),
    };
    page(status, title, format_args!("<p>{words}</p>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "<script>alert(\"1\" & '2')</script>";
        assert_eq!(Escaped(hostile).to_string(), "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
    }
}
