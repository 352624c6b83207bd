//! Changes of `[sign_in]`. Secrets are compared and never shown: only their names are.

use tollgate_gate::config::GateConfig;
use tollgate_gate::sign_in::{
    ClientAuth, Endpoints, SealSecret, SignInConfig, SignInProvider, SignOut,
};

use super::{Changes, Opens, Setting, issuer_name};

const SETTING: Setting = Setting::SignIn;
/// The start of each change of the only provider.
const ONE: &str = "sign-in";

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
            providers,
            origins,
            path,
            secrets,
            signed_out,
            page,
        } = old;
        self.providers((providers, old_gate), (&new.providers, new_gate));
        let text = |text: &String| text.clone();
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

    /// The first is compared with the first, the others by the names of their issuers: positions may change.
    fn providers(
        &mut self,
        (old, old_gate): (&[SignInProvider], &GateConfig),
        (new, new_gate): (&[SignInProvider], &GateConfig),
    ) {
        let names = |providers: &[SignInProvider], gate| -> Vec<String> {
            let name =
                |provider: &SignInProvider| issuer_name(gate, provider.issuer).unwrap_or_default();
            providers.iter().map(name).collect()
        };
        let (old_names, new_names) = (names(old, old_gate), names(new, new_gate));
        let what = "sign-in: the issuer";
        if let ([old_name], [new_name]) = (old_names.as_slice(), new_names.as_slice()) {
            self.differ(SETTING, what, old_name, new_name, Opens::May);
        } else {
            let lists = (old_names.as_slice(), new_names.as_slice());
            self.lists(SETTING, "sign-in: the issuers", lists, |name| name.clone());
        }
        for (nth, (provider, name)) in old.iter().zip(&old_names).enumerate() {
            let is_single = old.len() == 1 && new.len() == 1;
            let at = new_names.iter().position(|other| other == name);
            let at = if is_single { Some(nth) } else { at };
            let Some(other) = at.and_then(|at| new.get(at)) else {
                continue;
            };
            let of = if is_single {
                ONE.to_owned()
            } else {
                format!("sign-in at `{name}`")
            };
            self.provider(&of, provider, other);
            // The first has no name in its path, so a new order of the tables moves it.
            if let (false, Some(at)) = (is_single, at)
                && (nth == 0) != (at == 0)
            {
                let uri = |at: usize| match at {
                    0 => "callback".to_owned(),
                    _ => format!("callback/{name}"),
                };
                let what = format!(
                    "{of}: the redirect URI, which the issuer must know: {} became {}",
                    uri(nth),
                    uri(at)
                );
                self.note(SETTING, what, Opens::Never);
            }
        }
    }

    fn provider(&mut self, of: &str, old: &SignInProvider, new: &SignInProvider) {
        let SignInProvider {
            issuer: _,
            label,
            client,
            client_auth,
            scopes,
            parameters,
            endpoints,
        } = old;
        self.values(SETTING, &format!("{of}: the client"), client, &new.client);
        self.client_auth(of, client_auth, &new.client_auth);
        let lists = (scopes.as_slice(), new.scopes.as_slice());
        let text = |text: &String| text.clone();
        self.lists(SETTING, &format!("{of}: the scopes"), lists, text);
        let lists = (parameters.as_slice(), new.parameters.as_slice());
        let pair = |(name, value): &(String, String)| format!("{name}={value}");
        self.lists(SETTING, &format!("{of}: the parameters"), lists, pair);
        // Users of one provider do not see it.
        if of != ONE {
            let what = format!("{of}: the label");
            self.differ(SETTING, &what, label, &new.label, Opens::Never);
        }
        self.endpoints(of, endpoints, &new.endpoints);
    }

    fn client_auth(&mut self, of: &str, old: &ClientAuth, new: &ClientAuth) {
        let parts = |auth: &ClientAuth| match auth {
            ClientAuth::None => ("none", None),
            ClientAuth::Basic(secret) => ("client_secret_basic", Some(secret.clone())),
            ClientAuth::Post(secret) => ("client_secret_post", Some(secret.clone())),
        };
        let ((old, old_secret), (new, new_secret)) = (parts(old), parts(new));
        let what = format!("{of}: how the client authenticates");
        self.values(SETTING, &what, &old, &new);
        if let (Some(old), Some(new)) = (old_secret, new_secret) {
            let what = format!("{of}: the client secret");
            self.differ(SETTING, &what, &old, &new, Opens::May);
        }
    }

    fn endpoints(&mut self, of: &str, old: &Endpoints, new: &Endpoints) {
        let Endpoints {
            authorization,
            token,
            sign_out,
            revocation,
            names_issuer,
        } = old;
        let what = format!("{of}: the authorization endpoint");
        self.values(SETTING, &what, authorization, &new.authorization);
        let what = format!("{of}: the token endpoint");
        self.values(SETTING, &what, token, &new.token);
        let way = |sign_out: &SignOut| match sign_out {
            SignOut::Local => "only here".to_owned(),
            SignOut::EndSession(url) => url.clone(),
            SignOut::Cognito(url) => format!("{url} (Cognito)"),
        };
        let what = format!("{of}: where users sign out");
        self.values(SETTING, &what, &way(sign_out), &way(&new.sign_out));
        let url = |url: &Option<String>| url.clone().unwrap_or_else(|| "none".to_owned());
        let what = format!("{of}: the endpoint that revokes tokens");
        self.values(SETTING, &what, &url(revocation), &url(&new.revocation));
        let what = format!("{of}: whether the issuer names itself in the callback");
        self.values(SETTING, &what, names_issuer, &new.names_issuer);
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
