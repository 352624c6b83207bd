//! The body type of all responses, whatever their source.

use core::error::Error;

use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};

/// An error while a body is being sent. The client sees a truncated response.
pub(crate) type BodyError = Box<dyn Error + Send + Sync>;

/// A body of any source.
pub(crate) type AnyBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>;

/// Erases the type of a body.
pub(crate) fn boxed<B>(body: B) -> AnyBody
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// A body that keeps a value until it is sent or abandoned.
pub(crate) fn holding(body: AnyBody, held: impl Send + 'static) -> AnyBody {
    let keep = move |error| {
        let _ = &held;
        error
    };
    body.map_err(keep).boxed_unsync()
}

/// A body that is complete in memory.
pub(crate) fn full(bytes: impl Into<Bytes>) -> AnyBody {
    boxed(Full::new(bytes.into()))
}

/// A response of this server itself: the status and its standard phrase as plain text.
pub(crate) fn plain(status: StatusCode) -> Response<AnyBody> {
    let text = format!("{}\n", status.canonical_reason().unwrap_or("error"));
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Makes `response` the last of its connection.
pub(crate) fn closing(mut response: Response<AnyBody>) -> Response<AnyBody> {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}
