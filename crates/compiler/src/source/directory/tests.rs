//! The same entries on disk and in a list lead to the same files, and never out.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use super::*;
use crate::SourceTree;

/// Entries in memory: their contents, directories without any.
struct Listed(BTreeMap<String, (Node, Vec<u8>)>);

impl Directory for Listed {
    fn node(&self, path: &str) -> io::Result<Node> {
        let node = self.0.get(path).map(|(node, _)| node.clone());
        node.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn entries(&self, path: &str, most: usize) -> io::Result<Vec<EntryName>> {
        match self.node(path)? {
            Node::Directory => {}
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        }
        let parent = |name: &str| name.rsplit_once('/').map_or("", |(parent, _)| parent).len();
        let names = self.0.keys().filter(|name| {
            let parent = parent(name);
            !name.is_empty() && name.get(..parent) == Some(path)
        });
        let names = names.map(|name| name.rsplit('/').next().unwrap().to_owned());
        Ok(names.map(EntryName::Text).take(most).collect())
    }

    fn read(&self, path: &str, most: usize) -> io::Result<Vec<u8>> {
        let bytes = self.0.get(path).unwrap().1.iter();
        Ok(bytes.take(most).copied().collect())
    }
}

/// A tree in both forms. The one on disk is removed at the end.
struct Both {
    at: PathBuf,
    disk: OnDisk,
    list: Listed,
}

impl Drop for Both {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.at);
    }
}

impl Both {
    fn new(name: &str) -> Self {
        let at = std::env::temp_dir().join(format!("tollgate-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&at);
        let root = at.join("policy");
        fs::create_dir_all(&root).unwrap();
        fs::write(at.join("outside.toml"), "outside").unwrap();
        let root_entry = (String::new(), (Node::Directory, Vec::new()));
        Self {
            disk: OnDisk::open(&root).unwrap(),
            at,
            list: Listed(BTreeMap::from([root_entry])),
        }
    }

    fn add(&mut self, path: &str, node: Node, text: &str) {
        let on_disk = self.at.join("policy").join(path);
        match &node {
            Node::File => fs::write(on_disk, text).unwrap(),
            Node::Directory => fs::create_dir(on_disk).unwrap(),
            Node::Link(target) => symlink(target, on_disk).unwrap(),
            Node::Other => {}
        }
        self.list
            .0
            .insert(path.to_owned(), (node, text.as_bytes().to_vec()));
    }

    fn link(&mut self, path: &str, target: &str) {
        self.add(path, Node::Link(target.to_owned()), "");
    }
}

fn shown(found: Result<(String, Node), Fault>) -> String {
    match found {
        Ok((path, node)) => format!("{path} {node:?}"),
        Err(Fault::Io(error)) => format!("{:?}", error.kind()),
        Err(fault) => format!("{fault:?}"),
    }
}

#[test]
fn links_are_resolved_identically() {
    let mut both = Both::new("links");
    for folder in ["courses", "shared", "shared/deep"] {
        both.add(folder, Node::Directory, "");
    }
    both.add("shared/a.src", Node::File, "a");
    let absolute = both.at.join("policy/shared/a.src");
    for (path, target, expect) in [
        ("1", "shared/a.src", "shared/a.src File"),
        ("courses/2", "../shared/a.src", "shared/a.src File"),
        ("courses/3", "../shared/deep/../a.src", "shared/a.src File"),
        ("courses/4", "./.././shared//a.src", "shared/a.src File"),
        ("5", "1", "shared/a.src File"),
        ("6", "shared/deep", "shared/deep Directory"),
        ("courses/7", "..", " Directory"),
        ("8", "nothing", "Dangling"),
        ("9", "8", "Dangling"),
        ("10", "../outside.toml", "Outside"),
        ("courses/11", "../../outside.toml", "Outside"),
        ("courses/12", "../10", "Outside"),
        // They lead out and in again: where to depends on the name of the directory, or on the machine.
        ("13", "../policy/shared/a.src", "Outside"),
        ("14", absolute.to_str().unwrap(), "Outside"),
        ("15", "/", "Outside"),
        ("16", "16", "Other"),
        ("17", "shared/a.src/", "NotADirectory"),
        ("18", "shared/a.src/../../1", "NotADirectory"),
    ] {
        both.link(path, target);
        let found = [resolve(&both.disk, path), resolve(&both.list, path)];
        let found = found.map(shown);
        assert_eq!(found, [expect, expect], "{path} -> {target}");
    }
    for (path, expect) in [
        ("6/../a.src", "shared/a.src File"),
        ("missing", "Missing"),
        ("shared/missing", "Missing"),
        ("8/x", "Dangling"),
        ("shared/a.src/x", "NotADirectory"),
        ("10/x", "Outside"),
    ] {
        let found = [resolve(&both.disk, path), resolve(&both.list, path)];
        assert_eq!(found.map(shown), [expect, expect], "{path}");
    }
}

#[test]
fn the_same_entries_are_the_same_policy() {
    let mut both = Both::new("policy");
    both.add("courses", Node::Directory, "");
    both.add("courses/old.d", Node::Directory, "");
    both.add("shared", Node::Directory, "");
    for (path, text) in [
        ("site.toml", "schema = 1\n[site]\nname = \"x\"\n"),
        ("courses/a.toml", "course = \"a\"\nbase = \"/a\"\n"),
        ("courses/a.test.toml", ""),
        ("courses/b.TOML", ""),
        ("courses/c.yaml", ""),
        ("courses/z.src", "course = \"z\"\nbase = \"/z\"\n"),
        ("shared/y.toml", "course = \"y\"\nbase = \"/y\"\n"),
    ] {
        both.add(path, Node::File, text);
    }
    for (path, target) in [
        ("courses/d.toml", "nothing"),
        ("courses/e.toml", "../../outside.toml"),
        ("courses/f.toml", "old.d"),
        ("courses/y.toml", "../shared/y.toml"),
        ("courses/z.toml", "z.src"),
    ] {
        both.link(path, target);
    }
    let read = |directory: &dyn Directory| {
        let tree = SourceTree::read_from(directory);
        let texts: Vec<String> = tree.files().map(|(name, _)| name.to_owned()).collect();
        let diagnostics = tree.diagnostics().iter();
        let diagnostics: Vec<String> = diagnostics
            .map(|found| format!("{} {} {}", found.file, found.code.id, found.message))
            .collect();
        let unread: Vec<String> = tree.unread.iter().cloned().collect();
        (texts, diagnostics, unread)
    };
    let (texts, diagnostics, unread) = read(&both.disk);
    assert_eq!(
        (texts.clone(), diagnostics.clone(), unread.clone()),
        read(&both.list),
        "disk and list"
    );
    assert_eq!(
        texts,
        [
            "courses/a.toml",
            "courses/y.toml",
            "courses/z.toml",
            "site.toml"
        ]
    );
    // Whatever was not read was reported, or is noted as TOML that is not read.
    assert_eq!(
        unread,
        ["courses/a.test.toml", "courses/b.TOML"],
        "{diagnostics:#?}"
    );
    assert_eq!(diagnostics.len(), 6, "{diagnostics:#?}");
}
