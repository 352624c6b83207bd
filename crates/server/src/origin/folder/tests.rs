//! Targets against a real directory, as if the gate had allowed all of them.

use std::fs;
use std::path::PathBuf;

use http::{HeaderMap, Method};
use tollgate_core::PathReader;

use super::Folder;

/// A directory that is removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("tollgate-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn status(folder: &Folder, method: Method, target: &str) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let reader = PathReader::Strict;
    let answer = folder.answer(method, target.as_bytes(), reader, HeaderMap::new());
    runtime.block_on(answer).status().as_u16()
}

#[test]
fn nothing_outside_is_served_even_if_the_gate_allows_it() {
    let scratch = Scratch::new("folder");
    for name in [
        "secret.txt",
        "site/a.txt",
        "site/b/c d.txt",
        "site/é.txt",
        "site/index.html",
    ] {
        scratch.file(name);
    }
    let site = scratch.0.join("site");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(scratch.0.join("secret.txt"), site.join("link.txt")).unwrap();
        std::os::unix::fs::symlink(&scratch.0, site.join("up")).unwrap();
        std::os::unix::fs::symlink(site.join("a.txt"), site.join("alias.txt")).unwrap();
    }
    let folder = Folder::open(&site).unwrap();
    let table: &[(&str, u16)] = &[
        ("/a.txt", 200),
        ("/a.txt?x=/../secret.txt", 200),
        ("/b/c%20d.txt", 200),
        ("/%C3%A9.txt", 200),
        ("/missing.txt", 404),
        // Directories and index documents: S3 has neither.
        ("/", 404),
        ("/b", 404),
        ("/b/", 404),
        ("/a.txt/", 404),
        // Traversal.
        ("/../secret.txt", 404),
        ("/b/../../secret.txt", 404),
        ("/%2e%2e/secret.txt", 404),
        ("/..%2fsecret.txt", 404),
        ("/b/..%5c..%5csecret.txt", 404),
        ("//etc/passwd", 404),
        ("/./a.txt", 404),
        ("a.txt", 404),
        ("", 404),
        // Links that lead out of the directory and inside it.
        ("/link.txt", 404),
        ("/up/secret.txt", 404),
        ("/alias.txt", 404),
        // A different case is a different name.
        ("/A.txt", 404),
    ];
    for (target, expected) in table {
        assert_eq!(status(&folder, Method::GET, target), *expected, "{target}");
    }
    assert_eq!(status(&folder, Method::HEAD, "/a.txt"), 200);
    assert_eq!(status(&folder, Method::POST, "/a.txt"), 405);
}

#[test]
fn a_root_must_be_a_folder() {
    let scratch = Scratch::new("root");
    scratch.file("file");
    assert!(Folder::open(&scratch.0).is_ok());
    assert!(Folder::open(&scratch.0.join("file")).is_err());
    assert!(Folder::open(&scratch.0.join("missing")).is_err());
}
