//! Sessions: a user signs in with a token once, and the next requests are allowed by the session cookie.
//!
//! The policy has `[session]`, so the gate mints a small token of the site's own and sets it as a cookie: with the
//! response to an allowed request, or for a `POST` to its endpoint. The host only carries out the outcome.
//!
//! Run it with `cargo run -p tollgate-edge --example sessions`.

use core::error::Error;

use tollgate_edge::{
    Action, Context, Forward, Gate, Native, Outcome, Request, Response, ResponseEdits, TokenCache,
    UnixSeconds,
};

#[path = "shared/sample.rs"]
mod sample;

const LESSON: &str = "/courses/rust-101/week1/ownership.mp4";

/// A gate with a token cache: the next request with a cached token costs no signature check.
struct Site {
    gate: Gate<&'static [u8]>,
    tokens: TokenCache,
}

impl Site {
    /// Evaluates a request with one header line, `later` seconds after the sign-in.
    fn ask(&mut self, method: &str, target: &str, header: (&str, &str), later: i64) -> Outcome {
        let (name, value) = header;
        let request = Request {
            method,
            target: target.as_bytes(),
            headers: &[(name, value.as_bytes())],
            ip: None,
            now: UnixSeconds(sample::NOW + later),
            entropy: None,
        };
        let mut context = Context::cached(&mut self.tokens);
        self.gate.ask(&request, &mut context)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut site = Site {
        gate: Gate::new(sample::IMAGE, &Native)?,
        tokens: TokenCache::new(64),
    };
    let bearer = format!("Bearer {}", sample::token("school-1")?);
    let token = ("authorization", bearer.as_str());

    let signed_in = site.ask("GET", LESSON, token, 0);
    show("with the token", &signed_in);
    let cookie = session_of(&signed_in.action).ok_or("no session was minted")?;
    let cookie = ("cookie", cookie.as_str());

    show("with the cookie", &site.ask("GET", LESSON, cookie, 600));
    let other = "/courses/go-201/intro.mp4";
    show("another course", &site.ask("GET", other, cookie, 600));
    show("an hour later", &site.ask("GET", LESSON, cookie, 3_600));

    let endpoint = "/.tollgate/session";
    show("at the endpoint", &site.ask("POST", endpoint, token, 0));
    Ok(())
}

/// The `Set-Cookie` values of an outcome.
fn cookies(action: &Action) -> Vec<&str> {
    match action {
        Action::Forward(Forward {
            request: _,
            response,
        }) => {
            let ResponseEdits {
                set_cookies,
                cache: _,
            } = response;
            set_cookies.iter().map(String::as_str).collect()
        }
        Action::Serve(response) | Action::Refuse(response) => {
            let Response {
                status: _,
                headers,
                body: _,
            } = response;
            let cookies = headers.iter().filter(|(name, _)| name == "set-cookie");
            cookies.map(|(_, value)| value.as_str()).collect()
        }
    }
}

/// The `Cookie` header that a browser sends back.
fn session_of(action: &Action) -> Option<String> {
    let cookie = *cookies(action).first()?;
    let (pair, _attributes) = cookie.split_once(';')?;
    Some(pair.to_owned())
}

fn show(what: &str, outcome: &Outcome) {
    let reason = outcome.rule.as_deref().unwrap_or(outcome.reason.code());
    println!("{what:16} {} {reason}", outcome.status);
    for cookie in cookies(&outcome.action) {
        let (pair, attributes) = cookie.split_once("; ").unwrap_or((cookie, ""));
        let name = pair.split('=').next().unwrap_or_default();
        println!("{:16} sets {name}: {attributes}", "");
    }
}
