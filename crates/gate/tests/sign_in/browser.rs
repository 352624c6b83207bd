//! A browser: a cookie jar with the rules of RFC 6265bis, and navigation that follows redirects.

use crate::provider::{one, parameters};
use crate::site::{ISSUER, STAFF};
use crate::world::{Reply, World};

/// Browsers ignore a cookie whose name and value are longer.
const MAX_COOKIE_BYTES: usize = 4_096;
/// Browsers stop following redirects after about this many.
const MAX_REDIRECTS: usize = 20;

/// A stored cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) host: String,
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) path: String,
    pub(crate) ends: i64,
}

/// A browser.
#[derive(Default)]
pub(crate) struct Browser {
    pub(crate) jar: Vec<Cookie>,
    /// The user who signs in at the provider; without one, the user cancels.
    pub(crate) user: Option<&'static str>,
    /// Header fields that replace those of a navigation.
    pub(crate) headers: Vec<(String, String)>,
    /// The starts of the names of cookies that it does not store.
    pub(crate) refuses: Vec<&'static str>,
    /// Every reply of the last navigation, with the URL of its request.
    pub(crate) trace: Vec<(String, Reply)>,
}

impl Browser {
    pub(crate) fn of(user: &'static str) -> Self {
        Self {
            user: Some(user),
            ..Self::default()
        }
    }

    /// Opens a URL and follows all redirects.
    pub(crate) fn open(&mut self, world: &mut World, url: &str) -> Reply {
        self.trace.clear();
        let mut url = url.to_string();
        for _ in 0..MAX_REDIRECTS {
            let reply = self.hop(world, &url);
            self.trace.push((url.clone(), reply.clone()));
            let Some(location) = reply.location() else {
                return reply;
            };
            url = self.resolve(world, &url, location);
        }
        panic!("an endless loop: {:#?}", self.codes());
    }

    /// Opens a URL at a site, and follows redirects until the browser is at the provider. Returns the URL there.
    pub(crate) fn begin(&mut self, world: &mut World, url: &str) -> String {
        self.trace.clear();
        let mut url = url.to_string();
        for _ in 0..MAX_REDIRECTS {
            let reply = self.hop(world, &url);
            self.trace.push((url.clone(), reply.clone()));
            let location = reply.location();
            let location = location.unwrap_or_else(|| panic!("{:#?}", self.codes()));
            if location.starts_with(ISSUER) || location.starts_with(STAFF) {
                return location.to_string();
            }
            url = absolute(&url, location);
        }
        panic!("an endless loop: {:#?}", self.codes());
    }

    /// Begins a flow, signs in at the provider, and returns the URL of the callback without opening it.
    pub(crate) fn callback(&mut self, world: &mut World, url: &str) -> String {
        let at_provider = self.begin(world, url);
        world.provider.authorize(&at_provider, self.user, world.now)
    }

    /// The details of the last navigation, in order.
    pub(crate) fn codes(&self) -> Vec<String> {
        let codes = self.trace.iter().map(|(_, reply)| {
            let detail = reply.detail.unwrap_or("-");
            format!("{} {detail}", reply.status)
        });
        codes.collect()
    }

    /// One request, without following a redirect.
    pub(crate) fn hop(&mut self, world: &mut World, url: &str) -> Reply {
        self.send(world, "GET", url, &[])
    }

    /// One request with these header fields in addition.
    pub(crate) fn send(
        &mut self,
        world: &mut World,
        method: &str,
        url: &str,
        more: &[(&str, &str)],
    ) -> Reply {
        let (host, target) = split(url);
        let (host, target) = (host.to_string(), target.to_string());
        let mut headers = vec![("host".to_string(), host.clone().into_bytes())];
        for (name, value) in [
            ("accept", "text/html,*/*;q=0.8"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ] {
            let is_replaced = more.iter().any(|(known, _)| *known == name)
                || self.headers.iter().any(|(known, _)| known == name);
            if !is_replaced {
                headers.push((name.to_string(), value.into()));
            }
        }
        for (name, value) in &self.headers {
            headers.push((name.clone(), value.clone().into_bytes()));
        }
        for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
            headers.push((name.to_string(), value.as_bytes().to_vec()));
        }
        let cookies = self.cookies_for(&host, &target, world.now);
        if !cookies.is_empty() {
            headers.push(("cookie".to_string(), cookies.into_bytes()));
        }
        let reply = world.send(method, &host, target.as_bytes(), &headers);
        self.store(&host, &target, &reply, world.now);
        reply
    }

