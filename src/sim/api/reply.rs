//! Answers: bodies, headers, compression, slowness.

use std::io::{self, Write};
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use futures::{Stream, StreamExt, stream};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, VARY, WARNING};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame};
use serde_json::Value;

use crate::sim::store::Refusal;

/// An answer.
pub type Reply = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// From this size on a list is compressed for who asks for it, as a real server does.
const WORTH_COMPRESSING: usize = 128 << 10;
/// Lists are sent in pieces of about this size.
const PIECE: usize = 64 << 10;
/// The content type of plain text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
/// The usual content type.
pub(super) const JSON: &str = "application/json";

fn respond(code: u16, content_type: &'static str, body: UnsyncBoxBody<Bytes, io::Error>) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("audit-id", HeaderValue::from_static("00000000-0000-4000-8000-000000000000"));
    headers.insert("cache-control", HeaderValue::from_static("no-cache, private"));
    reply
}

fn full(body: Bytes) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// A body that is JSON already.
pub(super) fn json(code: u16, body: Bytes, content_type: &'static str) -> Reply {
    respond(code, content_type, full(body))
}

/// A JSON value.
pub(super) fn value(code: u16, body: &Value) -> Reply {
    json(code, body.to_string().into(), JSON)
}

/// Plain text.
pub(super) fn text(code: u16, body: impl Into<Bytes>) -> Reply {
    respond(code, TEXT, full(body.into()))
}

/// No body, and nothing said about it.
pub(super) fn nothing(code: u16) -> Reply {
    let mut reply = text(code, Bytes::new());
    reply.headers_mut().remove(CONTENT_TYPE);
    reply
}

/// What a path that nobody serves answers.
pub(super) fn page_not_found() -> Reply {
    text(404, "404 page not found\n")
}

/// A refusal as a Status.
pub(super) fn refused(refusal: &Refusal) -> Reply {
    let mut reply = value(refusal.code, &refusal.status());
    if let Some(seconds) = refusal.retry_after {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// Adds a warning as the API server writes them.
pub(super) fn warned(mut reply: Reply, warning: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{}\"", warning.replace('"', "\\\""))) {
        reply.headers_mut().append(WARNING, value);
    }
    reply
}

/// The same answer in YAML, if it is JSON.
pub(super) async fn as_yaml(reply: Reply) -> Reply {
    if reply.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != JSON) {
        return reply;
    }
    let (mut head, body) = reply.into_parts();
    let Ok(body) = body.collect().await else { return page_not_found() };
    let read: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/yaml"));
    Response::from_parts(head, full(serde_saphyr::to_string(&read).unwrap_or_default().into()))
}

/// A body whose pieces come as they are pulled.
pub(super) fn streamed(
    content_type: &'static str,
    pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Reply {
    respond(200, content_type, StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync())
}

/// A list made of many parts: sent piece by piece, compressed if that is asked for and worth it.
pub(super) fn parts(parts: Vec<Bytes>, content_type: &'static str, gzip: bool) -> Reply {
    let size: usize = parts.iter().map(Bytes::len).sum();
    if size <= PIECE {
        return json(200, parts.concat().into(), content_type);
    }
    let pieces = stream::iter(pieces(parts));
    if !gzip || size <= WORTH_COMPRESSING {
        return streamed(content_type, pieces.map(|piece| Ok(Bytes::from(piece.concat()))));
    }
    let packed =
        stream::unfold((pieces, Some(GzEncoder::new(Vec::new(), Compression::fast()))), |(mut rest, packer)| async {
            let mut packer = packer?;
            loop {
                let Some(piece) = rest.next().await else {
                    return Some((packer.finish().map(Bytes::from), (rest, None)));
                };
                if let Err(error) = piece.iter().try_for_each(|part| packer.write_all(part)) {
                    return Some((Err(error), (rest, None)));
                }
                let ready = std::mem::take(packer.get_mut());
                if !ready.is_empty() {
                    return Some((Ok(Bytes::from(ready)), (rest, Some(packer))));
                }
            }
        });
    let mut reply = streamed(content_type, packed);
    reply.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    reply.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    reply
}

/// Groups parts to pieces.
fn pieces(parts: Vec<Bytes>) -> impl Iterator<Item = Vec<Bytes>> {
    let mut parts = parts.into_iter().peekable();
    std::iter::from_fn(move || {
        parts.peek()?;
        let mut size = 0;
        let mut piece = Vec::new();
        while size < PIECE
            && let Some(part) = parts.next()
        {
            size += part.len();
            piece.push(part);
        }
        Some(piece)
    })
}

/// How a body goes wrong before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Torn {
    /// It ends in the middle of a piece.
    HalfLine,
    /// Its connection breaks.
    Broken,
}

/// The body up to a piece, of which only half comes.
pub(super) fn torn(reply: Reply, how: Torn, whole: u64) -> Reply {
    let (mut parts, body) = reply.into_parts();
    parts.headers.remove("content-length");
    let pieces = stream::unfold((body.into_data_stream(), whole, false), move |(mut body, left, over)| async move {
        if over {
            let error = io::Error::new(io::ErrorKind::ConnectionReset, "cut off on purpose");
            return (how == Torn::Broken).then_some((Err(error), (body, 0, false))).filter(|_| left == 0);
        }
        let piece = body.next().await?;
        if left > 0 {
            return Some((piece, (body, left - 1, false)));
        }
        let half = piece.map(|bytes| bytes.slice(..bytes.len() / 2));
        Some((half, (body, 0, true)))
    });
    Response::from_parts(parts, StreamBody::new(pieces.map(|p| p.map(Frame::data))).boxed_unsync())
}

/// Waits between the pieces of a body.
pub(super) fn slowed(reply: Reply, pause_ms: u64) -> Reply {
    if pause_ms == 0 {
        return reply;
    }
    let (parts, body) = reply.into_parts();
    let pieces = body.into_data_stream().then(move |piece| async move {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        piece
    });
    Response::from_parts(parts, StreamBody::new(pieces.map(|p| p.map(Frame::data))).boxed_unsync())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    async fn bytes(reply: Reply) -> Vec<u8> {
        reply.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn a_large_list_is_the_same_packed_and_unpacked() {
        let parts: Vec<Bytes> = (0..20_000).map(|n| Bytes::from(format!("{n:020}"))).collect();
        let whole = parts.concat();
        let plain = super::parts(parts.clone(), JSON, false);
        assert!(plain.headers().get(CONTENT_ENCODING).is_none());
        assert_eq!(bytes(plain).await, whole);
        let packed = super::parts(parts, JSON, true);
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        let packed = bytes(packed).await;
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert!(packed.len() * 4 < whole.len() && unpacked == whole);
    }

    #[tokio::test]
    async fn a_torn_body_ends_in_the_middle_or_breaks() {
        let body = || streamed(JSON, stream::iter(["one\n", "two\n", "three\n"].map(|l| Ok(Bytes::from(l)))));
        assert_eq!(bytes(torn(body(), Torn::HalfLine, 1)).await, b"one\ntw");
        assert!(torn(body(), Torn::Broken, 1).into_body().collect().await.is_err());
        assert_eq!(bytes(torn(body(), Torn::Broken, 9)).await, b"one\ntwo\nthree\n", "it was over before");
    }

    #[tokio::test]
    async fn refusals_carry_their_retry_after() {
        let refusal = Refusal { retry_after: Some(1), ..Refusal::new(429, "TooManyRequests", "busy") };
        let reply = refused(&refusal);
        assert_eq!((reply.status().as_u16(), &reply.headers()[RETRY_AFTER]), (429, &HeaderValue::from_static("1")));
    }
}
