//! Envoy's external authorization over gRPC: `envoy.service.auth.v3.Authorization/Check`.
//!
//! Not here: decisions, and what an allowed request gets ([`reply`](super::reply)).

use core::str;
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::address::Address;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::Authorization;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse,
};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::protobuf::BoolValue;
use envoy_types::pb::google::rpc;
use http::HeaderName;
use http::header::{CACHE_CONTROL, HOST, SET_COOKIE};
use tollgate_gate::CacheEdit;
use tonic::codegen::async_trait;
use tonic::{Code, Request, Response, Status};

use super::beside::Beside;
use super::dialect::{BadQuestion, Dialect};
use super::reply::{Changes, Reply};

/// The service, on the shared server.
pub(super) struct Checks(pub(super) Arc<Beside>);

#[async_trait]
impl Authorization for Checks {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let attributes = request.into_inner().attributes.unwrap_or_default();
        let AttributeContext {
            source, request, ..
        } = attributes;
        let Some(http) = request.and_then(|request| request.http) else {
            return Err(Status::invalid_argument(
                "`attributes.request.http` is missing",
            ));
        };
        let peer = source.and_then(|peer| peer.address?.address);
        let ip = match peer {
            Some(Address::SocketAddress(socket)) => Some(socket.address),
            _ => None,
        };
        let HttpRequest {
            method,
            path,
            host,
            headers,
            header_map,
            ..
        } = http;
        let lines = match header_map {
            Some(map) => raw(map.headers),
            None => joined(headers),
        };
        let read = lines.and_then(|mut lines| {
            lines.retain(|(name, _)| name != HOST);
            let mut asked = Dialect::Grpc.read((&method, path.as_bytes()), lines)?;
            asked.headers.push((HOST, host.into_bytes()));
            asked.ip = ip;
            Ok(asked)
        });
        let asked = match read {
            Ok(asked) => asked,
            Err(bad) => return Ok(Response::new(self.0.rejected_grpc(&bad))),
        };
        let reply = self.0.ask(Dialect::Grpc, &asked, true).await;
        Ok(Response::new(match reply {
            None => denied(Code::Internal, 500, Vec::new(), String::new()),
            Some(Reply::Forward(changes)) => allowed(*changes, path.as_bytes(), &asked.headers),
            Some(Reply::Send(own)) => {
                let code = match own.status {
                    401 => Code::Unauthenticated,
                    _ => Code::PermissionDenied,
                };
                let headers = own.headers.iter();
                let headers =
                    headers.map(|(name, value)| field(name, value.clone(), Write::Append));
                denied(code, own.status, headers.collect(), own.body.into_owned())
            }
        }))
    }
}

impl Beside {
    fn rejected_grpc(&self, bad: &BadQuestion) -> CheckResponse {
        self.rejected(Dialect::Grpc, bad);
        let (content_type, body) = super::beside::explained(bad);
        let headers = vec![field(
            "content-type",
            content_type.to_owned(),
            Write::Replace,
        )];
        denied(Code::InvalidArgument, 400, headers, body)
    }
}

/// The caching of a field that some caches prefer to `Cache-Control`.
const NEVER: &str = "private, no-store";

type Lines = Vec<(HeaderName, Vec<u8>)>;

fn name(name: &str) -> Result<HeaderName, BadQuestion> {
    HeaderName::try_from(name).map_err(|_| BadQuestion::Alias(name.to_owned()))
}

/// The header lines of a client, one by one (`encode_raw_headers`).
fn raw(headers: Vec<HeaderValue>) -> Result<Lines, BadQuestion> {
    let mut lines = Vec::with_capacity(headers.len());
    for header in headers {
        let HeaderValue {
            key,
            value,
            raw_value,
        } = header;
        if key.starts_with(':') {
            continue;
        }
        let value = if raw_value.is_empty() {
            value.into_bytes()
        } else {
            raw_value
        };
        lines.push((name(&key)?, value));
    }
    Ok(lines)
}

