//! Forwarded ports: a port that a container declares answers each request of HTTP with its own name.
//!
//! Owns what ports say, and the older protocol, in which each port has two channels of a `WebSocket`.

use futures::StreamExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{Socket, send};
use crate::sim::store::Obj;

/// Serves the ports of the query: channel 2n is the data of port n, 2n+1 its errors.
pub(super) async fn forward(pod: &Obj, query: &[(String, String)], socket: &mut Socket) {
    let asked = query.iter().filter(|(key, _)| key == "ports").flat_map(|(_, ports)| ports.split(','));
    let ports: Vec<u16> = asked.filter_map(|port| port.trim().parse().ok()).collect();
    for (at, port) in (0_u8..).step_by(2).zip(&ports) {
        for channel in [at, at + 1] {
            if send(socket, channel, &port.to_le_bytes()).await.is_none() {
                return;
            }
        }
        if let Some(why) = refusal(pod, *port)
            && send(socket, at + 1, why.as_bytes()).await.is_none()
        {
            return;
        }
    }
    while let Some(Ok(message)) = socket.next().await {
        let Message::Binary(bytes) = message else { continue };
        let Some((&channel, rest)) = bytes.split_first() else { continue };
        let Some(port) = ports.get(usize::from(channel / 2)).filter(|port| declares(pod, **port)) else { continue };
        if channel % 2 == 0 && !rest.is_empty() && send(socket, channel, answer(pod, *port).as_bytes()).await.is_none()
        {
            return;
        }
    }
}

/// What a port answers to a request.
pub(super) fn answer(pod: &Obj, port: u16) -> String {
    let body = said(pod, port);
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn said(pod: &Obj, port: u16) -> String {
    format!("pod {} port {port}\n", pod.name)
}

/// What a port says, without its head; `None` where nobody listens.
pub(in crate::sim::api) fn answered(pod: &Obj, port: u16) -> Option<String> {
    declares(pod, port).then(|| said(pod, port))
}

/// Why nobody answers at a port, if nobody does.
pub(super) fn refusal(pod: &Obj, port: u16) -> Option<String> {
    let name = &pod.name;
    let why = format!(
        "error forwarding port {port} to pod {name}: failed to connect to localhost:{port} inside namespace: connection refused"
    );
    (!declares(pod, port)).then_some(why)
}

fn declares(pod: &Obj, port: u16) -> bool {
    let tree = pod.value();
    let containers = tree["spec"]["containers"].as_array().into_iter().flatten();
    let mut ports = containers.flat_map(|c| c["ports"].as_array().into_iter().flatten());
    ports.any(|p: &Value| p["containerPort"] == port)
}
