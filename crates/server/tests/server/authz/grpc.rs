//! Envoy's external authorization over gRPC.

use core::net::SocketAddr;
use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::address::Address as Kind;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{
    Address, HeaderMap, HeaderValue, HeaderValueOption, SocketAddress,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tonic::Code;

use super::support::Side;
use crate::support::{NOW, token};

/// Sends one check over HTTP/2 without encryption.
fn check(addr: SocketAddr, request: CheckRequest) -> Result<CheckResponse, tonic::Status> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let http = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        let origin = format!("http://{addr}").parse().unwrap();
        let mut client = AuthorizationClient::with_origin(http, origin);
        client.check(request).await.map(tonic::Response::into_inner)
    })
}

fn question(method: &str, path: &str, headers: &[(&str, &str)], is_raw: bool) -> CheckRequest {
    let mut http = HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        host: "a.example".to_owned(),
        ..HttpRequest::default()
    };
    if is_raw {
        let headers = headers.iter().map(|(name, value)| HeaderValue {
            key: (*name).to_owned(),
            raw_value: value.as_bytes().to_vec(),
            ..HeaderValue::default()
        });
        http.header_map = Some(HeaderMap {
            headers: headers.collect(),
        });
    } else {
        let mut map: HashMap<String, String> = HashMap::new();
        for (name, value) in headers {
            map.insert((*name).to_owned(), (*value).to_owned());
        }
        http.headers = map;
    }
    let address = SocketAddress {
        address: "203.0.113.7".to_owned(),
        ..SocketAddress::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            source: Some(Peer {
                address: Some(Address {
                    address: Some(Kind::SocketAddress(address)),
                }),
                ..Peer::default()
            }),
            request: Some(Request {
                http: Some(http),
                ..Request::default()
            }),
            ..AttributeContext::default()
        }),
    }
}

fn value<'a>(options: &'a [HeaderValueOption], name: &str) -> Option<&'a str> {
    let mut headers = options.iter().filter_map(|option| option.header.as_ref());
    headers
        .find(|header| header.key == name)
        .map(|header| header.value.as_str())
}

#[test]
fn an_allowed_request_is_answered_with_everything_that_the_origin_gets() {
    let side = Side::start("");
    let token = token("students", NOW + 60);
    let cookie = format!("a=1; id_token={token}");
    for is_raw in [true, false] {
        let headers = [
            (":path", "/other"),
            ("cookie", cookie.as_str()),
            ("x-tollgate-subject", "root"),
            ("x-http-method-override", "DELETE"),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        let asked = question("GET", "/courses/a?token=x", &headers, is_raw);
        let answer = check(side.running.addr(), asked).unwrap();
        assert_eq!(answer.status.unwrap().code, Code::Ok as i32);
        let Some(HttpResponse::OkResponse(ok)) = answer.http_response else {
            panic!("denied");
        };
        for (name, expected) in [
            (":path", Some("/courses/a")),
            ("cookie", Some("a=1")),
            ("x-tollgate-subject", Some("")),
            ("x-tollgate-groups", Some("students")),
            ("x-tollgate-rule", Some("site/students")),
            ("authorization", None),
        ] {
            assert_eq!(value(&ok.headers, name), expected, "{name} {is_raw}");
        }
        assert!(
            value(&ok.headers, "x-tollgate-assertion")
                .unwrap()
                .starts_with("eyJ")
        );
        for name in ["authorization", "x-http-method-override"] {
            assert!(
                ok.headers_to_remove.iter().any(|removed| removed == name),
                "{name}"
            );
        }
        for (name, expected, action) in [
            (
                "cache-control",
                "private",
                HeaderAppendAction::AppendIfExistsOrAdd,
            ),
            (
                "surrogate-control",
                "private, no-store",
                HeaderAppendAction::OverwriteIfExists,
            ),
        ] {
            let added = ok.response_headers_to_add.iter();
            let added: Vec<_> = added
                .filter(|one| one.header.as_ref().is_some_and(|header| header.key == name))
                .map(|one| {
                    (
                        value(core::slice::from_ref(one), name).unwrap(),
                        one.append_action,
                    )
                })
                .collect();
            assert_eq!(added, [(expected, action as i32)], "{name}");
        }
    }
}

#[test]
fn a_denied_request_gets_the_response_of_the_gate() {
    let side = Side::start("");
    for (method, path, headers, code, status) in [
        ("GET", "/courses/a", vec![], Code::Unauthenticated, 401),
        ("GET", "/nothing", vec![], Code::PermissionDenied, 403),
        ("DELETE", "/public/a", vec![], Code::PermissionDenied, 405),
        ("GET", "/public/../a", vec![], Code::PermissionDenied, 400),
        (
            "GET",
            "/public/a",
            vec![("x-original-uri", "/b")],
            Code::InvalidArgument,
            400,
        ),
        (
            "GET",
            "/public/a",
            vec![("x_tollgate_rule", "b")],
            Code::InvalidArgument,
            400,
        ),
        (
            "GET",
            "/public/a",
            vec![("bad name", "b")],
            Code::InvalidArgument,
            400,
        ),
    ] {
        let asked = question(method, path, &headers, true);
        let answer = check(side.running.addr(), asked).unwrap();
        assert_eq!(answer.status.unwrap().code, code as i32, "{method} {path}");
        let Some(HttpResponse::DeniedResponse(denied)) = answer.http_response else {
            panic!("allowed: {method} {path}");
        };
        assert_eq!(denied.status.unwrap().code, status, "{method} {path}");
        assert!(!denied.body.is_empty());
        let challenge = value(&denied.headers, "www-authenticate").is_some();
        assert_eq!(challenge, status == 401);
        assert_eq!(value(&denied.headers, "allow").is_some(), status == 405);
    }
}

#[test]
fn the_address_is_that_of_the_source() {
    let side = Side::start("");
    let asked = question("GET", "/office/a", &[], true);
    let answer = check(side.running.addr(), asked).unwrap();
    assert!(matches!(
        answer.http_response,
        Some(HttpResponse::OkResponse(_))
    ));
}

#[test]
fn a_message_without_a_request_is_an_error() {
    let side = Side::start("");
    let error = check(side.running.addr(), CheckRequest::default()).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}
