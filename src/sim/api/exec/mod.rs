//! `exec`, `attach` and `portforward` of pods over `WebSocket`s, in the channel protocols v4 and v5; `portforward` also
//! over SPDY.
//!
//! Owns the handshake, what is refused before it, and the channels. What a command does is the [`shell`]'s; nothing runs
//! on this machine.

mod files;
mod forward;
mod shell;
mod smi;
mod spdy;
mod tunnel;
mod words;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode};
use hyper::body::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role};
use tokio_util::sync::CancellationToken;

pub(super) use files::Files;
pub(super) use forward::answered;
use shell::{Container, Shell, Step};
use smi::Device;

use super::{Admitted, Asked, Reply, Server, header, log, reply};
use crate::sim::numbers::Held;
use crate::sim::store::resource::PODS;
use crate::sim::store::{Obj, Part, Refusal};

/// Channels of both protocols.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
/// v5: the channel named next is closed.
const CLOSE: u8 = 255;
/// The protocols, best first.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const FORWARDING: [&str; 2] = ["v4.channel.k8s.io", "portforward.k8s.io"];
/// The protocol of forwarded ports over SPDY, and what stands before it where SPDY is in a `WebSocket`.
const OVER_SPDY: &str = "portforward.k8s.io";
const TUNNELLED: &str = "SPDY/3.1+portforward.k8s.io";
const SPDY: &str = "SPDY/3.1";
/// From a session's beginning to the first step of its program.
const STARTS: Duration = Duration::from_millis(50);
/// How often a session looks whether its container still runs.
const LOOK: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How a client wants to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tongue {
    /// In channels of a `WebSocket`.
    Channels(&'static str),
    /// SPDY in a `WebSocket`.
    Tunnel,
    /// SPDY.
    Spdy,
}

/// A session that was let in, before its client has changed over.
struct Opening {
    upgrade: OnUpgrade,
    tongue: Tongue,
    stop: CancellationToken,
    query: Vec<(String, String)>,
    pod: Obj,
    container: String,
}

impl Server {
    /// Answers one of the three.
    pub(super) fn connect(self: &Arc<Self>, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        if self.release.connecting_creates() {
            request.user.check(&Asked { verb: "create".into(), ..asked.clone() })?;
        }
        let pod = self.store.get(&PODS, &asked.namespace, &asked.name)?;
        let forwards = asked.subresource == "portforward";
        let container = self.target(&pod, request, forwards)?;
        let (upgrade, tongue) = self.tongue(request, forwards)?;
        let query = request.query.all().to_vec();
        let opening = Opening { upgrade, tongue, stop: self.stop.clone(), query, pod, container };
        let server = Arc::clone(self);
        let kind = asked.subresource.clone();
        tokio::spawn(async move {
            let stop = opening.stop.clone();
            let away = server.faults.clone();
            tokio::select! {
                () = serve(server, kind, opening) => {}
                () = stop.cancelled() => {}
                () = away.going_away() => {}
            }
        });
        Ok(switching(request, tongue))
    }

    /// What is spoken after the handshake; refused if it is nothing that is known.
    fn tongue(&self, request: &Admitted, forwards: bool) -> Result<(OnUpgrade, Tongue), Refusal> {
        let wanted = header(&request.headers, "upgrade");
        let Some(upgrade) = request.upgrade.clone() else {
            return Err(Refusal::bad_request("Upgrade request required"));
        };
        if forwards && wanted.eq_ignore_ascii_case(SPDY) {
            let mut versions = request.headers.get_all("x-stream-protocol-version").iter();
            return if versions.any(|v| v == OVER_SPDY) {
                Ok((upgrade, Tongue::Spdy))
            } else {
                let why = format!(
                    "unable to upgrade: unable to negotiate protocol: client supports [], server accepts [{OVER_SPDY}]"
                );
                Err(Refusal::new(403, "Forbidden", why))
            };
        }
        if !wanted.eq_ignore_ascii_case("websocket") {
            let why = format!("unable to upgrade: only websocket is spoken here, not {wanted}");
            return Err(Refusal::bad_request(why));
        }
        let offered: Vec<&str> = header(&request.headers, "sec-websocket-protocol").split(',').map(str::trim).collect();
        if forwards && self.release.tunnels() && offered.contains(&TUNNELLED) {
            return Ok((upgrade, Tongue::Tunnel));
        }
        let known = match (forwards, self.release.closes_streams()) {
            (true, _) => &FORWARDING[..],
            (false, true) => &PROTOCOLS[..],
            (false, false) => &PROTOCOLS[1..],
        };
        let protocol = known.iter().copied().find(|p| offered.contains(p)).ok_or_else(|| {
            Refusal::bad_request(format!("unable to upgrade: none of the protocols {offered:?} is spoken"))
        })?;
        Ok((upgrade, Tongue::Channels(protocol)))
    }

    /// The container that is meant, which must run; refused in the words of API server and kubelet.
    fn target(&self, pod: &Obj, request: &Admitted, forwards: bool) -> Result<String, Refusal> {
        let (tree, asked) = (pod.value(), &request.asked);
        let phase = tree["status"]["phase"].as_str().unwrap_or_default();
        if forwards {
            return if phase == "Running" {
                Ok(String::new())
            } else {
                Err(Refusal::bad_request(format!(
                    "unable to forward port because pod is not running. Current status={phase}"
                )))
            };
        }
        if matches!(phase, "Succeeded" | "Failed") {
            let why = format!("cannot exec into a container in a completed pod; current phase is {phase}");
            return Err(Refusal::bad_request(why));
        }
        let container = log::container(&tree, &asked.name, request.query.get("container"))?;
        if asked.subresource == "exec" && !request.query.has("command") {
            return Err(Refusal::bad_request("you must specify at least 1 command for the container"));
        }
        if tree["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
            return Err(Refusal::bad_request(format!("pod {} does not have a host assigned", asked.name)));
        }
        self.reach_kubelet(&tree, &container)?;
        if is_running(&tree, &container) {
            return Ok(container);
        }
        let why = format!("unable to upgrade connection: container not found (\"{container}\")");
        Err(Refusal::new(500, "InternalError", why))
    }
}

fn is_running(pod: &Value, container: &str) -> bool {
    log::status(pod, container)["state"]["running"].is_object()
}

/// The handshake's answer.
fn switching(request: &Admitted, tongue: Tongue) -> Reply {
    let mut reply = reply::text(101, Bytes::new());
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.clear();
    headers.insert("connection", HeaderValue::from_static("Upgrade"));
    let protocol = match tongue {
        Tongue::Spdy => {
            headers.insert("upgrade", HeaderValue::from_static(SPDY));
            headers.insert("x-stream-protocol-version", HeaderValue::from_static(OVER_SPDY));
            return reply;
        }
        Tongue::Tunnel => TUNNELLED,
        Tongue::Channels(protocol) => protocol,
    };
    headers.insert("upgrade", HeaderValue::from_static("websocket"));
    headers.insert("sec-websocket-protocol", HeaderValue::from_static(protocol));
    let accept = derive_accept_key(header(&request.headers, "sec-websocket-key").as_bytes());
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert("sec-websocket-accept", accept);
    }
    reply
}

