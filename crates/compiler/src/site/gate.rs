//! The gate's configuration: issuers, token sources, responses.
//!
//! Not here: sessions ([`session`](super::session)), sign-in ([`sign_in`](super::sign_in)), and how the gate uses it.

use tollgate_gate::config::{
    ConfigError, DenyAnswer, DenyConfig, ForwardConfig, GateConfig, Strip, TokenSource,
};

use super::{Input, answer, issuer, pages};
use crate::diagnostic::{Report, codes, shown};
use crate::document::{Table, Text};

const DEFAULT_SOURCE: &str = "authorization";
const DEFAULT_LEEWAY_SECS: u32 = 60;
const DEFAULT_MAX_TOKEN_BYTES: u32 = 8_192;
pub(super) const UNAUTHORIZED: u16 = 401;
const FORBIDDEN: u16 = 403;

/// Reads the configuration; `None` if a part of it is missing, which was reported. `sign_in` is the response that leads
/// to the sign-in of the gate, if it has one.
pub(super) fn read(
    root: Table<'_>,
    sign_in: Option<DenyAnswer>,
    input: Input<'_>,
    report: &mut Report,
) -> Option<GateConfig> {
    let issuers = issuer::read_all(root, input, report);
    let token = root.table("token");
    let number = |key| {
        let number = token.and_then(|token| token.int(key));
        number.and_then(|number| u32::try_from(number).ok())
    };
    let forward = |key| root.table("forward").and_then(|forward| forward.flag(key));
    let token_sources = token_sources(token, report);
    let login = answer::login(root, sign_in.as_ref(), report);
    let deny = root.table("deny");
    let mut read_answer = |key| {
        let table = deny.and_then(|deny| deny.table(key))?;
        answer::read(table, &login, report)
    };
    let by_default = sign_in.unwrap_or(DenyAnswer::Status(UNAUTHORIZED));
    let no_token = read_answer("no_token").unwrap_or(by_default);
    let bad_token = read_answer("bad_token").unwrap_or_else(|| no_token.clone());
    let forbidden = read_answer("forbidden").unwrap_or(DenyAnswer::Status(FORBIDDEN));
    let mut deny_config = DenyConfig {
        no_token,
        bad_token,
        forbidden,
        ..DenyConfig::default()
    };
    if let Some(deny) = deny {
        deny_config.pages = pages::read(deny, &deny_config, input.sources, report);
        deny_config.cors = pages::cors(deny, report);
    }
    Some(GateConfig {
        issuers: issuers?,
        sources: token_sources,
        strip: match token.and_then(|token| token.flag("strip")) {
            Some(true) => Strip::Everything,
            Some(false) => Strip::Nothing,
            None => Strip::Query,
        },
        leeway_secs: number("leeway_secs").unwrap_or(DEFAULT_LEEWAY_SECS),
        max_token_bytes: number("max_bytes").unwrap_or(DEFAULT_MAX_TOKEN_BYTES),
        claim_places: Vec::new(),
        forward: ForwardConfig {
            identity: forward("identity").unwrap_or(false),
            private: forward("private").unwrap_or(true),
        },
        deny: deny_config,
        session: None,
        sign_in: None,
        site: root.table("site")?.text("name")?.value.to_owned(),
    })
}

fn token_sources(token: Option<Table<'_>>, report: &mut Report) -> Vec<TokenSource> {
    let Some(token) = token.filter(|token| token.has("from")) else {
        return vec![TokenSource::Header(DEFAULT_SOURCE.to_owned())];
    };
    let mut sources: Vec<(TokenSource, Text<'_>)> = Vec::new();
    for text in token
        .texts("from")
        .into_iter()
        .filter(|text| !text.value.is_empty())
    {
        let source = match TokenSource::from_text(text.value) {
            Ok(source) => source,
            Err(error) => {
                report_source(&text, error, report);
                continue;
            }
        };
        // Exact repetitions were reported with the shape of the list; here it is about case.
        let twice = sources.iter().find(|(earlier, _)| *earlier == source);
        if let Some((_, first)) = twice {
            if first.value != text.value {
                let message = format!("`{}` is the same header field as before", shown(text.value));
                let diagnostic = report.add(&codes::BAD_TOKEN_SOURCE, text.span, message);
                diagnostic
                    .also(first.span, "first here")
                    .help("remove one of them");
            }
            continue;
        }
        sources.push((source, text));
    }
    sources.into_iter().map(|(source, _)| source).collect()
}

fn report_source(text: &Text<'_>, error: ConfigError, report: &mut Report) {
    let message = format!("`{}` is not a token source", shown(text.value));
    let diagnostic = report.add(&codes::BAD_TOKEN_SOURCE, text.span, message);
    match text.value.split_once(':') {
        None => diagnostic.help(format!(
            "did you mean `header:{0}`, `cookie:{0}` or `query:{0}`?",
            text.value
        )),
        _ => diagnostic.help(error.to_string()),
    };
}
