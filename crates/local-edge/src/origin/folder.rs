//! Files of one folder. It knows nothing about rules, and closes every way out of the folder by
//! itself all the same.
//!
//! The target is read by the core's own path parser, so this server and the gate cannot understand
//! it differently. Then the file's real path must equal the folder's real path followed by the
//! segments, byte for byte. That one comparison refuses links, and file systems that fold case or
//! Unicode: one file, one name, as in S3.

use std::io;
use std::path::{Path, PathBuf};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use tollgate_core::path::{PathOptions, PathReader, PathScratch};
use tower_http::services::ServeFile;

use crate::body::{AnyBody, boxed, plain};

#[derive(Debug)]
pub(super) struct Folder {
    /// Absolute, with no link in it.
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
        // The file's path is already known, so the URI of this inner request is never read.
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        match ServeFile::new(file).try_call(request).await {
            Ok(response) => response.map(boxed),
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The regular file that `target` names, if there is one.
    async fn find(&self, target: &[u8], reader: PathReader) -> Option<PathBuf> {
        let wanted = self.path_of(target, reader)?;
        let real = tokio::fs::canonicalize(&wanted).await.ok()?;
        // `Path` equality would forgive a repeated or trailing separator.
        if real.as_os_str() != wanted.as_os_str() {
            return None;
        }
        tokio::fs::metadata(&real)
            .await
            .ok()?
            .is_file()
            .then_some(real)
    }

    /// Where the file would be. `None` for what no file can be called: a rejected path, or one with
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
