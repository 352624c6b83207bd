//! Responses to denied browsers and to scripts of other origins: `pages` and `cors` of `[deny]`.
//!
//! Every status that a denial can have gets a page, its own or a short one, so that no edge has to make any. Not
//! here: who gets which.

use std::collections::BTreeSet;

use tollgate_gate::config::{DenyAnswer, DenyConfig, DenyPage, MAX_PAGE_BYTES};
use tollgate_gate::public_text;
use tollgate_gate::sign_in::PAGE_PLACEHOLDERS;

use super::gate::UNAUTHORIZED;
use super::keys::named_file;
use super::origin::{is_origin, origin_help};
use crate::diagnostic::{Report, codes, shown};
use crate::document::{Table, Text};
use crate::source::SourceTree;

/// The statuses that every site has: for bad paths and bad methods. Failures inside have no page, because whatever
/// failed may be what pages are made with.
const ALWAYS: [u16; 2] = [400, 405];
/// The file that is suggested for a status.
const EXAMPLE: &str = "pages/403.html";

/// Reads `pages`: a page for every status, or none without the table.
pub(super) fn read(
    deny: Table<'_>,
    answers: &DenyConfig,
    sources: &SourceTree,
    report: &mut Report,
) -> Vec<DenyPage> {
    let Some(table) = deny.table("pages") else {
        return Vec::new();
    };
    let statuses = statuses(answers);
    let mut pages: Vec<DenyPage> = Vec::new();
    for (name, span, value) in table.entries() {
        let mut known = statuses.iter();
        let status = known.find(|status| status.to_string() == name);
        let Some(status) = status.copied() else {
            let known: Vec<String> = statuses.iter().map(u16::to_string).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let message = format!("no denial of this site has the status `{}`", shown(name));
            let finding = report.add(&codes::BAD_PAGE, span, message);
            finding.help(format!("its denials have {}", crate::keys::or_list(&known)));
            if name == "401" {
                finding.help("a redirect has no page; scripts get 401 with JSON instead");
            }
            continue;
        };
        let Some(file) = table.text_of(value) else {
            continue;
        };
        let Some(html) = document(&file, sources, report) else {
            continue;
        };
        let html = html.to_owned();
        pages.push(DenyPage { status, html });
    }
    for status in statuses {
        if !pages.iter().any(|page| page.status == status) {
            let html = short(status);
            pages.push(DenyPage { status, html });
        }
    }
    pages.sort_by_key(|page| page.status);
    pages
}

/// Reads `page` of `[sign_in]`; the outer `None` if it was reported.
pub(super) fn sign_in(
    table: Table<'_>,
    sources: &SourceTree,
    report: &mut Report,
) -> Option<Option<String>> {
    let Some(file) = table.text("page") else {
        return (!table.has("page")).then_some(None);
    };
    let html = document(&file, sources, report)?;
    let [title, text, link, _] = PAGE_PLACEHOLDERS;
    let missing = [title, text, link]
        .into_iter()
        .find(|name| !html.contains(name));
    if let Some(missing) = missing {
        let message = format!("`{}` does not contain `{missing}`", shown(file.value));
        report.add(&codes::BAD_PAGE, file.span, message).help(
            "write `{title}`, `{text}` and `{link}` where the page shows its heading, its text, and the link that goes on",
        );
        return None;
    }
    Some(Some(html.to_owned()))
}

/// Reads an HTML document; `None` if it was reported.
fn document<'s>(file: &Text<'_>, sources: &'s SourceTree, report: &mut Report) -> Option<&'s str> {
    if let Some((problem, help)) = name_fault(file.value) {
        report.add(&codes::BAD_PAGE, file.span, problem).help(help);
        return None;
    }
    let cure = format!("write an HTML document to `{}`", shown(file.value));
    let missing = (&codes::NO_PAGE, cure);
    let html = named_file(file, EXAMPLE, missing, sources, report)?;
    let html = html.strip_prefix('\u{feff}').unwrap_or(html);
    if let Some((problem, help)) = fault(html) {
        let message = format!("`{}` {problem}", shown(file.value));
        report.add(&codes::BAD_PAGE, file.span, message).help(help);
        return None;
    }
    Some(html)
}

/// The statuses that denials have. A redirect shows no page; where the gate signs users in, it sends 401 to everything that
/// is not a navigation of its own, such as a frame.
fn statuses(answers: &DenyConfig) -> BTreeSet<u16> {
    let DenyConfig {
        no_token,
        bad_token,
        forbidden,
        pages: _,
        cors: _,
    } = answers;
    let own = [no_token, bad_token, forbidden].into_iter();
    own.filter_map(|answer| match answer {
        DenyAnswer::Status(status) => Some(*status),
        DenyAnswer::SignIn(_) => Some(UNAUTHORIZED),
        DenyAnswer::Redirect(_) => None,
    })
    .chain(ALWAYS)
    .collect()
}

/// The problem with the name of a page, and its cure. Every client can read a page, so no other kind of file may become
/// one by mistake.
fn name_fault(name: &str) -> Option<(String, &'static str)> {
    if name.contains('<') {
        let problem = "the name of a file is expected, not HTML".to_owned();
        return Some((
            problem,
            "write the document to a file and name that: `pages/403.html`",
        ));
    }
    let is_html = [".html", ".htm"].iter().any(|end| name.ends_with(end));
    (!is_html && !name.is_empty()).then(|| {
        let problem = format!("`{}` is not the name of an HTML file", shown(name));
        (problem, "pages are public; their names end in `.html`")
    })
}

/// The problem with a page, and its help.
fn fault(html: &str) -> Option<(String, String)> {
    let lower = html.to_ascii_lowercase();
    if html.trim().is_empty() {
        let help = "write an HTML document, or leave the status out for a short page".to_owned();
        return Some(("is empty".to_owned(), help));
    }
    // A link may lead to a file of another kind.
    if !html.trim_start().starts_with('<') {
        let problem = "does not begin as HTML does".to_owned();
        return Some((problem, "begin with `<!doctype html>`".to_owned()));
    }
    if html.len() > MAX_PAGE_BYTES {
        let problem = format!(
            "has {} bytes; a page has at most {MAX_PAGE_BYTES}",
            html.len()
        );
        let help =
            "link images and styles from a public path of the site instead of embedding them";
        return Some((problem, help.to_owned()));
    }
    if lower.contains("<script") {
        let problem =
            "has a script, and the page is sent with a policy under which none runs".to_owned();
        return Some((problem, "leave the script out".to_owned()));
    }
    None
}

/// The page for a status without one of its own.
fn short(status: u16) -> String {
    let text = public_text(status).trim_end();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{text}</title>\n<style>body {{ font: 1.2em system-ui; max-width: 30em; margin: 20vh auto; padding: 0 1em }}</style>\n\
         <p>{text}</p>\n"
    )
}

/// Reads `cors`.
pub(super) fn cors(deny: Table<'_>, report: &mut Report) -> Vec<String> {
    let mut origins = Vec::new();
    for origin in deny.texts("cors") {
        if is_origin(origin.value) {
            origins.push(origin.value.to_owned());
            continue;
        }
        // The empty text was reported with the shape of the file.
        if origin.value.is_empty() {
            continue;
        }
        let message = format!(
            "`{}` is not an origin as browsers send it",
            shown(origin.value)
        );
        report
            .add(&codes::BAD_ORIGIN, origin.span, message)
            .help(origin_help(origin.value));
    }
    origins
}
