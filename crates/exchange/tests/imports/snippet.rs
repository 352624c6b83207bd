//! Settings of functions that check Cognito tokens.
//!
//! The function accepts ID tokens of one user pool and app client, possibly of one group, in a
//! cookie that depends on its settings.

use serde_json::{Value, json};
use tollgate_exchange::import::{settings, snippet};

use super::site::{Carried, Site, token};
use super::{Tally, pick};

#[derive(Clone, Debug)]
struct Function {
    pool: &'static str,
    client: &'static str,
    group: Option<&'static str>,
    cookie: Option<&'static str>,
}

fn document(own: &Function, random: &mut fastrand::Rng) -> String {
    let region = own.pool.split('_').next().unwrap();
    let group = own.group.unwrap_or_default();
    let (pool, client) = (own.pool, own.client);
    match (own.cookie, random.usize(..3)) {
        (Some("ID-TOKEN"), _) | (None, 0) => json!({
            "userPoolArn": format!("arn:aws:cognito-idp:{region}:111122223333:userpool/{pool}"),
            "clientId": client,
            "oauthScopes": ["openid"],
            "cookieCompatibility": if own.cookie.is_some() { "elasticsearch" } else { "amplify" },
            "requiredGroup": group,
            "mode": "spaMode",
            "jwks": { "keys": [] },
        })
        .to_string(),
        (_, 1) => format!(
            "const authenticator = new Authenticator({{\n  region: '{region}', // where\n  userPoolId: '{pool}', /* which */\n  userPoolAppId: `{client}`,\n  requiredGroup: '{group}',\n}});\n"
        ),
        _ => format!(
            "export COGNITO_REGION={region}\nCOGNITO_USER_POOL_ID=\"{pool}\" # the pool\nVITE_USER_POOL_CLIENT_ID={client}\nREQUIRED_GROUP={group}\n"
        ),
    }
}

#[test]
fn settings_never_grant_more() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut tally = Tally::default();
    const POOLS: [&str; 2] = ["eu-west-1_Abc", "us-east-1_Def"];
    const CLIENTS: [&str; 2] = ["c1", "c2"];
    const GROUPS: [Option<&str>; 3] = [None, Some("staff"), Some("admins")];
    for _ in 0..150 {
        let own = Function {
            pool: pick(&mut random, &POOLS),
            client: pick(&mut random, &CLIENTS),
            group: pick(&mut random, &GROUPS),
            cookie: pick(&mut random, &[None, Some("ID-TOKEN")]),
        };
        let document = document(&own, &mut random);
        let imported = snippet(&settings(&document).unwrap(), Some(RSA)).unwrap();
        let site = Site::of(&imported);
        tally.imports += 1;
        let lost_before = tally.lost;
        for _ in 0..40 {
            let pool = pick(&mut random, &POOLS);
            let client = pick(&mut random, &CLIENTS);
            let groups: Vec<&str> = pick(&mut random, &GROUPS).into_iter().collect();
            let token_use = pick(&mut random, &["id", "id", "access"]);
            let kid = pick(&mut random, &["learners-1", "learners-1", "other"]);
            let mut claims: Value = json!({
                "iss": format!("https://cognito-idp.{}.amazonaws.com/{pool}", pool.split('_').next().unwrap()),
                "sub": "u", "token_use": token_use, "cognito:groups": groups,
            });
            claims[if token_use == "id" {
                "aud"
            } else {
                "client_id"
            }] = client.into();
            let text = rsa(&token(kid, &claims));
            let cookie = pick(&mut random, &["ID-TOKEN", "other"]);
            let is_header = random.bool();
            let carried = Carried {
                headers: vec![match is_header {
                    true => ("authorization".to_owned(), format!("Bearer {text}")),
                    false => ("cookie".to_owned(), format!("{cookie}={text}")),
                }],
            };
            let is_allowed = site.allows("GET", "/a", &carried).unwrap();
            // Where no cookie can be named, the import offers the header instead.
            let is_there = match own.cookie {
                Some(name) => !is_header && cookie == name,
                None => is_header,
            };
            let is_accepted = is_there
                && kid != "other"
                && pool == own.pool
                && client == own.client
                && token_use == "id"
                && own.group.is_none_or(|group| groups.contains(&group));
            assert!(
                is_accepted || !is_allowed,
                "{own:?} {claims} {carried:?}\n{document}\n{}",
                site.text
            );
            tally.both += usize::from(is_allowed);
            tally.lost += usize::from(is_accepted && !is_allowed);
        }
        tally.exact += usize::from(tally.lost == lost_before);
    }
    tally.demand("snippet", 100, 100);
}

const RSA: &str = include_str!("../../../../policy/keys/learners.jwks.json");

/// The token with an RS256 header.
fn rsa(token: &str) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let parts: Vec<&str> = token.split('.').collect();
    let header = Base64UrlUnpadded::decode_vec(parts[0]).unwrap();
    let header = String::from_utf8(header).unwrap().replace("ES256", "RS256");
    let part = Base64UrlUnpadded::encode_string;
    format!(
        "{}.{}.{}",
        part(header.as_bytes()),
        parts[1],
        part(&[b'G'; 256])
    )
}
