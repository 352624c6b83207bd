//! Changes of `[sign_in]`. Secrets are compared and never shown: only their names are.

use tollgate_gate::config::GateConfig;
use tollgate_gate::sign_in::{ClientAuth, Endpoints, SealSecret, SignInConfig, SignOut};

use super::{Changes, Opens, Setting, issuer_name};

const SETTING: Setting = Setting::SignIn;

impl Changes {
    pub(super) fn sign_in(
        &mut self,
        (old, old_gate): (Option<&SignInConfig>, &GateConfig),
        (new, new_gate): (Option<&SignInConfig>, &GateConfig),
    ) {
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => return,
            (None, Some(_)) => return self.note(SETTING, "sign-in was added", Opens::May),
            // Its paths are decided by rules then.
            (Some(_), None) => return self.note(SETTING, "sign-in was removed", Opens::May),
        };
        let SignInConfig {
            issuer,
            client,
            client_auth,
            scopes,
            endpoints,
            origins,
            path,
            secrets,
            signed_out,
            page,
        } = old;
        // A position; the issuers themselves are compared by name.
        let names = (
            issuer_name(old_gate, *issuer),
            issuer_name(new_gate, new.issuer),
        );
        let what = "sign-in: the issuer";
        self.differ(SETTING, what, &names.0, &names.1, Opens::May);
        self.values(SETTING, "sign-in: the client", client, &new.client);
        self.client_auth(client_auth, &new.client_auth);
        let text = |text: &String| text.clone();
        let lists = (scopes.as_slice(), new.scopes.as_slice());
        self.lists(SETTING, "sign-in: the scopes", lists, text);
        self.endpoints(endpoints, &new.endpoints);
        let lists = (origins.as_slice(), new.origins.as_slice());
        self.lists(SETTING, "sign-in: the origins", lists, text);
        let what = "sign-in: the path that the gate answers itself";
        self.values(SETTING, what, path, &new.path);
        self.secrets(secrets, &new.secrets);
        let what = "sign-in: where users return to after they sign out";
        let (old, new_path) = (signed_out, &new.signed_out);
        self.differ(SETTING, what, old, new_path, Opens::Never);
        let what = "sign-in: the page";
        self.differ(SETTING, what, page, &new.page, Opens::Never);
    }

    fn client_auth(&mut self, old: &ClientAuth, new: &ClientAuth) {
        let parts = |auth: &ClientAuth| match auth {
            ClientAuth::None => ("none", None),
            ClientAuth::Basic(secret) => ("client_secret_basic", Some(secret.clone())),
            ClientAuth::Post(secret) => ("client_secret_post", Some(secret.clone())),
        };
        let ((old, old_secret), (new, new_secret)) = (parts(old), parts(new));
        self.values(SETTING, "sign-in: how the client authenticates", &old, &new);
        if let (Some(old), Some(new)) = (old_secret, new_secret) {
            let what = "sign-in: the client secret";
            self.differ(SETTING, what, &old, &new, Opens::May);
        }
    }

    fn endpoints(&mut self, old: &Endpoints, new: &Endpoints) {
        let Endpoints {
            authorization,
            token,
            sign_out,
            revocation,
            names_issuer,
        } = old;
        let what = "sign-in: the authorization endpoint";
        self.values(SETTING, what, authorization, &new.authorization);
        self.values(SETTING, "sign-in: the token endpoint", token, &new.token);
        let way = |sign_out: &SignOut| match sign_out {
            SignOut::Local => "only here".to_owned(),
            SignOut::EndSession(url) => url.clone(),
            SignOut::Cognito(url) => format!("{url} (Cognito)"),
        };
        let what = "sign-in: where users sign out";
        self.values(SETTING, what, &way(sign_out), &way(&new.sign_out));
        let url = |url: &Option<String>| url.clone().unwrap_or_else(|| "none".to_owned());
        let what = "sign-in: the endpoint that revokes tokens";
        self.values(SETTING, what, &url(revocation), &url(&new.revocation));
        let what = "sign-in: whether the issuer names itself in the callback";
        self.values(SETTING, what, names_issuer, &new.names_issuer);
    }

    fn secrets(&mut self, old: &[SealSecret], new: &[SealSecret]) {
        let names = |secrets: &[SealSecret]| -> Vec<String> {
            secrets.iter().map(|secret| secret.kid.clone()).collect()
        };
        let (old_names, new_names) = (names(old), names(new));
        let what = "sign-in: the secrets that seal cookies";
        let lists = (old_names.as_slice(), new_names.as_slice());
        self.lists(SETTING, what, lists, |kid| kid.clone());
        for secret in old {
            let SealSecret { kid, key } = secret;
            let other = new.iter().find(|other| other.kid == *kid);
            if other.is_some_and(|other| other.key != *key) {
                let what = format!("sign-in: the secret `{kid}` that seals cookies");
                self.note(SETTING, what, Opens::May);
            }
        }
    }
}

#[cfg(test)]
mod tests;
