//! Forwarded ports over SPDY, as `kubectl port-forward` asks for them: plain, or inside a `WebSocket`.
//!
//! For each connection the client opens two streams, one for errors and one for data.

use std::collections::HashMap;

use futures::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::Socket;
use super::forward::{answer, refusal};
use super::spdy::{Broken, Frame, Reader, Writer, data, pong};
use crate::sim::store::Obj;

/// The end of a request's head.
const BLANK_LINE: &[u8] = b"\r\n\r\n";
/// Bytes of a request's head that are waited for.
const LONGEST_HEAD: usize = 64 << 10;

/// Serves until the client leaves or says what is no SPDY.
pub(super) async fn in_socket(pod: &Obj, socket: &mut Socket) {
    let mut session = Session::new(pod);
    while let Some(Ok(message)) = socket.next().await {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return,
            _ => continue,
        };
        let Ok(said) = session.take(&bytes) else { return };
        if !said.is_empty() && socket.send(Message::Binary(said.into())).await.is_err() {
            return;
        }
    }
}

/// As [`in_socket`], on the bare connection.
pub(super) async fn bare(pod: &Obj, mut connection: TokioIo<Upgraded>) {
    let mut session = Session::new(pod);
    let mut buffer = vec![0; 32 << 10];
    while let Ok(read @ 1..) = connection.read(&mut buffer).await {
        let Ok(said) = session.take(&buffer[..read]) else { return };
        if connection.write_all(&said).await.is_err() || connection.flush().await.is_err() {
            return;
        }
    }
}

/// One of the two streams of a connection.
struct Half {
    /// Names the connection.
    request: String,
    port: u16,
    errors: bool,
    /// What was sent since the last request.
    said: Vec<u8>,
}

struct Session<'p> {
    pod: &'p Obj,
    reader: Reader,
    writer: Writer,
    streams: HashMap<u32, Half>,
}

impl<'p> Session<'p> {
    fn new(pod: &'p Obj) -> Self {
        Self { pod, reader: Reader::new(), writer: Writer::default(), streams: HashMap::new() }
    }

    /// What is to be said to what came.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut said = Vec::new();
        for frame in self.reader.take(bytes)? {
            match frame {
                Frame::Open { stream, headers } => {
                    said.extend(self.writer.accept(stream));
                    self.open(stream, &headers, &mut said);
                }
                Frame::Data { stream, bytes, last } => self.data(stream, &bytes, last, &mut said),
                Frame::Reset(stream) => {
                    self.streams.remove(&stream);
                }
                Frame::Ping(id) => said.extend(pong(id)),
                Frame::Away => {}
            }
        }
        Ok(said)
    }

    fn open(&mut self, stream: u32, headers: &[(String, String)], said: &mut Vec<u8>) {
        let header = |name: &str| {
            let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let errors = header("streamtype") == "error";
        let (request, port) = (header("requestid"), header("port").parse().unwrap_or_default());
        self.streams.insert(stream, Half { request: request.clone(), port, errors, said: Vec::new() });
        if let Some(why) = refusal(self.pod, port).filter(|_| !errors) {
            if let Some(of_errors) = self.other(&request) {
                said.extend(data(of_errors, why.as_bytes(), false));
            }
            self.close(stream, said);
        }
    }

    fn data(&mut self, stream: u32, bytes: &[u8], last: bool, said: &mut Vec<u8>) {
        let Some(half) = self.streams.get_mut(&stream).filter(|half| !half.errors) else { return };
        half.said.extend_from_slice(bytes);
        if half.said.windows(BLANK_LINE.len()).any(|end| end == BLANK_LINE) {
            half.said.clear();
            said.extend(data(stream, answer(self.pod, half.port).as_bytes(), false));
        }
        if last || half.said.len() > LONGEST_HEAD {
            self.close(stream, said);
        }
    }

    /// Ends both streams of a connection.
    fn close(&mut self, stream: u32, said: &mut Vec<u8>) {
        let Some(half) = self.streams.remove(&stream) else { return };
        said.extend(data(stream, &[], true));
        if let Some(of_errors) = self.other(&half.request) {
            self.streams.remove(&of_errors);
            said.extend(data(of_errors, &[], true));
        }
    }

    /// The stream for the errors of a connection.
    fn other(&self, request: &str) -> Option<u32> {
        self.streams.iter().find(|(_, half)| half.errors && half.request == request).map(|(stream, _)| *stream)
    }
}
