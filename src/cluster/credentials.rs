//! Exec credential plugins, run by ourselves by the client.authentication.k8s.io protocol.
//!
//! kube runs them synchronously, three times a client, and lets them inherit stdin and stderr, that is: draw over a
//! terminal that is not theirs. Here a plugin runs once, as a child in its own process group, with no stdin and with its
//! stderr captured; and again shortly before its credential expires. Only `interactive` shares the terminal.

use std::{io, process::Stdio, time::Duration};

use http::HeaderValue;
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use tokio::{
    io::AsyncReadExt as _,
    process::{ChildStderr, ChildStdout, Command},
};

use super::problem::{Problem, ProblemKind as Kind};
use crate::jobs::{text::Clean, time::Secs};

/// How long a plugin may take when nobody can answer its questions.
const LIMIT: Duration = Duration::from_mins(1);
/// Bytes of a plugin's answer; a certificate, its key and a token have some 20 kB.
const MOST_ANSWER: u64 = 1 << 20;
/// Bytes of its complaints that are kept.
const KEPT_WORDS: usize = 4096;
/// Refresh this long before the end.
pub(crate) const EARLY: u32 = 60;

/// What a plugin brought. No `Debug`: it is the credential.
#[derive(Clone)]
pub(crate) struct Brought {
    /// `Authorization` value.
    pub(crate) header: Option<HeaderValue>,
    /// PEM certificate and key.
    pub(crate) identity: Option<(String, String)>,
    /// When it ends.
    pub(crate) expires: Option<Secs>,
}

/// What an interactive login brought; put it into [`Target::login`](super::Target::login) and connect again.
#[derive(Clone)]
pub struct Login(pub(super) Brought);

#[derive(Deserialize)]
struct ExecCredential {
    status: Option<ExecStatus>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ExecStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

/// A plugin with what it may want to know.
#[derive(Clone)]
pub(crate) struct Plugin {
    pub(crate) exec: ExecConfig,
    /// The cluster as `ExecCredential.spec.cluster` has it, if the plugin asks for it.
    pub(crate) cluster: Option<serde_json::Value>,
}

impl Plugin {
    /// Its command, to show.
    pub(crate) fn name(&self) -> Clean {
        Clean::new(self.exec.command.as_deref().unwrap_or("?"))
    }

    /// Runs it with nobody to talk to.
    pub(crate) async fn run(&self) -> Result<Brought, Problem> {
        if self.exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(self.failed("it must be able to ask questions", &self.login_hint()));
        }
        let mut command = self.command(false)?;
        command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        match tokio::time::timeout(LIMIT, self.output(command)).await {
            Ok(result) => result,
            Err(_) => Err(self.failed(&format!("it did not end within {} s", LIMIT.as_secs()), &self.login_hint())),
        }
    }

    /// Runs it on the terminal that we stand on. Whoever calls has given that terminal away and takes it back after.
    pub(crate) async fn interactive(&self) -> Result<Brought, Problem> {
        let mut command = self.command(true)?;
        command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        self.output(command).await
    }

    fn command(&self, interactive: bool) -> Result<Command, Problem> {
        let program = self.exec.command.as_deref().filter(|c| !c.is_empty());
        let program = program
            .ok_or_else(|| self.failed("the kubeconfig names no command for it", "Correct the user's exec entry."))?;
        let mut command = Command::new(program);
        command.args(self.exec.args.iter().flatten()).stdout(Stdio::piped()).kill_on_drop(true);
        for pair in self.exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (pair.get("name"), pair.get("value")) {
                command.env(name, value);
            }
        }
        command.env("KUBERNETES_EXEC_INFO", self.info(interactive).to_string());
        Ok(command)
    }

    fn info(&self, interactive: bool) -> serde_json::Value {
        let version = self.exec.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1");
        let mut spec = serde_json::json!({ "interactive": interactive });
        if let (true, Some(cluster)) = (self.exec.provide_cluster_info, &self.cluster) {
            spec["cluster"] = cluster.clone();
        }
        serde_json::json!({ "apiVersion": version, "kind": "ExecCredential", "spec": spec })
    }

    async fn output(&self, mut command: Command) -> Result<Brought, Problem> {
        let mut child = command.spawn().map_err(|e| {
            let install =
                self.exec.install_hint.as_deref().unwrap_or("Install it, or correct its path in the kubeconfig.");
            self.failed(&format!("it can't be started: {e}"), install)
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let unread = |e: io::Error| self.failed(&e.to_string(), &self.login_hint());
        let (answer, said) = tokio::try_join!(answer(stdout), last_bytes(stderr)).map_err(unread)?;
        let status = child.wait().await.map_err(unread)?;
        if !status.success() {
            let said = last_words(&said);
            let why = if said.is_empty() { format!("it ended with {status}") } else { said };
            return Err(self.failed(&why, &self.login_hint()));
        }
        self.read(&answer)
    }

    fn read(&self, stdout: &[u8]) -> Result<Brought, Problem> {
        let wrong = |why: &str| self.failed(why, "Check the plugin's version and its apiVersion in the kubeconfig.");
        // client-go decodes this leniently, so that some plugins write YAML.
        let answer: ExecCredential =
            serde_saphyr::from_slice(stdout).map_err(|_| wrong("its answer is not an ExecCredential"))?;
        let status = answer.status.ok_or_else(|| wrong("its answer has no status"))?;
        let header = status.token.filter(|t| !t.is_empty()).map(|token| bearer(&token)).transpose();
        let header = header.map_err(|_| wrong("its token holds characters that can't be sent"))?;
        let identity = status.client_certificate_data.zip(status.client_key_data);
        if header.is_none() && identity.is_none() {
            return Err(wrong("it brought neither a token nor a certificate"));
        }
        Ok(Brought { header, identity, expires: status.expiration_timestamp.as_deref().and_then(Secs::parse) })
    }

    fn login_hint(&self) -> String {
        format!("Sign in: the login command runs `{}` with the terminal handed over to it.", self.name())
    }

    fn failed(&self, why: &str, hint: &str) -> Problem {
        Problem::new(Kind::Unauthorized, &format!("can't sign in with {}", self.name()), why, hint)
    }
}

/// The value of `Authorization` with this token.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.trim()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What it writes to stdout, as long as that may be a credential.
async fn answer(stdout: Option<ChildStdout>) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    if let Some(stdout) = stdout {
        stdout.take(MOST_ANSWER + 1).read_to_end(&mut all).await?;
    }
    let fits = all.len() as u64 <= MOST_ANSWER;
    if fits { Ok(all) } else { Err(io::Error::other("its answer is longer than a credential can be")) }
}

