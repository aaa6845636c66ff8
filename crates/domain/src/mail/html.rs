//! Links in the HTML of mail, as far as a reader can see them.

/// What is looked for in HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether an element `a` leads to the URL.
    pub(super) has_link: bool,
    /// Where the visible part ends: before the last `</body>`, if there is one.
    pub(super) end: usize,
}

/// Elements whose content has no tags.
const RAW: [&str; 8] = ["iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"];

/// Looks for a link to a URL. A URL in a comment, in a text or in another element is none.
pub(super) fn find(html: &str, url: &str) -> Found {
    let lower = html.to_ascii_lowercase();
    let (mut at, mut has_link, mut body) = (0, false, None);
    while let Some(start) = lower[at..].find('<').map(|found| at + found) {
        // What is not closed hides the rest.
        let hidden = |body: Option<usize>| Found { has_link, end: body.unwrap_or(start) };
        if lower[start..].starts_with("<!--") {
            // A browser ends a comment at `<!-->` too.
            let Some(end) = lower[start + 2..].find("-->") else { return hidden(body) };
            at = start + 2 + end + "-->".len();
            continue;
        }
        let inner = &lower[start + 1..];
        let is_closing = inner.starts_with('/');
        let name = &inner[usize::from(is_closing)..];
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            // What is no tag is a text, or a comment up to the next `>`.
            at = match inner.starts_with(['!', '?', '/']) {
                true => match inner.find('>') {
                    Some(end) => start + 1 + end + 1,
                    None => return hidden(body),
                },
                false => start + 1,
            };
            continue;
        }
        let Some(end) = end_of_tag(&html[start..]).map(|end| start + end) else { return hidden(body) };
        at = end;
        match name.split(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).next().unwrap_or_default() {
            "body" if is_closing => body = Some(start),
            _ if is_closing => {}
            "a" => has_link |= attribute(&html[start + 2..end - 1], "href").is_some_and(|href| decoded(href) == url),
            raw if RAW.contains(&raw) => match lower[end..].find(&format!("</{raw}")) {
                Some(closed) => at = end + closed,
                None => return hidden(body),
            },
            _ => {}
        }
    }
    Found { has_link, end: body.unwrap_or(html.len()) }
}

/// Returns where a tag ends, after its `>`. One in quotation marks does not end it.
fn end_of_tag(tag: &str) -> Option<usize> {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at + 1),
            // A quotation mark inside of a name or of an unquoted value is a character like others.
            (None, '"' | '\'') if before == '=' => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => {}
        }
        if !c.is_ascii_whitespace() || quote.is_some() {
            before = c;
        }
    }
    None
}

/// Returns the value of an attribute: the first of its name, as browsers take it.
fn attribute<'a>(tag: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let length = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '/')).unwrap_or(rest.len());
        // A name may begin with `=`.
        let (name, after) = rest.split_at(length.max(rest.chars().next().map_or(0, char::len_utf8)));
        let after = after.trim_ascii_start();
        let mut value = "";
        rest = after;
        if let Some(after) = after.strip_prefix('=') {
            let after = after.trim_ascii_start();
            (value, rest) = match after.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                None => after.split_at(after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len())),
            };
        }
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
    }
}

fn decoded(value: &str) -> String {
    value.trim().replace("&#38;", "&").replace("&#x26;", "&").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://rally.example/unsubscribe/abc?a=1&b=2";

    #[test]
    fn only_an_element_that_leads_to_the_url_is_a_link() {
        let escaped = URL.replace('&', "&amp;");
        for link in [
            format!("<p><a href=\"{URL}\">x</a></p>"),
            format!("<A\n class='x>' HREF = '{escaped}' >x</A>"),
            format!("<a href={escaped}>x</a>"),
            format!("<a/href=\" {escaped} \">x</a>"),
            format!("<!-- --><a title=\"a > b\" href=\"{escaped}\">x</a>"),
            format!("<!--><a href=\"{escaped}\">x</a>"),
            format!("<style>a > b {{}}</style><a href=\"{escaped}\">x</a><!--"),
            format!("a < b <a data-href=\"x\" download href=\"{escaped}\">x</a>"),
        ] {
            assert!(find(&link, URL).has_link, "{link}");
        }
        for other in [
            String::new(),
            escaped.clone(),
            format!("<!-- <a href=\"{escaped}\">x</a> -->"),
            format!("<!-- <a href=\"{escaped}\">x</a>"),
            format!("<p title=\"<a href='{escaped}'>\">x</p>"),
            format!("<title><a href=\"{escaped}\">x</a></title>"),
            format!("<style>/* <a href=\"{escaped}\">x</a> */"),
            format!("<link href=\"{escaped}\"><img src=\"{escaped}\">"),
            format!("<a href=\"{escaped}x\">x</a><a href=\"x{escaped}\">x</a>"),
            format!("<a href=\"https://x.example\" href=\"{escaped}\">x</a>"),
            format!("<a data-href=\"{escaped}\">x</a><a title=\"href={escaped}\">x</a>"),
            format!("<a href=\"{escaped}"),
            format!("<abbr href=\"{escaped}\">x</abbr><a-x href=\"{escaped}\">x</a-x></a href=\"{escaped}\">"),
            "<".repeat(1 << 20),
            format!("<? <a href=\"{escaped}\"></ <a href=\"{escaped}\"><! <a href=\"{escaped}\">"),
        ] {
            assert!(!find(&other, URL).has_link, "{other}");
        }
    }

    #[test]
    fn the_end_is_where_a_reader_still_sees_it() {
        for (seen, hidden) in [
            ("<p>a</p>", ""),
            ("<html><body><p>a</p>", "</BODY></html>"),
            ("<body>a", "</body><!-- </body> -->"),
            ("<p>a</p>", "<!-- open <p>b</p>"),
            ("<p>a</p>", "<style>p {}"),
            ("<p>a</p>", "<p title=\"b"),
            ("<!-- </body> --><p>ä</p>", "</body >"),
        ] {
            assert_eq!(find(&format!("{seen}{hidden}"), URL).end, seen.len(), "{seen}|{hidden}");
        }
    }
}
