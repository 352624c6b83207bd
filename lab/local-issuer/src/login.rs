//! The hosted sign-in page and the code exchange, as in user pools: a page served by the issuer, a form, and
//! a redirect to a URI that the client registered. Naming a person is enough to sign in as that person.

use http::{StatusCode, header};
use serde_json::{Map, json};

use crate::codes::Grant;
use crate::issuer::{Ask, Issuer};
use crate::keys::TokenUse;
use crate::reply::{Reply, html, json_reply, oauth_error, status, text};
use crate::tokens::Issue;

/// Parameters of a query or a form, in order.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn read(bytes: &[u8]) -> Form {
        Form(form_urlencoded::parse(bytes).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut named = self.0.iter().filter(|(own, _)| own == name);
        named.next().map(|(_, value)| value.as_str())
    }
}

/// A validated authorization request: it is safe to redirect to its URI.
struct Request {
    client: String,
    redirect_uri: String,
    wants_code: bool,
    state: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
}

/// The reason why a request is rejected without a redirect.
struct Refused(&'static str);

impl Refused {
    fn into_reply(self) -> Reply {
        text(StatusCode::BAD_REQUEST, self.0)
    }
}

impl Request {
    /// Validates a request; nothing is ever sent to an unregistered URI.
    fn read(issuer: &Issuer, form: &Form) -> Result<Request, Refused> {
        let own = |name: &str| form.get(name).map(str::to_owned);
        let (Some(client), Some(redirect_uri)) = (own("client_id"), own("redirect_uri")) else {
            return Err(Refused("client_id and redirect_uri are required"));
        };
        if !issuer.clients.may_redirect(&client, &redirect_uri) {
            return Err(Refused("this client has not registered this redirect_uri"));
        }
        let wants_code = match form.get("response_type") {
            Some("code") => true,
            Some("token") => false,
            _ => return Err(Refused("response_type must be `token` or `code`")),
        };
        let challenge = own("code_challenge");
        if challenge.is_some() && form.get("code_challenge_method") != Some("S256") {
            return Err(Refused("code_challenge_method must be `S256`"));
        }
        Ok(Request {
            client,
            redirect_uri,
            wants_code,
            state: own("state"),
            nonce: own("nonce"),
            challenge,
        })
    }
}

/// `GET /login`: the page with a button for each person.
pub(crate) fn page(issuer: &Issuer, ask: &Ask<'_>) -> Reply {
    let form = Form::read(ask.query.as_bytes());
    if let Err(refused) = Request::read(issuer, &form) {
        return refused.into_reply();
    }
    let fields: String = form
        .0
        .iter()
        .map(|(name, value)| {
            let (name, value) = (escaped(name), escaped(value));
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n")
        })
        .collect();
    let buttons: String = issuer
        .people
        .names()
        .map(|name| {
            let name = escaped(name);
            format!("<button name=\"username\" value=\"{name}\">{name}</button>\n")
        })
        .collect();
    html(format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Sign in</title>\n\
         <h1>Sign in</h1>\n<p>A test issuer: whoever you say you are, you are.</p>\n\
         <form method=\"post\" action=\"/login\">\n{fields}{buttons}</form>\n</html>\n"
    ))
}

/// `POST /login`: receives the form and redirects the person to the client.
pub(crate) fn sign_in(issuer: &mut Issuer, ask: &Ask<'_>) -> Reply {
    // The page sends its fields in the body; a client without a browser may send them in the query.
    let mut form = Form::read(ask.body);
    form.0.extend(Form::read(ask.query.as_bytes()).0);
    let request = match Request::read(issuer, &form) {
        Ok(request) => request,
        Err(refused) => return refused.into_reply(),
    };
    let name = form.get("username").unwrap_or_default();
    if issuer.people.named(name).is_none() {
        return text(StatusCode::UNAUTHORIZED, "no person has this name");
    }
    let mut answer = form_urlencoded::Serializer::new(String::new());
    let separator = if request.wants_code {
        let grant = Grant {
            client: request.client,
            redirect_uri: request.redirect_uri.clone(),
            person: name.to_owned(),
            nonce: request.nonce,
            challenge: request.challenge,
        };
        answer.append_pair("code", &issuer.codes.give(grant, ask.now));
        if request.redirect_uri.contains('?') {
            '&'
        } else {
            '?'
        }
    } else {
        let Some([id, access]) = pair(issuer, &request.client, name, request.nonce.as_deref(), ask)
        else {
            return status(StatusCode::INTERNAL_SERVER_ERROR);
        };
        answer
            .append_pair("id_token", &id)
            .append_pair("access_token", &access)
            .append_pair("expires_in", &issuer.life_secs.to_string())
            .append_pair("token_type", "Bearer");
        '#'
    };
    if let Some(state) = &request.state {
        answer.append_pair("state", state);
    }
    let location = format!("{}{separator}{}", request.redirect_uri, answer.finish());
    text(StatusCode::FOUND, "signed in").with_header(header::LOCATION, &location)
}

/// `POST /oauth2/token`: exchanges a code or a refresh token for tokens. Any origin may call it, because it returns nothing
/// without a code.
pub(crate) fn token(issuer: &mut Issuer, ask: &Ask<'_>) -> Reply {
    issuer.fetches.token += 1;
    let reply = match issuer.token_faults.strike() {
        // What the client sent was not read, so its code or its refresh token is still valid.
        Some(fault) => fault.spoil("{\"error\":\"temporarily_unavailable\"}".to_owned()),
        None => exchange(issuer, ask),
    };
    reply.with_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}

fn exchange(issuer: &mut Issuer, ask: &Ask<'_>) -> Reply {
    let form = Form::read(ask.body);
    let given = |name| form.get(name).unwrap_or_default();
    let client = given("client_id");
    if !issuer.clients.knows(client) {
        return oauth_error("invalid_client");
    }
    let grant = match form.get("grant_type") {
        Some("authorization_code") => issuer.codes.redeem(
            given("code"),
            client,
            given("redirect_uri"),
            form.get("code_verifier"),
            ask.now,
        ),
        Some("refresh_token") => {
            let token = given("refresh_token");
            let grant = issuer.refresh_tokens.redeem(token, client);
            // A refreshed ID token has no nonce.
            grant.map(|grant| Grant {
                nonce: None,
                ..grant
            })
        }
        _ => return oauth_error("unsupported_grant_type"),
    };
    let Some(grant) = grant else {
        return oauth_error("invalid_grant");
    };
    match pair(
        issuer,
        &grant.client,
        &grant.person,
        grant.nonce.as_deref(),
        ask,
    ) {
        Some([id, access]) => json_reply(&json!({
            "id_token": id,
            "access_token": access,
            "refresh_token": issuer.refresh_tokens.give(grant),
            "expires_in": issuer.life_secs,
            "token_type": "Bearer",
        })),
        None => oauth_error("server_error"),
    }
}

/// Mints an ID token and an access token for a person.
fn pair(
    issuer: &Issuer,
    client: &str,
    name: &str,
    nonce: Option<&str>,
    ask: &Ask<'_>,
) -> Option<[String; 2]> {
    let issue = Issue {
        issuer: &issuer.issuer,
        client,
        person: issuer.people.named(name)?,
        nonce,
        now: ask.now,
        life_secs: issuer.life_secs,
    };
    let nothing = Map::new();
    let token = |usage| {
        let minter = issuer.keys.signer(usage)?;
        issue.token(usage, &nothing, minter).ok()
    };
    Some([token(TokenUse::Id)?, token(TokenUse::Access)?])
}

/// Escapes a string for a page, safe in content and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(char),
        }
    }
    safe
}