    /// The value of `Cookie`: longer paths first, then older cookies.
    pub(crate) fn cookies_for(&self, host: &str, target: &str, now: i64) -> String {
        let path = target.split('?').next().unwrap_or_default();
        let mut sent: Vec<&Cookie> = self
            .jar
            .iter()
            .filter(|cookie| cookie.host == host && cookie.ends > now)
            .filter(|cookie| path_matches(path, &cookie.path))
            .collect();
        sent.sort_by_key(|cookie| core::cmp::Reverse(cookie.path.len()));
        let pair = |cookie: &&Cookie| format!("{}={}", cookie.name, cookie.value);
        let sent: Vec<String> = sent.iter().map(pair).collect();
        sent.join("; ")
    }

    pub(crate) fn store(&mut self, host: &str, target: &str, reply: &Reply, now: i64) {
        self.jar.retain(|cookie| cookie.ends > now);
        for set in reply.set_cookies() {
            let cookie = read(host, target, set, now);
            self.jar.retain(|known| {
                (&known.host, &known.name, &known.path)
                    != (&cookie.host, &cookie.name, &cookie.path)
            });
            let is_refused = self
                .refuses
                .iter()
                .any(|start| format!("{}=", cookie.name).starts_with(start));
            if cookie.ends > now && !is_refused {
                self.jar.push(cookie);
            }
        }
    }

    /// The value of a cookie of a host.
    pub(crate) fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        let mut cookies = self.jar.iter();
        let found = cookies.find(|cookie| cookie.host == host && cookie.name == name);
        found.map(|cookie| cookie.value.as_str())
    }

    /// The flow cookies of a host.
    pub(crate) fn flows(&self, host: &str) -> Vec<&Cookie> {
        let flows = self.jar.iter().filter(|cookie| {
            cookie.host == host && cookie.name.starts_with("__Host-tollgate-flow-")
        });
        flows.collect()
    }

    fn resolve(&self, world: &mut World, url: &str, location: &str) -> String {
        for provider in [&mut world.provider, &mut world.staff] {
            if location.starts_with(&format!("{}/authorize", provider.issuer)) {
                return provider.authorize(location, self.user, world.now);
            }
        }
        for (endpoint, back) in [
            ("/end?x=1&", "post_logout_redirect_uri"),
            ("/logout?", "logout_uri"),
        ] {
            let issuers = [ISSUER, STAFF];
            let mut queries = issuers
                .iter()
                .filter_map(|issuer| location.strip_prefix(&format!("{issuer}{endpoint}")));
            if let Some(query) = queries.next() {
                let query = parameters(query);
                return one(&query, back).expect("a way back").to_string();
            }
        }
        absolute(url, location)
    }
}

/// Host and target of a URL.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").expect("an absolute URL").1;
    let at = rest.find('/').unwrap_or(rest.len());
    rest.split_at(at)
}

fn absolute(url: &str, location: &str) -> String {
    if location.starts_with('/') {
        let (host, _) = split(url);
        let scheme = url.split_once("://").expect("an absolute URL").0;
        format!("{scheme}://{host}{location}")
    } else {
        location.to_string()
    }
}

fn path_matches(path: &str, of_cookie: &str) -> bool {
    let rest = path.strip_prefix(of_cookie);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || of_cookie.ends_with('/'))
}

/// Reads one `Set-Cookie`; fails the test if a browser would reject it.
fn read(host: &str, target: &str, set: &str, now: i64) -> Cookie {
    let mut parts = set.split(';').map(str::trim);
    let (name, value) = parts
        .next()
        .and_then(|pair| pair.split_once('='))
        .expect("name and value");
    assert!(name.len() + value.len() <= MAX_COOKIE_BYTES, "{set}");
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    assert!(value.bytes().all(is_plain), "{set}");
    let (mut path, mut ends, mut flags) = (None, None, Vec::new());
    for part in parts {
        match part.split_once('=') {
            Some(("Path", value)) => path = Some(value),
            Some(("Max-Age", value)) => {
                let secs: i64 = value.parse().expect("a number");
                ends = Some(now + secs);
            }
            Some(("SameSite", "Lax")) | None => flags.push(part),
            Some(other) => panic!("{other:?} in {set}"),
        }
    }
    let (path, ends) = (path.expect("a path"), ends.expect("an end"));
    assert_eq!(flags, ["Secure", "HttpOnly", "SameSite=Lax"], "{set}");
    if name.starts_with("__Host-") {
        assert_eq!(path, "/", "{set}");
    } else {
        assert!(name.starts_with("__Secure-"), "{set}");
    }
    // Cookies for another path than that of the request are stored, too.
    _ = target;
    Cookie {
        host: host.to_string(),
        name: name.to_string(),
        value: value.to_string(),
        path: path.to_string(),
        ends,
    }
}
