//! The transport of `exec` and `portforward`: a program in a replica's container, a connection to one of its ports.
//!
//! Owns how they begin and how they end, in words. Both alter a cluster: only `changes` may call what is here, after it
//! has asked whether it may.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Status};
use kube::{
    Api,
    api::{AttachParams, AttachedProcess, Portforwarder},
};

use super::{problem::Problem, session::Session};
use crate::jobs::text::{Clean, Name, Sym};

/// Bytes that a stream holds before its writer waits.
const BUFFER: usize = 64 * 1024;

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Namespace.
    pub namespace: Name,
    /// Pod.
    pub pod: Name,
    /// Container; the pod's default one if none.
    pub container: Option<Sym>,
}

/// What a program is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// A terminal of its own: input, and one output.
    Terminal,
    /// Output and error output.
    Output,
    /// Input, output and error output.
    Pipes,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Code(i32),
    /// It could not be run, in the runtime's words.
    NotRun(Clean),
    /// The connection ended before anybody said how the program did.
    Unknown,
}

/// Starts a program, without a shell unless `argv` names one. The limit of a call covers its beginning only.
pub(crate) async fn start(
    session: &Session,
    place: &Place,
    argv: &[String],
    streams: Streams,
) -> Result<AttachedProcess, Problem> {
    let terminal = streams == Streams::Terminal;
    let how = AttachParams {
        container: place.container.as_ref().map(ToString::to_string),
        stdin: streams != Streams::Output,
        stdout: true,
        // A terminal has one output; asked for both, a server refuses.
        stderr: !terminal,
        tty: terminal,
        max_stdin_buf_size: Some(BUFFER),
        max_stdout_buf_size: Some(BUFFER),
        max_stderr_buf_size: Some(BUFFER),
    };
    let doing = format!("run a program in {}/{}", place.namespace, place.pod);
    begin(session, &doing, pods(session, &place.namespace).exec(place.pod.as_str(), argv.iter().cloned(), &how)).await
}

/// Opens connections to ports of a pod, one each.
pub(crate) async fn forward(
    session: &Session,
    namespace: &Name,
    pod: &Name,
    port: u16,
) -> Result<Portforwarder, Problem> {
    let doing = format!("connect to port {port} of {namespace}/{pod}");
    begin(session, &doing, pods(session, namespace).portforward(pod.as_str(), &[port])).await
}

/// A call of kube's own, limited, counted and in words like the others.
async fn begin<T>(
    session: &Session,
    doing: &str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Problem> {
    session.limited(doing, async { call.await.map_err(|error| Problem::of(&error, &session.about(doing))) }).await
}

fn pods(session: &Session, namespace: &Name) -> Api<Pod> {
    Api::namespaced(session.client().clone(), namespace.as_str())
}

/// Reads what the server says at the end of a program: an exit code stands among the causes of a failure.
pub(crate) fn ended(status: Option<Status>) -> Ended {
    let Some(status) = status else { return Ended::Unknown };
    if status.status.as_deref() == Some("Success") {
        return Ended::Code(0);
    }
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    match code.and_then(|cause| cause.message.as_deref()?.parse().ok()) {
        Some(code) => Ended::Code(code),
        None => Ended::NotRun(Clean::new(status.message.as_deref().unwrap_or("the server does not say why"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_a_program_is_read_from_the_status() {
        let said = |status| ended(serde_json::from_value(status).ok());
        assert_eq!(said(json!({"status": "Success"})), Ended::Code(0));
        let seven = json!({"status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with non-zero exit code",
            "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}});
        assert_eq!(said(seven), Ended::Code(7));
        let missing = json!({"status": "Failure", "reason": "InternalError", "message": "exec: \"bash\": executable file not found in $PATH"});
        assert!(matches!(said(missing), Ended::NotRun(why) if why.as_str().contains("\"bash\"")));
        assert_eq!(ended(None), Ended::Unknown);
    }
}
