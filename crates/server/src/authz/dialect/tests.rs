//! Which questions are read, and which are rejected with which code.

use http::HeaderName;

use super::Dialect;

/// A dialect, the request line, header lines, and what is read: `method target host ip`, or a code.
type Row = (Dialect, &'static str, &'static [&'static str], &'static str);

#[test]
fn each_dialect_reads_only_its_own_fields() {
    let table: &[Row] = &[
        (
            Dialect::Nginx,
            "GET /auth/nginx",
            &[
                "host: a.example",
                "x-original-uri: /a%2Fb?c",
                "x-original-method: PUT",
            ],
            "PUT /a%2Fb?c a.example -",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x-real-ip: 203.0.113.7",
            ],
            "GET /a - 203.0.113.7",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &["x-original-method: GET"],
            "missing_header",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &["x-original-uri: /a"],
            "missing_header",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-uri: /b",
                "x-original-method: GET",
            ],
            "header_twice",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x-forwarded-uri: /b",
            ],
            "other_dialect",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x-forwarded-for: 192.0.2.1",
            ],
            "other_dialect",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x-original-url: /b",
            ],
            "other_dialect",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x_original_uri: /b",
            ],
            "header_alias",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x_tollgate_subject: b",
            ],
            "header_alias",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x-tollgate.subject: b",
            ],
            "header_alias",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x-tollgate-role: b",
            ],
            "header_alias",
        ),
        (
            Dialect::Grpc,
            "GET /a",
            &["x_http_method_override: b"],
            "header_alias",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x-envoy-external-address: 192.0.2.1",
            ],
            "GET /a - -",
        ),
        // The gate removes these.
        (
            Dialect::Grpc,
            "GET /a",
            &["x-http-method-override: b"],
            "GET /a - -",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &[
                "x-original-uri: /a",
                "x-original-method: GET",
                "x-tollgate-subject: b",
            ],
            "GET /a - -",
        ),
        (
            Dialect::Nginx,
            "GET /",
            &["x-original-uri: /a", "x-original-method: G T"],
            "bad_method",
        ),
        (
            Dialect::Haproxy,
            "GET /",
            &["x-original-uri: *", "x-original-method: OPTIONS"],
            "OPTIONS * - -",
        ),
        (
            Dialect::Forward,
            "GET /auth/forward",
            &[
                "host: authz:9191",
                "x-forwarded-method: POST",
                "x-forwarded-proto: https",
                "x-forwarded-host: a.example",
                "x-forwarded-uri: /a?b",
                "x-forwarded-for: 192.0.2.1, 203.0.113.7",
                "x-real-ip: 192.0.2.9",
            ],
            "POST /a?b a.example 203.0.113.7",
        ),
        (
            Dialect::Forward,
            "GET /",
            &["x-forwarded-uri: /a"],
            "missing_header",
        ),
        (
            Dialect::Forward,
            "GET /",
            &[
                "x-forwarded-uri: /a",
                "x-forwarded-method: GET",
                "x-original-uri: /b",
            ],
            "other_dialect",
        ),
        (
            Dialect::Forward,
            "GET /",
            &[
                "x-forwarded-uri: /a",
                "x-forwarded-method: GET",
                "x.forwarded.uri: /b",
            ],
            "header_alias",
        ),
        (
            Dialect::Forward,
            "GET /",
            &[
                "x-forwarded-uri: /a",
                "x-forwarded-method: GET",
                "x-forwarded-for: 192.0.2.1",
                "x-forwarded-for: 192.0.2.2",
            ],
            "header_twice",
        ),
        (
            Dialect::Envoy,
            "DELETE /a/../b",
            &[
                "host: a.example",
                "x-forwarded-for: 203.0.113.7",
                "x-forwarded-proto: http",
            ],
            "DELETE /a/../b a.example 203.0.113.7",
        ),
        (
            Dialect::Envoy,
            "GET /a",
            &[
                "x-envoy-external-address: 203.0.113.7",
                "x-forwarded-for: 192.0.2.1",
            ],
            "GET /a - 203.0.113.7",
        ),
        (
            Dialect::Envoy,
            "GET /a",
            &["x-envoy-original-path: /b"],
            "other_dialect",
        ),
        (
            Dialect::Envoy,
            "GET /a",
            &["x-original-uri: /b"],
            "other_dialect",
        ),
        (
            Dialect::Grpc,
            "GET /a",
            &["x-forwarded-for: 192.0.2.1"],
            "GET /a - -",
        ),
        (
            Dialect::Grpc,
            "GET /a",
            &["x-original-uri: /b"],
            "other_dialect",
        ),
        (
            Dialect::Grpc,
            "GET /a",
            &["x_tollgate_subject: b"],
            "header_alias",
        ),
        (
            Dialect::IngressNginx,
            "GET /",
            &[
                "host: authz",
                "x-original-url: https://a.example/b//c?d",
                "x-original-method: GET",
                "x-real-ip: 203.0.113.7",
                "x-forwarded-for: 203.0.113.7",
            ],
            "GET /b//c?d a.example 203.0.113.7",
        ),
        (
            Dialect::IngressNginx,
            "GET /",
            &["x-original-url: /b", "x-original-method: GET"],
            "bad_url",
        ),
        (
            Dialect::IngressNginx,
            "GET /",
            &[
                "x-original-url: https://a/b",
                "x-original-method: GET",
                "x-original-uri: /c",
            ],
            "other_dialect",
        ),
    ];
    for (dialect, line, lines, expected) in table {
        let (method, target) = line.split_once(' ').unwrap();
        let headers: Vec<_> = lines
            .iter()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (HeaderName::from_static(name), value.as_bytes().to_vec()))
            .collect();
        let read = match dialect.read((method, target.as_bytes()), headers) {
            Err(bad) => bad.code().to_owned(),
            Ok(asked) => {
                let host = asked.headers.iter().find(|(name, _)| name == "host");
                let host = host.map_or("-".into(), |(_, host)| String::from_utf8_lossy(host));
                let target = String::from_utf8_lossy(&asked.target);
                let ip = asked.ip.as_deref().unwrap_or("-");
                format!("{} {target} {host} {ip}", asked.method)
            }
        };
        assert_eq!(read, *expected, "{dialect:?} {lines:?}");
    }
}
