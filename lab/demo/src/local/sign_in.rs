//! Sign-in at the local edge: a browser without a token is redirected to the issuer, returns signed in,
//! refreshes its session, and signs out.
//!
//! Not here: a real browser. `cargo xtask demo --serve` prints an address to open in one.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use xtask::{Verdict, repo, ui};

use super::edge::Edge;
use crate::issuer::{CLIENT, Issuer, base64url};
use crate::part;
use crate::report::{Ask, Body, Report, Want};
use tollgate_lab_http::{self as http, Reply as Answer};

const LESSON: &str = "/courses/rust-101/week1/ownership.html";
const LESSON_FILE: &str = "courses/rust-101/week1/ownership.html";
const OTHER_LESSON: &str = "/courses/go-201/lessons/channels.html";

/// The settings that the sample policy would need.
const DENY: &str = "[deny]\nno_token = { status = 401 }\nbad_token = { status = 401 }\n";

/// An edge that signs users in, its issuer, and its site.
pub(super) struct SignIn {
    issuer: Issuer,
    pub(super) edge: Edge,
}

impl SignIn {
    /// Starts the issuer and the edge.
    pub(super) fn start() -> Result<SignIn> {
        let issuer = ui::in_step("start the issuer", |_| Issuer::start())?;
        let address = http::free_address()?;
        let policy = policy(&issuer, address)?;
        let edge = ui::in_step("start the local edge with sign-in", |_| {
            Edge::start_at(address, &policy, &super::site(), None)
        })?;
        Ok(SignIn { issuer, edge })
    }

    /// The address of a page that requires a user.
    pub(super) fn page(&self) -> String {
        format!("http://{}{LESSON}", self.edge.address)
    }

    /// Signs a user in and out.
    pub(super) fn run(&self) -> Result<Verdict> {
        let mut walk = Walk {
            site: self,
            report: Report::new(),
            cookies: BTreeMap::new(),
        };
        walk.arrive()?;
        walk.stay()?;
        walk.leave()?;
        Ok(walk.report.end())
    }
}

/// Writes a copy of the sample policy with `[sign_in]` for this issuer and edge.
fn policy(issuer: &Issuer, edge: SocketAddr) -> Result<PathBuf> {
    let folder = part::folder()?.join("sign-in/policy");
    issuer.policy(&folder)?;
    let site = folder.join("site.toml");
    let text = std::fs::read_to_string(&site)?;
    ensure!(
        text.matches(DENY).count() == 1,
        "policy/site.toml must contain `{DENY}` exactly once"
    );
    let sign_in = format!(
        "[sign_in]\nissuer = \"learners\"\nendpoints = \"keys/learners.openid.json\"\n\
         origins = [\"http://{edge}\"]\nclient = \"{CLIENT}\"\nscopes = [\"openid\", \"email\"]\n\
         secrets = [{{ kid = \"s1\", file = \"keys/sign-in-1.key\" }}]\n\n[deny]\n"
    );
    std::fs::write(&site, text.replace(DENY, &sign_in))?;
    std::fs::write(
        folder.join("keys/learners.openid.json"),
        issuer.discovery()?,
    )?;
    let mut secret = [0; 32];
    let random = std::fs::File::open("/dev/urandom").context("no source of randomness")?;
    std::io::Read::read_exact(&mut { random }, &mut secret)?;
    std::fs::write(folder.join("keys/sign-in-1.key"), base64url(&secret))?;
    let own = ["/.tollgate/callback", "/.tollgate/signed-out"];
    issuer.register_all(&own.map(|path| format!("http://{edge}{path}")))?;
    Ok(folder)
}

/// A browser on its way through the site.
struct Walk<'a> {
    site: &'a SignIn,
    report: Report,
    cookies: BTreeMap<String, String>,
}