/// The header lines of a client as a map, in which Envoy joined the lines of a name with commas.
fn joined(headers: impl IntoIterator<Item = (String, String)>) -> Result<Lines, BadQuestion> {
    let fields = headers.into_iter().filter(|(key, _)| !key.starts_with(':'));
    fields
        .map(|(key, value)| Ok((name(&key)?, value.into_bytes())))
        .collect()
}

/// What Envoy does with a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Append,
    Replace,
    /// Only if the message has the field.
    ReplaceIfThere,
}

fn field(name: &str, value: String, how: Write) -> HeaderValueOption {
    let action = match how {
        Write::Append => HeaderAppendAction::AppendIfExistsOrAdd,
        Write::Replace => HeaderAppendAction::OverwriteIfExistsOrAdd,
        Write::ReplaceIfThere => HeaderAppendAction::OverwriteIfExists,
    };
    // Older versions of Envoy read this instead. With `true`, Envoy 1.40 drops the fields of a denial.
    let append = match how {
        Write::Replace => Some(BoolValue { value: false }),
        Write::Append | Write::ReplaceIfThere => None,
    };
    #[expect(deprecated, reason = "older versions of Envoy read only this field")]
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            value,
            raw_value: Vec::new(),
        }),
        append,
        append_action: action.into(),
        keep_empty_value: true,
    }
}

fn allowed(changes: Changes, asked: &[u8], lines: &Lines) -> CheckResponse {
    let Changes {
        target,
        set,
        mut remove,
        set_cookies,
        cache,
    } = changes;
    let mut headers = Vec::with_capacity(set.len() + 1);
    let path = (target != asked).then_some((":path", target));
    for (name, value) in set {
        let mut sent = lines.iter().filter(|(known, _)| *known == name);
        let is_unchanged =
            sent.next().is_some_and(|(_, sent)| *sent == value) && sent.next().is_none();
        if is_unchanged {
            continue;
        }
        // Envoy sets text only. The bytes of a client's cookie need not be text; the origin then gets no cookie.
        match String::from_utf8(value) {
            Ok(value) => headers.push(field(name.as_str(), value, Write::Replace)),
            Err(_) => remove.push(name),
        }
    }
    if let Some((name, target)) = path {
        match String::from_utf8(target) {
            Ok(target) => headers.push(field(name, target, Write::Replace)),
            Err(_) => return denied(Code::Internal, 500, Vec::new(), String::new()),
        }
    }
    let cookies = set_cookies.into_iter();
    let mut added: Vec<_> = cookies
        .map(|cookie| field(SET_COOKIE.as_str(), cookie, Write::Append))
        .collect();
    if let Some(value) = cache.cache_control(&[]) {
        // A second line restricts the origin's: of conflicting directives the most restrictive counts.
        let how = match cache {
            CacheEdit::Keep | CacheEdit::Private => Write::Append,
            CacheEdit::NoStore => Write::Replace,
        };
        added.push(field(CACHE_CONTROL.as_str(), value, how));
    }
    // Envoy can replace fields of a response, but cannot remove them.
    let overrides = cache.removed().iter();
    added.extend(overrides.map(|name| field(name, NEVER.to_owned(), Write::ReplaceIfThere)));
    let ok = OkHttpResponse {
        headers,
        headers_to_remove: remove.iter().map(|name| name.as_str().to_owned()).collect(),
        response_headers_to_add: added,
        ..OkHttpResponse::default()
    };
    CheckResponse {
        status: Some(rpc::Status::default()),
        dynamic_metadata: None,
        http_response: Some(HttpResponse::OkResponse(ok)),
    }
}

fn denied(code: Code, status: u16, headers: Vec<HeaderValueOption>, body: String) -> CheckResponse {
    CheckResponse {
        status: Some(rpc::Status {
            code: code as i32,
            ..rpc::Status::default()
        }),
        dynamic_metadata: None,
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus {
                code: i32::from(status),
            }),
            headers,
            body,
        })),
    }
}
