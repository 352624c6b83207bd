//! The clients that receive the denials of a random site: pages and `cors` in its policy, and the headers by
//! which browsers and scripts identify themselves in its requests.
//!
//! Not here: the targets of requests, and their tokens.

/// Every n-th site distinguishes readers; the others keep generated functions small.
const EVERY: u64 = 5;

/// Policy settings with readers: pages for some statuses, origins, or both.
const TABLES: [&str; 3] = [
    "\n[deny]\nforbidden = { status = 404 }\npages = { 404 = \"404.html\" }\n",
    "\n[deny]\nno_token = { redirect = \"/sign-in\" }\ncors = [\"https://app.test\", \"http://localhost:3000\"]\n",
    "\n[deny]\nbad_token = { redirect = \"https://id.test/login\" }\ncors = [\"https://app.test\"]\n\
     pages = { 401 = \"404.html\" }\n",
];

/// Headers by which requests identify their readers.
const SAID: [&[(&str, &str)]; 12] = [
    &[],
    &[("accept", "text/html,application/xhtml+xml")],
    &[("sec-fetch-mode", "navigate"), ("accept", "*/*")],
    &[
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        ("origin", "https://app.test"),
    ],
    &[
        ("accept", "application/json"),
        ("origin", "http://localhost:3000"),
    ],
    &[
        ("origin", "https://app.test"),
        ("access-control-request-method", "PUT"),
    ],
    &[
        ("origin", "https://app.test"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization, x-trace"),
    ],
    &[
        ("origin", "https://app.test.evil"),
        ("access-control-request-method", "GET"),
    ],
    &[
        ("origin", "https://app.test"),
        ("access-control-request-method", "G T"),
    ],
    &[
        ("origin", "https://app.test"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "a\u{7f}b"),
    ],
    &[
        ("accept", "image/avif"),
        ("accept", "text/html"),
        ("sec-fetch-mode", "no-cors"),
    ],
    &[
        ("origin", "null"),
        ("accept", "text/html"),
        ("accept", "application/json"),
    ],
];

/// Adds the reader settings of a seed to the policy; returns whether there are any.
pub(super) fn add(seed: u64, files: &mut Vec<(String, String)>) -> bool {
    if seed % EVERY != EVERY - 1 {
        return false;
    }
    let mut tables = TABLES.iter().cycle();
    let turn = usize::try_from(seed / EVERY).unwrap_or_default() % TABLES.len();
    let Some(table) = tables.nth(turn) else {
        return false;
    };
    for (name, site) in files.iter_mut() {
        if name == "site.toml" {
            site.push_str(table);
        }
    }
    let page = format!("<!doctype html><title>No</title><p>{seed} \u{e9}\u{1f512}</p>");
    files.push(("404.html".to_owned(), page));
    true
}

/// Returns the header fields of a request by its number.
pub(super) fn said(number: usize) -> &'static [(&'static str, &'static str)] {
    SAID.iter()
        .cycle()
        .nth(number % SAID.len())
        .copied()
        .unwrap_or_default()
}
