//! The source of the site: the pages that `docs/SUMMARY.md` lists, wherever they are in the repository, in one
//! directory in which mdBook finds them.
//!
//! Links between pages are rewritten to their new places. A link to a file that is not a page becomes its name,
//! because readers of the site have no repository. Not here: the check of the built site, see `links`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use super::markdown::{Part, joined, parts};
use crate::{repo, shell};

/// The settings and the style of the site, copied as they are.
const COPIED: [&str; 2] = ["book.toml", "theme/site.css"];

/// The pages: the path in the repository, and the path in the book.
type Pages = BTreeMap<PathBuf, PathBuf>;

/// Writes the source of the site to `staged`; returns the problems of the pages.
pub(super) fn stage(root: &Path, staged: &Path) -> Result<Vec<String>> {
    let docs = root.join("docs");
    let summary = read(&docs.join("SUMMARY.md"))?;
    let mut problems = Vec::new();
    let pages = pages(&summary);
    for name in COPIED {
        write(&staged.join(name), &read(&docs.join(name))?)?;
    }
    let source = staged.join("src");
    let list = rewritten(
        root,
        &pages,
        Path::new("docs/SUMMARY.md"),
        &summary,
        &mut problems,
    );
    write(&source.join("SUMMARY.md"), &list)?;
    for (path, place) in &pages {
        let file = root.join(path);
        if !file.is_file() {
            problems.push(format!(
                "docs/SUMMARY.md lists {}, which does not exist: write it, or remove the line",
                path.display()
            ));
            continue;
        }
        let text = with_includes(root, path, &read(&file)?, &mut problems);
        let text = rewritten(root, &pages, path, &text, &mut problems);
        write(&source.join(place), &text)?;
    }
    // The links of other Markdown files are checked as well, up to their anchors.
    for path in others(&pages)? {
        let text = read(&root.join(&path))?;
        rewritten(root, &pages, &path, &text, &mut problems);
    }
    for path in unlisted(root, &docs, &pages)? {
        problems.push(format!(
            "{0} is in no chapter: add `- [Title]({1})` to docs/SUMMARY.md",
            path.display(),
            path.strip_prefix("docs").unwrap_or(&path).display()
        ));
    }
    Ok(problems)
}

/// The pages that the summary lists.
fn pages(summary: &str) -> Pages {
    let links = parts(summary).into_iter().filter_map(|part| match part {
        Part::Link { target, .. } if !target.is_empty() => Some(target),
        Part::Link { .. } | Part::Text(_) => None,
    });
    links
        .filter_map(|target| {
            let path = resolved(Path::new("docs"), target)?;
            let mut place = path.strip_prefix("docs").unwrap_or(&path).to_owned();
            // mdBook would rename the page, but not the links to it.
            if place.ends_with("README.md") {
                place.set_file_name("index.md");
            }
            Some((path, place))
        })
        .collect()
}

/// The Markdown files of the repository that are not pages.
fn others(pages: &Pages) -> Result<Vec<PathBuf>> {
    let mut list = shell::tool("git", ["ls-files", "-z", "--cached", "--others"]);
    list.args(["--exclude-standard", "--", "*.md"]);
    let names = shell::must(&mut list, |_| ())?;
    let paths = names.split('\0').map(PathBuf::from);
    Ok(paths
        .filter(|path| !pages.contains_key(path) && !path.ends_with("SUMMARY.md"))
        .filter(|path| repo::root().join(path).is_file())
        .collect())
}

/// The pages in `docs` that the summary does not list.
fn unlisted(root: &Path, folder: &Path, pages: &Pages) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in repo::entries(folder)? {
        let path = entry.strip_prefix(root).unwrap_or(&entry).to_owned();
        if entry.is_dir() {
            found.extend(unlisted(root, &entry, pages)?);
        } else if path.extension().is_some_and(|end| end == "md")
            && !path.ends_with("SUMMARY.md")
            && !pages.contains_key(&path)
        {
            found.push(path);
        }
    }
    Ok(found)
}

