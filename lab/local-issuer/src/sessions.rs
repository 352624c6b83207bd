//! Refresh tokens, and the way out: as in user pools with rotation, each refresh token is valid once.

use http::{StatusCode, header};

use crate::codes::Grant;
use crate::issuer::{Ask, Issuer};
use crate::login::Form;
use crate::reply::{Reply, oauth_error, status, text};

/// Refresh tokens that have been issued and not been used.
#[derive(Debug, Default)]
pub(crate) struct RefreshTokens(Vec<(String, Grant)>);

impl RefreshTokens {
    /// Issues a new token for this grant.
    pub(crate) fn give(&mut self, grant: Grant) -> String {
        let token = format!("{:032x}", fastrand::u128(..));
        self.0.push((token.clone(), grant));
        token
    }

    /// Returns the grant of a token of this client. The token is used up.
    pub(crate) fn redeem(&mut self, token: &str, client: &str) -> Option<Grant> {
        let mut all = self.0.iter();
        let place = all.position(|(own, grant)| own == token && grant.client == client)?;
        Some(self.0.swap_remove(place).1)
    }
}

/// `POST /oauth2/revoke`: a refresh token ends (RFC 7009). An unknown one is not an error.
pub(crate) fn revoke(issuer: &mut Issuer, ask: &Ask<'_>) -> Reply {
    let form = Form::read(ask.body);
    let given = |name| form.get(name).unwrap_or_default();
    if !issuer.clients.knows(given("client_id")) {
        return oauth_error("invalid_client");
    }
    issuer
        .refresh_tokens
        .redeem(given("token"), given("client_id"));
    status(StatusCode::OK)
}

/// `GET /logout`: redirects to the URI of the client, if it is registered. Nobody has a session here.
pub(crate) fn sign_out(issuer: &Issuer, ask: &Ask<'_>) -> Reply {
    let form = Form::read(ask.query.as_bytes());
    let given = |name| form.get(name).unwrap_or_default();
    let back = given("logout_uri");
    if !issuer.clients.may_redirect(given("client_id"), back) {
        return text(
            StatusCode::BAD_REQUEST,
            "this client has not registered this logout_uri",
        );
    }
    text(StatusCode::FOUND, "signed out").with_header(header::LOCATION, back)
}
