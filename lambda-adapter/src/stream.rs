//! A streamed response, as the Lambda runtime sends it.
//!
//! For function URLs with `InvokeMode: RESPONSE_STREAM`. If reading the body fails, the response is aborted,
//! so that no client mistakes a part for the whole. Not here: the source of the bytes.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_runtime::MetadataPrelude;
use lambda_runtime::streaming::{Body, Response, channel};

use crate::content::{self, HttpReply};
use crate::store::Chunks;

/// Builds the response with its body. Must be called inside a tokio runtime.
pub fn response<B: Chunks + 'static>(reply: HttpReply, chunks: Option<B>) -> Response<Body> {
    let metadata_prelude = prelude(&reply);
    let (mut sender, stream) = channel();
    tokio::spawn(async move {
        let own = match reply.body {
            content::Body::Text(text) => text.into_owned().into_bytes(),
            content::Body::Bytes(bytes) => bytes,
        };
        if !own.is_empty() && sender.send_data(own.into()).await.is_err() {
            return;
        }
        let Some(mut chunks) = chunks else { return };
        while let Some(chunk) = chunks.next().await {
            let Ok(chunk) = chunk else {
                sender.abort();
                return;
            };
            // The client has disconnected and needs no more bytes.
            if sender.send_data(chunk.into()).await.is_err() {
                return;
            }
        }
    });
    Response {
        metadata_prelude,
        stream,
    }
}

/// Status, headers and cookies. An invalid header is omitted; an invalid status becomes 500.
fn prelude(reply: &HttpReply) -> MetadataPrelude {
    let mut headers = HeaderMap::new();
    for (name, value) in &reply.headers {
        let pair = (
            HeaderName::try_from(name.as_ref()),
            HeaderValue::try_from(value),
        );
        if let (Ok(name), Ok(value)) = pair {
            headers.append(name, value);
        }
    }
    MetadataPrelude {
        status_code: StatusCode::from_u16(reply.status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        headers,
        cookies: reply.cookies.clone(),
    }
}
