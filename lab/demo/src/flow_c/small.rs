//! The restricted edge: the generated function in nginx's engine, in front of an origin that accepts
//! requests from nginx only.
//!
//! Every decision is logged as a line on standard output. A second address accepts the bodies of
//! `UpdateKeys` calls, which update the store. Not here: the function, and the requests.

use core::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::super::part::{self, Part};
use super::super::report::{Ask, Body, Report, Want};
use super::{LESSON, LESSON_FILE, Session, cookie};
use tollgate_lab_http as http;
use xtask::{repo, shell};

/// The script around the function: it converts nginx's requests to events, and results to responses.
const PARTS: [&str; 2] = [
    "lab/targets/javascript/event.js",
    "lambda-adapter/local/small-edge.js",
];
/// The mock of CloudFront's module.
const MODULE: &str = "lab/targets/javascript/cloudfront.js";
/// A value that only nginx and the origin know, sent as a custom origin header like CloudFront's.
const SECRET: &str = "only-the-edge-says-this";

/// nginx with the function.
pub(super) struct Small {
    part: Part,
    address: SocketAddr,
    store: SocketAddr,
    origin: SocketAddr,
    function: String,
}

impl Small {
    /// Starts nginx with the build in a directory, and fills its store.
    pub(super) fn start(nginx: &Path, built: &Path) -> Result<Small> {
        let folder = part::folder()?.join("flow-c/nginx");
        std::fs::create_dir_all(folder.join("logs"))
            .with_context(|| format!("cannot create {}", repo::shown(&folder)))?;
        let function = text(&built.join("function.js"))?;
        let mut main = function.clone();
        for name in PARTS {
            main.push_str(&text(&repo::root().join(name))?);
        }
        std::fs::write(folder.join("main.js"), main)?;
        // The module's name is the name of its file.
        std::fs::copy(repo::root().join(MODULE), folder.join("cloudfront"))?;
        let (address, store, origin) = (
            tollgate_lab_http::free_address()?,
            tollgate_lab_http::free_address()?,
            tollgate_lab_http::free_address()?,
        );
        let config = config(&folder, [address, store, origin]);
        std::fs::write(folder.join("nginx.conf"), config)?;
        let mut command = shell::tool(nginx, ["-e", "stderr", "-p"]);
        command
            .arg(&folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"));
        let mut part = Part::start("small-edge", &mut command)?;
        part.listens(store, None)?;
        let small = Small {
            part,
            address,
            store,
            origin,
            function,
        };
        for file in updates(built)? {
            small.update(&file)?;
        }
        Ok(small)
    }

    /// Whether the build in a directory contains the running function.
    pub(super) fn runs(&self, built: &Path) -> Result<bool> {
        Ok(text(&built.join("function.js"))? == self.function)
    }

    /// Makes one `UpdateKeys` call.
    pub(super) fn update(&self, body: &Path) -> Result<()> {
        let body = std::fs::read(body).with_context(|| format!("no {}", repo::shown(body)))?;
        let answer = http::ask(self.store, "POST", "/kvs", &[], &body)?;
        ensure!(answer.status == 200, "the store rejects an update");
        Ok(())
    }

    /// Sends a request for a path with header fields.
    pub(super) fn ask(
        &self,
        report: &mut Report,
        what: &str,
        target: &str,
        headers: &[(String, String)],
        want: &Want,
    ) -> Result<()> {
        let ask = Ask {
            what: what.to_owned(),
            method: "GET",
            url: format!("http://{}{target}", self.address),
            headers: headers.to_vec(),
        };
        self.part.forget();
        report.ask(&ask, want, || self.part.record()).map(|_| ())
    }

    /// Returns the status of the lesson with a session, without a row.
    pub(super) fn status(&self, session: &str) -> Result<u16> {
        self.part.forget();
        let answer = http::ask(self.address, "GET", LESSON, &[cookie(session)], b"")?;
        // The line is written after the response, and must not be attributed to the next request.
        self.part.record()?;
        Ok(answer.status)
    }

    /// Checks what the origin receives, and that it rejects direct requests.
    pub(super) fn doors(&self, report: &mut Report, session: &Session) -> Result<()> {
        let range = ("range".to_owned(), "bytes=117-232".to_owned());
        let want = Want {
            status: 206,
            body: Body::Part(LESSON_FILE, 117, 232),
            reason: "allow",
            headers: &[("content-range", "bytes 117-232/")],
        };
        let own = cookie(&session.token);
        self.ask(
            report,
            "a range of a lesson",
            LESSON,
            &[own.clone(), range],
            &want,
        )?;
        // The origin reports the cookies that it received: the session was the first.
        let want = Want {
            headers: &[("x-seen-cookie", "theme=dark")],
            ..Want::file(LESSON_FILE)
        };
        self.ask(
            report,
            "the origin sees other cookies only",
            LESSON,
            &[own],
            &want,
        )?;
        let ask = Ask {
            what: "straight from the origin, with the session".to_owned(),
            method: "GET",
            url: format!("http://{}{LESSON}", self.origin),
            headers: vec![cookie(&session.token)],
        };
        let want = Want {
            body: Body::NoFile,
            ..Want::notice(403)
        };
        report.ask(&ask, &want, || Ok(None)).map(|_| ())
    }
}

/// Returns the updates that put a built policy in force, in order.
pub(super) fn updates(built: &Path) -> Result<Vec<PathBuf>> {
    let mut files = repo::entries(&built.join("kvs"))?;
    files.retain(|file| named(file).starts_with("put-"));
    files.push(built.join("kvs/switch.json"));
    Ok(files)
}

/// Returns the updates that remove a built policy from the store.
pub(super) fn retirements(built: &Path) -> Result<Vec<PathBuf>> {
    let mut files = repo::entries(&built.join("kvs"))?;
    files.retain(|file| named(file).starts_with("retire-"));
    Ok(files)
}

fn named(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn text(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("no {}", repo::shown(file)))
}

fn config(folder: &Path, [address, store, origin]: [SocketAddr; 3]) -> String {
    let (folder, site) = (folder.display(), repo::fixtures().join("site"));
    let site = site.display();
    format!(
        "daemon off;
master_process off;
error_log stderr notice;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  log_format decision escape=none '$decision';
  client_body_buffer_size 1m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  js_path {folder};
  js_import main from main.js;
  js_shared_dict_zone zone=kvs:5m;
  js_var $decision;
  js_var $origin_target;
  js_var $origin_cookie;
  types {{ text/html html; text/plain txt; application/pdf pdf; }}
  server {{
    listen {address};
    access_log /dev/stdout decision;
    location / {{ js_content main.edge; }}
    location @origin {{
      proxy_pass http://{origin}$origin_target;
      proxy_pass_request_headers off;
      proxy_set_header X-Origin-Secret {SECRET};
      proxy_set_header Cookie $origin_cookie;
      proxy_set_header Range $http_range;
    }}
  }}
  server {{
    listen {store};
    location = /kvs {{ js_content main.update; }}
  }}
  server {{
    listen {origin};
    if ($http_x_origin_secret != {SECRET}) {{ return 403; }}
    add_header X-Seen-Cookie $http_cookie;
    root {site};
  }}
}}
"
    )
}
