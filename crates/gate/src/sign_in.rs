//! Sign-in: the authorization code flow with PKCE, and the sessions that it begins.

pub use crate::sign_in_config::{
    ClientAuth, Endpoints, MAX_CLIENT_BYTES, MAX_SEAL_KID_BYTES, MAX_SEAL_SECRETS,
    MAX_SIGN_IN_ORIGINS, MAX_SIGN_IN_PATH_BYTES, MAX_SIGN_IN_SCOPES, SEAL_SECRET_BYTES, SealSecret,
    SignInConfig, SignOut,
};