async fn serve(server: Arc<Server>, kind: String, opening: Opening) {
    let Ok(upgraded) = opening.upgrade.clone().await else { return };
    let connection = TokioIo::new(upgraded);
    if opening.tongue == Tongue::Spdy {
        tunnel::bare(&opening.pod, connection).await;
        return;
    }
    let mut socket = WebSocketStream::from_raw_socket(connection, Role::Server, None).await;
    match kind.as_str() {
        "exec" => exec(&server, &opening, &mut socket).await,
        "attach" if looks_around(&opening) => exec(&server, &opening, &mut socket).await,
        "attach" => attach(&server, &opening, &mut socket).await,
        _ if opening.tongue == Tongue::Tunnel => tunnel::in_socket(&opening.pod, &mut socket).await,
        _ => forward::forward(&opening.pod, &opening.query, &mut socket).await,
    }
    let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    // The client may be gone: nobody to tell.
    let _ = socket.close(Some(goodbye)).await;
}

async fn send(socket: &mut Socket, channel: u8, bytes: &[u8]) -> Option<()> {
    let message = [&[channel], bytes].concat();
    socket.send(Message::Binary(message.into())).await.ok()
}

/// What a client sent.
enum Sent {
    Input(Bytes),
    EndOfInput,
    Nothing,
    Left,
}

fn read(message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Sent {
    let Some(Ok(message)) = message else { return Sent::Left };
    let bytes = match message {
        Message::Binary(bytes) => bytes,
        Message::Close(_) => return Sent::Left,
        _ => return Sent::Nothing,
    };
    match bytes.first() {
        Some(&STDIN) => Sent::Input(bytes.slice(1..)),
        Some(&CLOSE) if bytes.get(1) == Some(&STDIN) => Sent::EndOfInput,
        // The size of a terminal changes nothing here.
        _ => Sent::Nothing,
    }
}

fn of(query: &[(String, String)], key: &str) -> bool {
    query.iter().any(|(k, v)| k == key && matches!(v.as_str(), "true" | "1"))
}

/// Looks at the GPUs of a pod.
fn devices(server: &Arc<Server>, uid: &str) -> shell::Devices {
    let (server, uid) = (Arc::clone(server), uid.to_owned());
    Box::new(move || {
        let numbers = server.numbers.read().unwrap_or_else(PoisonError::into_inner).clone();
        let held = numbers.map(|numbers| numbers.gpus_of(&uid)).unwrap_or_default();
        let device = |held: Held| Device {
            name: held.card.name,
            uuid: held.uuid,
            bus: held.bus,
            util: held.state.util,
            memory: (held.state.used, held.state.free, held.card.memory),
            power: (held.state.power, held.card.power),
            temperature: held.state.temperature,
            clocks: held.state.clocks,
        };
        (server.store.clock().now(), held.into_iter().map(device).collect())
    })
}

/// The specification of the container, if somebody put it into the pod to look around.
fn put_in<'p>(pod: &'p Value, container: &str) -> Option<&'p Value> {
    pod["spec"]["ephemeralContainers"].as_array()?.iter().find(|c| c["name"] == container)
}

