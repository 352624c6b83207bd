//! The discovery document of an issuer: its endpoints, and what it supports.
//!
//! A member that says that the flow cannot work is an error; one that is missing is not, because few issuers publish all
//! of them. Not here: fetching it.

use serde_json::{Map, Value};
use tollgate_gate::config::MAX_LOCATION_BYTES;
use tollgate_gate::sign_in::{ClientAuth, Endpoints, SignOut};
use tollgate_token::{IssuerConfig, IssuerKind};

use super::super::answer::{is_https, is_loopback};
use super::super::keys::named_file;
use crate::cure;
use crate::diagnostic::{Report, codes, shown, shown_address};
use crate::document::{Table, Text};
use crate::keys::or_list;
use crate::source::SourceTree;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";
const BASIC: &str = "client_secret_basic";
const POST: &str = "client_secret_post";

/// The settings in a discovery document.
pub(super) struct Discovered {
    pub(super) endpoints: Endpoints,
    /// `token_endpoint_auth_methods_supported`, or its default.
    methods: Vec<String>,
}

/// Reads the document that `endpoints` names; `None` if something was reported.
pub(super) fn read(
    table: Table<'_>,
    issuer: &IssuerConfig,
    sources: &SourceTree,
    report: &mut Report,
) -> Option<Discovered> {
    let name = table.text("endpoints")?;
    let first = issuer.issuers.first().map_or("", String::as_str);
    let source = format!("{}{WELL_KNOWN}", first.trim_end_matches('/'));
    let cure = format!(
        "run `tollgate keys fetch`, or save what the issuer publishes at `{source}` as `{}`",
        shown(name.value)
    );
    let missing = (&codes::NO_KEY_FILE, cure.clone());
    let text = named_file(&name, "keys/….openid.json", missing, sources, report)?;
    let mut reader = Reader {
        name: &name,
        cure,
        report,
        is_good: true,
    };
    let members = reader.members(text)?;
    reader.check_issuer(&members, issuer);
    let authorization = reader.required_url(&members, "authorization_endpoint");
    let token = reader.required_url(&members, "token_endpoint");
    let end_session = reader.url(&members, "end_session_endpoint");
    let revocation = reader.url(&members, "revocation_endpoint");
    let names_issuer = reader.flag(&members, "authorization_response_iss_parameter_supported");
    reader.check_support(
        &members,
        "code_challenge_methods_supported",
        "S256",
        "the gate sends a PKCE challenge with SHA-256; enable it at the issuer, and save the document again",
    );
    reader.check_support(
        &members,
        "response_types_supported",
        "code",
        "enable the authorization code flow at the issuer, and save the document again",
    );
    let methods = reader.texts(&members, "token_endpoint_auth_methods_supported");
    let is_good = reader.is_good;
    let (authorization, token) = (authorization?, token?);
    let sign_out = match (issuer.kind, end_session) {
        (IssuerKind::Cognito { .. }, Some(url)) => SignOut::Cognito(url),
        // Documents of older user pools do not list it.
        (IssuerKind::Cognito { .. }, None) => {
            SignOut::Cognito(format!("{}/logout", origin(&authorization)))
        }
        (IssuerKind::Oidc, Some(url)) => SignOut::EndSession(url),
        (IssuerKind::Oidc, None) => SignOut::Local,
    };
    is_good.then(|| Discovered {
        endpoints: Endpoints {
            authorization,
            token,
            sign_out,
            revocation,
            names_issuer,
        },
        // OpenID Connect Discovery 1.0, section 3.
        methods: methods.unwrap_or_else(|| vec![BASIC.to_owned()]),
    })
}

impl Discovered {
    /// The authentication at the token endpoint; `None` if it was reported.
    pub(super) fn client_auth(
        &self,
        table: Table<'_>,
        secret: Option<String>,
        report: &mut Report,
    ) -> Option<ClientAuth> {
        let Some(secret) = secret else {
            // Documents seldom list `none`, also of issuers that have public clients.
            return Some(ClientAuth::None);
        };
        let has = |method: &str| self.methods.iter().any(|known| known == method);
        if has(BASIC) {
            return Some(ClientAuth::Basic(secret));
        }
        if has(POST) {
            return Some(ClientAuth::Post(secret));
        }
        let methods: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        let listed = match methods.is_empty() {
            true => "nothing".to_owned(),
            false => shown_list(&methods),
        };
        let span = table.value_span("client_secret").unwrap_or(table.place());
        let message = format!("the issuer's token endpoint accepts no client secret, but {listed}");
        let diagnostic = report.add(&codes::BAD_CLIENT_SECRET, span, message);
        if let Some(span) = table.value_span("endpoints") {
            diagnostic.also(
                span,
                "`token_endpoint_auth_methods_supported` of this document",
            );
        }
        diagnostic.help(format!(
            "configure the client at the issuer for {}; for a public client, remove `client_secret`",
            or_list(&[BASIC, POST])
        ));
        None
    }
}

