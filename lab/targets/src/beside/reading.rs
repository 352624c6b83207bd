//! How proxies read a request where they read it otherwise than it was sent: `authz` is asked about it in that form, and
//! the origin receives it in that form.
//!
//! Each function is a model of one proxy, byte for byte, so that every other change to a request is a failure.

/// The form in which a proxy passes on a request.
pub(super) struct Reading {
    /// The target.
    pub(super) target: fn(&[u8]) -> Vec<u8>,
    /// Headers whose lines it joins with commas.
    pub(super) joins: &'static [&'static str],
    /// Headers that it leaves out of a response to HEAD.
    pub(super) omits: &'static [&'static str],
}

/// Nothing changes.
pub(super) const EXACT: Reading = Reading {
    target: |target| target.to_vec(),
    joins: &[],
    omits: &[],
};
/// nginx.
pub(super) const NGINX: Reading = Reading {
    target: |target| origin_form(without_spaces(target)),
    joins: &[],
    omits: &[],
};
/// Envoy.
pub(super) const ENVOY: Reading = Reading {
    target: |target| origin_form(without_spaces(target)),
    joins: &["authorization"],
    omits: &["content-type"],
};
/// Traefik.
pub(super) const TRAEFIK: Reading = Reading {
    target: |target| go(&without_semicolons(&normalized(&origin_form(target)))),
    joins: &[],
    omits: &[],
};
/// Caddy.
pub(super) const CADDY: Reading = Reading {
    target: |target| go(&origin_form(target)),
    joins: &[],
    omits: &[],
};
/// HAProxy.
pub(super) const HAPROXY: Reading = Reading {
    target: |target| origin_form(without_spaces(target)),
    joins: &[],
    omits: &[],
};

/// Without the spaces around it: some proxies accept any number of them between the parts of a request line.
fn without_spaces(target: &[u8]) -> &[u8] {
    let is_other = |byte: &u8| *byte != b' ';
    let start = target.iter().position(is_other).unwrap_or(target.len());
    let end = target
        .iter()
        .rposition(is_other)
        .map_or(start, |last| last + 1);
    target.get(start..end).unwrap_or_default()
}

/// The path and query of an absolute URL. Every server must accept it (RFC 9112, section 3.2.2).
fn origin_form(target: &[u8]) -> Vec<u8> {
    let schemes = [&b"http://"[..], b"https://"];
    let mut rests = schemes
        .iter()
        .filter_map(|scheme| target.strip_prefix(*scheme));
    let found = rests.next().and_then(|rest| {
        let start = rest.iter().position(|byte| *byte == b'/')?;
        rest.get(start..)
    });
    found.unwrap_or(target).to_vec()
}

/// Splits a target into the path, and the query with its question mark.
fn split(target: &[u8]) -> (&[u8], &[u8]) {
    let end = target.iter().position(|byte| *byte == b'?');
    target.split_at(end.unwrap_or(target.len()))
}

/// Go's `AllowQuerySemicolons`: a semicolon separates parameters, as it once did.
fn without_semicolons(target: &[u8]) -> Vec<u8> {
    let (path, query) = split(target);
    let query = query.iter().map(|byte| match byte {
        b';' => b'&',
        byte => *byte,
    });
    path.iter().copied().chain(query).collect()
}

/// Go's `net/url`: a path that contains a byte that should be escaped is decoded, and encoded again.
fn go(target: &[u8]) -> Vec<u8> {
    let (path, query) = split(target);
    let is_usual =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/%".contains(byte);
    if path == b"*" || path.iter().all(is_usual) {
        return target.to_vec();
    }
    let mut text = Vec::with_capacity(target.len());
    for byte in decoded(path) {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            text.push(byte);
        } else {
            text.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    text.extend_from_slice(query);
    text
}

/// The normal form of RFC 3986, section 6.2.2: escapes of unreserved characters are decoded, others in upper case.
fn normalized(target: &[u8]) -> Vec<u8> {
    let (path, query) = split(target);
    let mut text = Vec::with_capacity(target.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match escape(*first, after) {
            Some((byte, after)) => {
                rest = after;
                if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                    text.push(byte);
                } else {
                    text.extend_from_slice(format!("%{byte:02X}").as_bytes());
                }
            }
            None => text.push(*first),
        }
    }
    text.extend_from_slice(query);
    text
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = escape(*first, after).unwrap_or((*first, after));
        text.push(byte);
        rest = after;
    }
    text
}

/// The byte of an escape that begins with `first`, and what follows it.
fn escape(first: u8, after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = after.split_at_checked(2)?;
    let digits = core::str::from_utf8(digits).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = u8::from_str_radix(digits, 16).ok()?;
    (first == b'%' && is_hex).then_some((byte, after))
}