/// What browsers send when a person opens a page.
const NAVIGATE: [(&str, &str); 4] = [
    ("accept", "text/html"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "same-origin"),
];
/// What browsers send for a script.
const SCRIPT: [(&str, &str); 4] = [
    ("accept", "*/*"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-site", "same-origin"),
];

const fn redirect(status: u16, reason: &'static str) -> Want {
    Want {
        status,
        body: Body::Notice,
        reason,
        headers: &[("cache-control", "no-store"), ("location", "")],
    }
}

impl Walk<'_> {
    fn arrive(&mut self) -> Result<()> {
        let denied = Want::denied(401, "no_token");
        self.site("a script, not signed in", "GET", LESSON, &SCRIPT, &denied)?;
        let want = redirect(302, "no_token");
        let answer = self.site("a page, not signed in", "GET", LESSON, &NAVIGATE, &want)?;
        let sign_in = located(&answer)?;
        let want = redirect(302, "allow/sign_in_started");
        let answer = self.site("begin a flow", "GET", &sign_in, &NAVIGATE, &want)?;
        let authorize = located(&answer)?;
        let (_, query) = authorize.split_once('?').context("no query")?;
        let form = format!("{}/login?{query}&username=alice", self.site.issuer.url());
        let want = Want {
            status: 302,
            body: Body::Notice,
            reason: "",
            headers: &[("location", "http://127.0.0.1:")],
        };
        let answer = self.issuer("alice signs in at the issuer", "POST", &form, &want)?;
        let callback = located(&answer)?;
        let want = redirect(303, "allow/signed_in");
        let answer = self.site(
            "the code becomes a session",
            "GET",
            &callback,
            &NAVIGATE,
            &want,
        )?;
        let back = located(&answer)?;
        let want = Want::file(LESSON_FILE);
        self.site("back at the page", "GET", &back, &NAVIGATE, &want)?;
        Ok(())
    }

    fn stay(&mut self) -> Result<()> {
        let denied = Want::denied(403, "forbidden");
        self.site("another course", "GET", OTHER_LESSON, &NAVIGATE, &denied)?;
        let json = |reason| Want {
            status: 200,
            body: Body::Notice,
            reason,
            headers: &[("content-type", "application/json")],
        };
        let want = json("allow/me");
        self.site("who am I?", "GET", "/.tollgate/me", &SCRIPT, &want)?;
        let want = json("allow/session_fresh");
        self.site(
            "refresh, too early",
            "POST",
            "/.tollgate/refresh",
            &SCRIPT,
            &want,
        )?;
        // A browser without its session still has its refresh token.
        self.cookies.remove("__Host-tollgate");
        let want = redirect(303, "allow/refreshed");
        let target = format!("/.tollgate/refresh?to={LESSON}");
        self.site("refresh, when it is due", "GET", &target, &NAVIGATE, &want)?;
        let want = Want::file(LESSON_FILE);
        self.site("the page again", "GET", LESSON, &NAVIGATE, &want)?;
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        let want = redirect(303, "allow/signed_out");
        let answer = self.site("sign out", "GET", "/.tollgate/sign-out", &NAVIGATE, &want)?;
        let end = located(&answer)?;
        let want = Want {
            status: 302,
            body: Body::Notice,
            reason: "",
            headers: &[("location", "http://127.0.0.1:")],
        };
        let answer = self.issuer("the issuer signs alice out", "GET", &end, &want)?;
        let back = located(&answer)?;
        let page = Want {
            status: 200,
            body: Body::Any,
            reason: "allow/signed_out",
            headers: &[("content-type", "text/html")],
        };
        self.site("the page that confirms it", "GET", &back, &NAVIGATE, &page)?;
        let want = redirect(302, "no_token");
        self.site("the lesson again", "GET", LESSON, &NAVIGATE, &want)?;
        Ok(())
    }

    /// Sends a request to the site, whose cookies the browser keeps.
    fn site(
        &mut self,
        what: &str,
        method: &'static str,
        to: &str,
        headers: &[(&str, &str)],
        want: &Want,
    ) -> Result<Answer> {
        let base = format!("http://{}", self.site.edge.address);
        let mut headers: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !pairs.is_empty() {
            headers.push(("cookie".to_owned(), pairs.join("; ")));
        }
        let ask = Ask {
            what: what.to_owned(),
            method,
            url: format!("{base}{}", to.strip_prefix(&base).unwrap_or(to)),
            headers,
        };
        let edge = &self.site.edge;
        let answer = self.report.ask(&ask, want, || edge.record())?;
        for (_, set) in answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let pair = set.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie has a value")?;
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    fn issuer(
        &mut self,
        what: &str,
        method: &'static str,
        url: &str,
        want: &Want,
    ) -> Result<Answer> {
        let ask = Ask {
            what: what.to_owned(),
            method,
            url: url.to_owned(),
            headers: Vec::new(),
        };
        self.report.ask(&ask, want, || Ok(None))
    }
}

fn located(answer: &Answer) -> Result<String> {
    let location = answer.header("location").context("no redirect")?;
    Ok(location.to_owned())
}

/// Prints the address to open in a browser.
pub(super) fn try_yourself(sign_in: &SignIn) {
    println!(
        "\nOpen {} in a browser: you are asked to sign in. alice has the course, dave has not.\n\
         Sign out at http://{}/.tollgate/sign-out\n",
        sign_in.page(),
        sign_in.edge.address
    );
    let discovery = repo::shown(&repo::target().join("demo/sign-in/policy/site.toml"));
    println!("Its policy is {discovery}.");
}
