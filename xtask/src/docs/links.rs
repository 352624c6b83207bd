//! The links of the built site: every page and every anchor that a page names exists, and nothing is loaded from
//! another site.
//!
//! Reads what mdBook writes, which has one form; not HTML in general.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::repo;

/// Anchors that browsers make global variables of these names, which scripts of mdBook take for a module system.
const TAKEN: [&str; 2] = ["exports", "module"];
/// A block of Rust that mdBook's script wants to run elsewhere.
const PLAYGROUND: &str = "class=\"playground\"";

/// One page: the links in it, and its anchors.
struct Page {
    links: Vec<String>,
    loaded: Vec<String>,
    anchors: BTreeSet<String>,
    has_playground: bool,
}

/// Checks the site; returns the number of links, and the problems.
pub(super) fn check(site: &Path) -> Result<(usize, Vec<String>)> {
    let mut pages = BTreeMap::new();
    collect(site, &mut pages)?;
    let mut problems = Vec::new();
    let mut count = 0;
    for (path, page) in &pages {
        let shown = path.strip_prefix(site).unwrap_or(path).display();
        // The address of an error page is that of the missing page.
        if path.ends_with("404.html") {
            continue;
        }
        for name in TAKEN.iter().filter(|name| page.anchors.contains(**name)) {
            problems.push(format!(
                "{shown}: the heading `{name}` stops the page's scripts: write another one"
            ));
        }
        if page.has_playground {
            problems.push(format!(
                "{shown}: sends requests to another site for its Rust blocks"
            ));
        }
        for address in &page.loaded {
            if is_outside(address) {
                problems.push(format!("{shown}: loads `{address}` from another site"));
            }
        }
        let links = page.links.iter().chain(&page.loaded);
        for link in links.filter(|link| !is_outside(link)) {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file.is_empty() {
                true => path.clone(),
                false => normal(&path.with_file_name(file)),
            };
            match pages.get(&target) {
                Some(page) if anchor.is_empty() || page.anchors.contains(anchor) => {}
                Some(_) => problems.push(format!("{shown}: no heading for `{link}`")),
                None if target.is_file() => {}
                None => problems.push(format!("{shown}: no page for `{link}`")),
            }
        }
    }
    Ok((count, problems))
}

fn is_outside(address: &str) -> bool {
    ["https:", "http:", "mailto:", "//", "data:"]
        .iter()
        .any(|start| address.starts_with(start))
}

fn collect(folder: &Path, pages: &mut BTreeMap<PathBuf, Page>) -> Result<()> {
    for path in repo::entries(folder)? {
        if path.is_dir() {
            collect(&path, pages)?;
        } else if path.extension().is_some_and(|end| end == "html") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", repo::shown(&path)))?;
            pages.insert(path, page(&text));
        }
    }
    Ok(())
}

fn page(html: &str) -> Page {
    let mut page = Page {
        links: Vec::new(),
        loaded: Vec::new(),
        anchors: BTreeSet::new(),
        has_playground: html.contains(PLAYGROUND),
    };
    for tag in html.split('<').skip(1) {
        let name = tag.split([' ', '>', '\n']).next().unwrap_or_default();
        let tag = tag.split('>').next().unwrap_or_default();
        page.anchors.extend(attribute(tag, "id"));
        let address = attribute(tag, "href").or_else(|| attribute(tag, "src"));
        let Some(address) = address else { continue };
        match name {
            "a" => page.links.push(address),
            _ => page.loaded.push(address),
        }
    }
    page
}

/// The value of an attribute in a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&amp;", "&").replace("%20", " "))
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        if part.as_os_str() == ".." {
            normal.pop();
        } else {
            normal.push(part);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_links_and_foreign_scripts_are_found() {
        let folder = std::env::temp_dir().join(format!("links-{}", std::process::id()));
        fs::create_dir_all(folder.join("in")).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write(
            "a.html",
            "<h1 id=\"x\"></h1><h2 id=\"exports\"></h2><a href=\"in/b.html#y\"><a href=\"#x\"><a class=\"k\" href=\"in/b.html#n\">",
        );
        write(
            "in/b.html",
            "<p id=\"y\"><a href=\"../a.html\"><a href=\"c.html\"><script src=\"https://cdn.example/x.js\"><pre class=\"playground\">",
        );
        let (count, problems) = check(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(count, 5);
        assert_eq!(
            problems,
            [
                "a.html: the heading `exports` stops the page's scripts: write another one",
                "a.html: no heading for `in/b.html#n`",
                "in/b.html: sends requests to another site for its Rust blocks",
                "in/b.html: loads `https://cdn.example/x.js` from another site",
                "in/b.html: no page for `c.html`",
            ]
        );
    }
}
