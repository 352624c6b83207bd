//! The files of one directory. It knows no rules, but nevertheless serves nothing outside the directory.
//!
//! The core's own path parser reads the target, so this server and the gate cannot read it differently. The
//! file's real path must then equal the directory's real path followed by the segments, byte for byte. This
//! comparison rejects links, and names on file systems that fold case or Unicode: each file has one name, as
//! in S3.

use std::io;
use std::path::{Path, PathBuf};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use tollgate_core::path::{PathOptions, PathReader, PathScratch};
use tower_http::services::ServeFile;

use crate::body::{AnyBody, boxed, plain};

#[derive(Debug)]
pub(super) struct Folder {
    /// Absolute, without links.
    root: PathBuf,
}

impl Folder {
    pub(super) fn open(root: &Path) -> io::Result<Folder> {
        let root = root.canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Folder { root })
    }

    pub(super) async fn answer(
        &self,
        method: Method,
        target: &[u8],
        reader: PathReader,
        headers: HeaderMap,
    ) -> Response<AnyBody> {
        let Some(file) = self.find(target, reader).await else {
            return plain(StatusCode::NOT_FOUND);
        };
        // The path of the file is already known, so the URI of this inner request is never read.
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        match ServeFile::new(file).try_call(request).await {
            Ok(response) => response.map(boxed),
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// Returns the regular file at `target`, if it exists.
    async fn find(&self, target: &[u8], reader: PathReader) -> Option<PathBuf> {
        let wanted = self.path_of(target, reader)?;
        let real = tokio::fs::canonicalize(&wanted).await.ok()?;
        // `Path` equality would ignore a repeated or trailing separator.
        if real.as_os_str() != wanted.as_os_str() {
            return None;
        }
        tokio::fs::metadata(&real)
            .await
            .ok()?
            .is_file()
            .then_some(real)
    }

    /// Returns the path of the file. `None` for a target that no file can have: a rejected path, or one with
    /// a trailing slash.
    fn path_of(&self, target: &[u8], reader: PathReader) -> Option<PathBuf> {
        let raw = target
            .split(|byte| *byte == b'?')
            .next()
            .unwrap_or_default();
        let mut scratch = PathScratch::new();
        let options = PathOptions {
            reader,
            ..PathOptions::default()
        };
        let path = scratch.parse(raw, options).ok()?;
        if path.has_trailing_slash() {
            return None;
        }
        let relative = core::str::from_utf8(path.decoded()).ok()?;
        Some(self.root.join(relative))
    }
}

#[cfg(test)]
mod tests;