/// The path of a link's target in the repository; `None` if it leads out of it.
fn resolved(folder: &Path, target: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in folder.join(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// The relative path from a page to another.
fn between(from: &Path, to: &Path) -> String {
    let from: Vec<_> = from
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .collect();
    let to: Vec<_> = to.components().collect();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(common).map(|_| "..".to_owned());
    let down = to.iter().skip(common);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// The page with the targets of its links in the book.
fn rewritten(
    root: &Path,
    pages: &Pages,
    page: &Path,
    text: &str,
    problems: &mut Vec<String>,
) -> String {
    let folder = page.parent().unwrap_or(Path::new(""));
    let place = pages.get(page).cloned().unwrap_or_default();
    let mut written = String::with_capacity(text.len());
    let text = joined(text);
    for part in parts(&text) {
        let (text, target) = match part {
            Part::Text(text) => {
                written.push_str(text);
                continue;
            }
            Part::Link { text, target } => (text, target),
        };
        let target = target.trim();
        let (path, anchor) = match target.split_once('#') {
            Some((path, anchor)) => (path, format!("#{anchor}")),
            None => (target, String::new()),
        };
        if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
            written.push_str(&format!("[{text}]({target})"));
            continue;
        }
        let found = resolved(folder, path);
        // A directory stands for its page.
        let listed = found.as_ref().and_then(|found| {
            let inner = found.join("README.md");
            pages.get(found).or_else(|| pages.get(&inner))
        });
        match (listed, found) {
            (Some(to), _) => {
                written.push_str(&format!("[{text}]({}{anchor})", between(&place, to)));
            }
            (None, Some(found)) if root.join(&found).exists() => {
                written.push_str(&named(text, &found));
            }
            _ => problems.push(format!("{}: broken link: `{target}`", page.display())),
        }
    }
    written
}

/// The text of a link to a file that is not in the book.
fn named(text: &str, path: &Path) -> String {
    let path = path.display().to_string();
    let last = path.rsplit('/').next().unwrap_or(&path);
    if text.contains(last) || text.starts_with('`') {
        text.to_owned()
    } else {
        format!("{text} (`{path}`)")
    }
}

/// The page with the files that it includes, each on a line of its own: `{{#include FILE}}`.
fn with_includes(root: &Path, page: &Path, text: &str, problems: &mut Vec<String>) -> String {
    let folder = page.parent().unwrap_or(Path::new(""));
    let mut written = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let name = line
            .trim()
            .strip_prefix("{{#include ")
            .and_then(|rest| rest.strip_suffix("}}"));
        let Some(name) = name else {
            written.push_str(line);
            continue;
        };
        let file = resolved(folder, name).map(|path| root.join(path));
        match file.and_then(|file| fs::read_to_string(file).ok()) {
            Some(text) => {
                written.push_str(text.trim_end());
                written.push('\n');
            }
            None => problems.push(format!(
                "{}: the included file `{name}` does not exist",
                page.display()
            )),
        }
    }
    written
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", repo::shown(path)))
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", repo::shown(folder)))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", repo::shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_new_places() {
        let summary = "- [A](a.md)\n- [B](in/b.md)\n- [P](../policy/README.md)\n- [Later]()\n";
        let pages = pages(summary);
        let places: Vec<_> = pages
            .values()
            .map(|path| path.display().to_string())
            .collect();
        assert_eq!(places, ["a.md", "in/b.md", "policy/index.md"]);
        let root = repo::root();
        let mut problems = Vec::new();
        let mut page =
            |path: &str, text: &str| rewritten(&root, &pages, Path::new(path), text, &mut problems);
        for (path, text, expected) in [
            (
                "docs/a.md",
                "[p](../policy/README.md#x)",
                "[p](policy/index.md#x)",
            ),
            (
                "docs/in/b.md",
                "[p](../../policy)",
                "[p](../policy/index.md)",
            ),
            ("policy/README.md", "[a](../docs/a.md)", "[a](../a.md)"),
            (
                "docs/a.md",
                "[the file](../Cargo.toml)",
                "the file (`Cargo.toml`)",
            ),
            ("docs/a.md", "[`Cargo.toml`](../Cargo.toml)", "`Cargo.toml`"),
            (
                "docs/a.md",
                "[x](https://a.example) [y](#z)",
                "[x](https://a.example) [y](#z)",
            ),
            ("docs/a.md", "[x](missing.md)", ""),
            ("docs/a.md", "[x](../../outside.md)", ""),
        ] {
            assert_eq!(page(path, text), expected);
        }
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}
