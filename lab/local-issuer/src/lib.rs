//! A sign-in issuer on loopback, for tests and demos: it has the shapes of an Amazon Cognito user pool, two
//! keys that rotate on demand, and injectable faults.
//!
//! It exists because existing emulators rotate nothing and never fail. It is not an identity provider:
//! people sign in by naming themselves, keys come from a public seed, and it listens on loopback only. It
//! verifies nothing, because verification is what is tested against it.
//!
//! | path | purpose |
//! |---|---|
//! | `/POOL/.well-known/jwks.json` | the published keys; faults are injected here |
//! | `/POOL/.well-known/openid-configuration` | the endpoints |
//! | `/login`, `/oauth2/authorize` | a sign-in page: implicit flow and code flow with PKCE |
//! | `/oauth2/token` | exchanges a code, or a refresh token, for tokens |
//! | `/oauth2/revoke`, `/logout` | ends a refresh token; redirects to the client's `logout_uri` |
//! | `/admin/keys`, `/admin/rotate`, `/admin/publish`, `/admin/withdraw` | the keys |
//! | `/admin/fault`, `/admin/token-fault` | the current fault of the key set, and of the token endpoint |
//! | `/admin/fetches` | the number of fetches |
//! | `/admin/token`, `/admin/clients` | mints any token; registers an app client with its redirect URIs |

mod admin;
mod clients;
mod codes;
mod fault;
mod issuer;
mod keys;
mod login;
mod people;
mod reply;
mod routes;
mod server;
mod sessions;
mod tokens;

pub use clients::Client;
pub use issuer::{Options, Problem};
pub use people::{BadPeople, People};
pub use server::{BindError, LocalIssuer, Running};
