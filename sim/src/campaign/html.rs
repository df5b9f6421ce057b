//! Pieces of a page: nothing gets into it unescaped.

use std::fmt::{Display, Write};

/// Text that is HTML already.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Html(pub(super) String);

/// Text as HTML.
pub(super) fn text(text: impl Display) -> Html {
    let mut escaped = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\n' | '\t' => escaped.push(c),
            // No page may hold these, however they are written.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    Html(escaped)
}

/// An element around something.
pub(super) fn element(name: &str, content: &Html) -> Html {
    Html(format!("<{name}>{}</{name}>", content.0))
}

/// A paragraph of text.
pub(super) fn paragraph(words: impl Display) -> Html {
    element("p", &text(words))
}

/// Several pieces, one after the other.
pub(super) fn join(pieces: impl IntoIterator<Item = Html>) -> Html {
    Html(pieces.into_iter().map(|piece| piece.0).collect::<Vec<_>>().join("\n"))
}

/// A table whose rows begin with their names. It can be reached and scrolled with the keyboard.
pub(super) fn table(caption: &str, heads: &[&str], rows: impl IntoIterator<Item = Vec<Html>>) -> Html {
    let mut body = String::new();
    for row in rows {
        let mut cells = row.into_iter();
        let name = cells.next().unwrap_or_default();
        let _ = write!(body, "<tr><th scope=\"row\">{}</th>", name.0);
        cells.for_each(|cell| body += &element("td", &cell).0);
        body += "</tr>\n";
    }
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{}</th>", text(head).0)).collect();
    let caption = text(caption).0;
    Html(format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">\n<table>\n\
         <caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>"
    ))
}

/// A template with its places `{{name}}` filled. Each place has to be given and each that is given has to be there.
pub(super) fn fill(template: &str, places: &[(&str, Html)]) -> String {
    let mut page = String::new();
    let mut used = Vec::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (name, behind) = behind.split_once("}}").expect("invariant: a place in the template ends");
        let found = places.iter().find(|(known, _)| *known == name);
        let (_, html) = found.unwrap_or_else(|| panic!("invariant: {name} is given"));
        page += before;
        page += &html.0;
        used.push(name);
        rest = behind;
    }
    assert!(places.iter().all(|(name, _)| used.contains(name)), "invariant: each place is in the template");
    page + rest
}