/// The scheme and the authority of a URL.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(start..).unwrap_or_default();
    let length = rest.find(['/', '?']).unwrap_or(rest.len());
    url.get(..start + length).unwrap_or(url)
}

/// Values of the document in a message.
fn shown_list(values: &[&str]) -> String {
    let values = values.iter().map(|value| shown_address(value));
    let values: Vec<String> = values.collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    or_list(&values)
}

/// A document that is being read.
struct Reader<'r, 'f> {
    name: &'r Text<'r>,
    /// The help for a document that is not the issuer's.
    cure: String,
    report: &'r mut Report<'f>,
    is_good: bool,
}

impl Reader<'_, '_> {
    fn members(&mut self, text: &str) -> Option<Map<String, Value>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let name = shown(self.name.value);
        let problem = match (cure::discovery(text), serde_json::from_str(text)) {
            (Some(problem), _) => problem.to_owned(),
            (None, Ok(Value::Object(members))) => return Some(members),
            (None, Ok(_)) => "it is not a JSON object".to_owned(),
            (None, Err(error)) => format!("it is not JSON: {error}"),
        };
        let message = format!("`{name}` is not a discovery document: {problem}");
        self.fault(message, None);
        None
    }

    /// Reports a fault of the document.
    fn fault(&mut self, message: String, help: Option<&str>) {
        self.is_good = false;
        let help = help.unwrap_or(&self.cure).to_owned();
        self.report
            .add(&codes::BAD_DISCOVERY, self.name.span, message)
            .help(help);
    }

    fn check_issuer(&mut self, members: &Map<String, Value>, issuer: &IssuerConfig) {
        let file = shown(self.name.value);
        let Some(found) = members.get("issuer").and_then(Value::as_str) else {
            return self.fault(format!("`{file}` has no `issuer`"), None);
        };
        if issuer.issuers.iter().any(|known| known == found) {
            return;
        }
        let known: Vec<&str> = issuer.issuers.iter().map(String::as_str).collect();
        let message = format!(
            "`{file}` is the document of `{}`, and issuer `{}` is {}",
            shown_address(found),
            issuer.name,
            shown_list(&known)
        );
        self.fault(message, None);
    }

    fn required_url(&mut self, members: &Map<String, Value>, member: &str) -> Option<String> {
        if !members.contains_key(member) {
            let message = format!("`{}` has no `{member}`", shown(self.name.value));
            self.fault(message, None);
        }
        self.url(members, member)
    }

    /// The URL of a member; `None` if there is none, or it was reported.
    fn url(&mut self, members: &Map<String, Value>, member: &str) -> Option<String> {
        let value = members.get(member)?;
        let file = shown(self.name.value);
        let Some(url) = value.as_str() else {
            self.fault(format!("`{member}` of `{file}` is not a string"), None);
            return None;
        };
        let has_scheme = is_https(url) || is_loopback(url);
        let problem = if !has_scheme || url.contains('#') {
            "is not an `https://` URL without a user and a fragment"
        } else if url.len() > MAX_LOCATION_BYTES {
            "is too long"
        } else {
            return Some(url.to_owned());
        };
        let message = format!("`{member}` of `{file}` {problem}: `{}`", shown_address(url));
        let help = url
            .starts_with("http://")
            .then_some("the issuer must serve it over TLS; `http://` is for loopback only");
        self.fault(message, help);
        None
    }

    fn flag(&mut self, members: &Map<String, Value>, member: &str) -> bool {
        match members.get(member) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                let file = shown(self.name.value);
                self.fault(
                    format!("`{member}` of `{file}` is not `true` or `false`"),
                    None,
                );
                false
            }
        }
    }

    /// The texts of a member; `None` if there is none, or it was reported.
    fn texts(&mut self, members: &Map<String, Value>, member: &str) -> Option<Vec<String>> {
        let value = members.get(member)?;
        let list = value.as_array();
        let texts: Option<Vec<String>> = list.and_then(|list| {
            let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect()
        });
        if texts.is_none() {
            let file = shown(self.name.value);
            self.fault(
                format!("`{member}` of `{file}` is not a list of strings"),
                None,
            );
        }
        texts
    }

    /// Checks that a list, if there is one, has what the flow needs.
    fn check_support(
        &mut self,
        members: &Map<String, Value>,
        member: &str,
        wanted: &str,
        help: &str,
    ) {
        let Some(found) = self.texts(members, member) else {
            return;
        };
        if !found.iter().any(|found| found == wanted) {
            let file = shown(self.name.value);
            self.fault(
                format!("`{member}` of `{file}` does not list `{wanted}`"),
                Some(help),
            );
        }
    }
}
