//! The `Accept` header, as a choice between a redirect and JSON.
//!
//! Not here: other media types. Malformed elements are ignored.

/// The weight of an element without `q`, in thousandths.
const FULL: u16 = 1_000;

/// One element of the header.
struct Element<'a> {
    media_type: &'a str,
    /// Its weight, in thousandths.
    weight: u16,
}

/// Whether the client prefers JSON: it names `application/json`, and nothing with a higher weight. Scripts
/// name it; browsers that follow a link do not.
pub(super) fn prefers_json<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let (mut json, mut other) = (0, 0);
    for element in lines.flat_map(|line| split(line, ',')).filter_map(read) {
        let best = if element.media_type.eq_ignore_ascii_case("application/json") {
            &mut json
        } else {
            &mut other
        };
        *best = element.weight.max(*best);
    }
    json > 0 && json >= other
}

/// Parses a media range with its weight; `None` if it is malformed.
fn read(element: &str) -> Option<Element<'_>> {
    let mut parts = split(element, ';').map(str::trim);
    let media_type = parts.next()?;
    let is_token = |text: &str| {
        let is_mark = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || is_mark(b))
    };
    let (kind, subtype) = media_type.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut weight = FULL;
    for parameter in parts.filter(|part| !part.is_empty()) {
        let (name, value) = parameter.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("q") {
            weight = thousandths(value.trim())?;
        }
    }
    Some(Element { media_type, weight })
}

/// Parses a weight: 0 or 1, with up to three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !are_digits {
        return None;
    }
    let weight = format!("{whole}{decimals:0<3}").parse().ok()?;
    (weight <= FULL).then_some(weight)
}

/// Splits at marks outside quoted strings.
fn split(text: &str, mark: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |c: char| {
        let was_escaped = core::mem::take(&mut is_escaped);
        match c {
            '\\' => is_escaped = is_quoted && !was_escaped,
            '"' if !was_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        c == mark && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_clients_that_prefer_it() {
        let table: &[(&[&str], bool)] = &[
            (&[], false),
            (&[""], false),
            (&["application/json"], true),
            (&[" Application/JSON ; charset=utf-8"], true),
            (&["application/json, text/plain, */*"], true),
            (&["text/plain, application/json"], true),
            (&["text/html", "application/json"], true),
            (&["text/html;q=0.5, application/json;q=0.9"], true),
            (&["text/html, application/json;q=0.9"], false),
            (&["*/*"], false),
            (&["application/*"], false),
            (
                &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
                false,
            ),
            // Names that only start with it.
            (&["application/jsonx"], false),
            (&["application/json-seq"], false),
            (&["application/json+x"], false),
            (&["application/jsonp, application/json;q=0"], false),
            // Weight 0, or malformed.
            (&["application/json;q=0"], false),
            (&["application/json; Q = 0.000"], false),
            (&["application/json;q=0.001"], true),
            (&["application/json;q=1.000"], true),
            (&["application/json;q=1.001"], false),
            (&["application/json;q=2"], false),
            (&["application/json;q=-1"], false),
            (&["application/json;q=0.0001"], false),
            (&["application/json;q="], false),
            (&["application/json;q"], false),
            (&["application/json;"], true),
            (&["application /json"], false),
            (&["application"], false),
            (&["text/html;x=\"application/json\""], false),
            (&["text/html;x=\", application/json"], false),
            (
                &["text/html;x=\"a\\\", application/json, \";q=0.1, application/json"],
                true,
            ),
            (&["q=1, application/json"], true),
        ];
        for (lines, expect) in table {
            assert_eq!(prefers_json(lines.iter().copied()), *expect, "{lines:?}");
        }
    }
}