/// Whether it is attached to a shell: what such a container runs reads what is typed.
fn looks_around(opening: &Opening) -> bool {
    put_in(&opening.pod.value(), &opening.container).is_some_and(|c| c["stdin"] == true)
}

/// What is run: what is asked for, or what the container itself runs, which without a command is its image's shell.
fn command(opening: &Opening, tree: &Value) -> Vec<String> {
    let asked: Vec<String> = opening.query.iter().filter(|(k, _)| k == "command").map(|(_, v)| v.clone()).collect();
    let Some(own) = put_in(tree, &opening.container).filter(|_| asked.is_empty()) else { return asked };
    let parts = [&own["command"], &own["args"]];
    let own = parts.into_iter().flat_map(|part| part.as_array().into_iter().flatten());
    let own: Vec<String> = own.filter_map(|word| word.as_str().map(str::to_owned)).collect();
    if own.is_empty() { vec!["sh".to_owned()] } else { own }
}

async fn exec(server: &Arc<Server>, opening: &Opening, socket: &mut Socket) {
    let tree = opening.pod.value();
    let command = command(opening, &tree);
    let (stdin, tty) = (of(&opening.query, "stdin"), of(&opening.query, "tty"));
    let container = Container::new(&tree, &opening.container, devices(server, &opening.pod.uid));
    // What a runtime takes to start a program; clients rely on it to be ready before anything comes.
    tokio::time::sleep(STARTS).await;
    let mut shell = Shell::new(container, server.files.clone(), tty);
    let mut steps = shell.start(&command, stdin);
    let mut look = tokio::time::interval(LOOK);
    loop {
        for step in steps.drain(..) {
            let sent = match step {
                Step::Out(bytes) => send(socket, STDOUT, &bytes).await,
                Step::Err(bytes) => send(socket, if tty { STDOUT } else { STDERR }, &bytes).await,
                Step::Sleep(time) => {
                    server.store.clock().sleep(time).await;
                    Some(())
                }
            };
            if sent.is_none() {
                return;
            }
        }
        if let Some(code) = shell.ended() {
            over(server, opening, code);
            let _ = send(socket, ERROR, ended(code).to_string().as_bytes()).await;
            return;
        }
        tokio::select! {
            message = socket.next() => match read(message) {
                Sent::Input(bytes) => steps = shell.input(&bytes),
                Sent::EndOfInput => steps = shell.end_of_input(),
                Sent::Nothing => {}
                Sent::Left => return,
            },
            _ = look.tick() => {
                let now = server.store.get(&PODS, &opening.pod.namespace, &opening.pod.name);
                let runs = |pod: &Obj| pod.uid == opening.pod.uid && is_running(&pod.value(), &opening.container);
                if !now.is_ok_and(|pod| runs(&pod)) {
                    shell.kill();
                }
            }
        }
    }
}

/// A container that was attached to for looking around is over with its shell.
fn over(server: &Arc<Server>, opening: &Opening, code: i32) {
    if opening.query.iter().any(|(key, _)| key == "command") || !looks_around(opening) {
        return;
    }
    let (pod, now) = (&opening.pod, server.store.clock().stamp());
    // Deleted in the meantime is as good.
    let _ = server.store.modify(&PODS, &pod.namespace, &pod.name, Part::Status, |pod| {
        let all = pod["status"]["ephemeralContainerStatuses"].as_array_mut();
        for status in all.into_iter().flatten().filter(|status| status["name"] == opening.container.as_str()) {
            let began = status["state"]["running"]["startedAt"].take();
            let reason = if code == 0 { "Completed" } else { "Error" };
            let ended = json!({"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": now,
                "containerID": status["containerID"]});
            status["state"] = json!({"terminated": ended});
        }
    });
}

/// How a command ended, as the error channel says it.
fn ended(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}})
}

/// What the container writes from now on, until it ends.
async fn attach(server: &Arc<Server>, opening: &Opening, socket: &mut Socket) {
    let Some(mut output) = server.attached(&opening.pod, &opening.container) else { return };
    loop {
        tokio::select! {
            piece = output.next() => {
                let Some(piece) = piece else {
                    let _ = send(socket, ERROR, ended(0).to_string().as_bytes()).await;
                    return;
                };
                if send(socket, STDOUT, &piece).await.is_none() {
                    return;
                }
            }
            message = socket.next() => {
                if matches!(read(message), Sent::Left) {
                    return;
                }
            }
        }
    }
}