/// The end of what it complains of, however much that is.
async fn last_bytes(stderr: Option<ChildStderr>) -> io::Result<Vec<u8>> {
    let Some(mut stderr) = stderr else { return Ok(Vec::new()) };
    let (mut tail, mut piece) = (Vec::new(), vec![0; KEPT_WORDS]);
    loop {
        let read = stderr.read(&mut piece).await?;
        if read == 0 {
            return Ok(tail);
        }
        tail.extend_from_slice(&piece[..read]);
        tail.drain(..tail.len().saturating_sub(KEPT_WORDS));
    }
}

/// The last lines of a plugin's stderr, at most 300 characters, without anything that looks like a token.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut lines: Vec<_> = text.lines().map(str::trim).filter(|l| !l.is_empty()).rev().take(3).collect();
    lines.reverse();
    let words: Vec<_> = lines
        .join(" · ")
        .split(' ')
        .map(|w| if w.len() > 60 && !w.contains("://") { "…" } else { w }.to_owned())
        .collect();
    words.join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(script: &str) -> Plugin {
        let exec = serde_json::from_value(serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "args": ["-c", script],
            "env": [{"name": "GREETING", "value": "hi"}],
        }));
        Plugin { exec: exec.expect("an exec config"), cluster: None }
    }

    #[tokio::test]
    async fn a_token_with_its_end_is_read() {
        let script = r#"case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 9;; esac
            printf '{"status":{"token":"%s","expirationTimestamp":"2026-11-20T08:00:00Z"}}' "$GREETING""#;
        let brought = plugin(script).run().await.map_err(|p| p.to_string()).expect("a token");
        assert_eq!(brought.header.expect("a header").to_str().expect("text"), "Bearer hi");
        assert_eq!(brought.expires, Secs::parse("2026-11-20T08:00:00Z"));
    }

    #[tokio::test]
    async fn what_it_complains_of_is_told_and_its_answer_is_not() {
        let problem =
            plugin("echo 'session expired' >&2; printf top-secret; exit 3").run().await.err().expect("failed");
        assert_eq!(problem.kind, Kind::Unauthorized);
        assert!(problem.why.as_str().contains("session expired"), "{problem}");
        assert!(!format!("{problem:?}").contains("top-secret"));
        let bad = plugin("printf 'token: [top-secret'").run().await.err().expect("malformed");
        assert!(!format!("{bad:?}").contains("top-secret"), "{bad:?}");
    }

    #[tokio::test]
    async fn one_that_never_stops_talking_is_ended() {
        let problem = plugin("exec yes").run().await.err().expect("refused");
        assert!(problem.why.as_str().contains("longer than a credential"), "{problem}");
        let script =
            "i=0; while [ $i -lt 9000 ]; do echo 'a warning'; i=$((i+1)); done >&2; echo 'the end' >&2; exit 1";
        let problem = plugin(script).run().await.err().expect("refused");
        assert!(problem.why.as_str().ends_with("the end"), "{problem}");
    }

    #[tokio::test]
    async fn it_has_no_stdin_of_ours() {
        let script = r#"if read -r line; then exit 1; fi; printf '{"status":{"token":"t"}}'"#;
        assert!(plugin(script).run().await.is_ok());
    }

    #[tokio::test]
    async fn one_that_is_missing_says_how_to_get_it() {
        let mut missing = plugin("");
        missing.exec.command = Some("/no/such/plugin".into());
        missing.exec.install_hint = Some("brew install it".into());
        let problem = missing.run().await.err().expect("missing");
        assert_eq!(problem.hint.as_str(), "brew install it");
    }
}
