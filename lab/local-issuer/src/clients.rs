//! App clients and their redirect URIs. A redirect URI is compared byte for byte.

/// An app client, as in a user pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its ID: the `aud` of ID tokens, the `client_id` of access tokens.
    pub id: String,
    /// The URIs to which its users may be redirected.
    pub redirect_uris: Vec<String>,
}

/// The registered clients.
#[derive(Debug, Default)]
pub(crate) struct Clients(Vec<Client>);

impl Clients {
    /// Registers a client, or replaces the URIs of a registered one.
    pub(crate) fn register(&mut self, client: Client) {
        self.0.retain(|known| known.id != client.id);
        self.0.push(client);
    }

    /// Whether this client is registered.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|client| client.id == id)
    }

    /// Whether this client's users may be redirected to exactly this URI.
    pub(crate) fn may_redirect(&self, id: &str, uri: &str) -> bool {
        self.0
            .iter()
            .any(|client| client.id == id && client.redirect_uris.iter().any(|own| own == uri))
    }

    /// The first client, the default audience of tokens.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(|client| client.id.as_str())
    }
}
