//! A sign-in issuer on loopback, for tests and demos: it has the shapes of an Amazon Cognito user
//! pool, two keys that rotate when they are told to, and faults on demand.
//!
//! It exists because the emulators at hand rotate nothing and never fail. It is no identity provider:
//! people sign in by naming themselves, keys come from a seed that anybody can read, and it listens on
//! loopback only. It verifies nothing, for that is what is tested against it.
//!
//! | path | what it is |
//! |---|---|
//! | `/POOL/.well-known/jwks.json` | the published keys; faults strike here |
//! | `/POOL/.well-known/openid-configuration` | where everything is |
//! | `/login`, `/oauth2/authorize` | a sign-in page: implicit flow and code flow with PKCE |
//! | `/oauth2/token` | a code for tokens |
//! | `/admin/keys`, `/admin/rotate`, `/admin/publish`, `/admin/withdraw` | the keys |
//! | `/admin/fault`, `/admin/fetches` | how the key set answers, and how often it was asked |
//! | `/admin/token`, `/admin/clients` | any token at once; an app client with its redirect URIs |

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
mod tokens;

pub use clients::Client;
pub use issuer::{Options, Problem};
pub use people::{BadPeople, People};
pub use server::{BindError, LocalIssuer, Running};
