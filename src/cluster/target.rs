//! Where a session goes and as whom: data only, made without any network.

use std::{io, sync::Arc, time::Duration};

use tokio::io::DuplexStream;

use super::{credentials::Login, kubeconfig::Loaded};
use crate::jobs::time::Secs;

/// Opens a pipe to a server in this process, in place of a TCP connection.
pub type Dial = Arc<dyn Fn() -> io::Result<DuplexStream> + Send + Sync>;

/// The wall clock; tests and an embedded cluster bring their own.
pub type Now = Arc<dyn Fn() -> Secs + Send + Sync>;

/// How long a call may take unless `--request-timeout` says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything that [`connect`](super::connect) needs.
#[derive(Clone)]
pub struct Target {
    /// What the kubeconfig files hold.
    pub kubeconfig: Arc<Loaded>,
    /// `--context`; else the file's current one.
    pub context: Option<String>,
    /// `--as`.
    pub act_as: Option<String>,
    /// `--as-group`.
    pub act_as_groups: Vec<String>,
    /// Limit of one call.
    pub timeout: Duration,
    /// In-process way to the server.
    pub dial: Option<Dial>,
    /// The clock.
    pub now: Now,
    /// What an interactive login brought, used before the plugin is asked again.
    pub login: Option<Login>,
}

impl Target {
    /// The current context of `kubeconfig`, as its own user.
    pub fn new(kubeconfig: Arc<Loaded>) -> Self {
        Self {
            kubeconfig,
            context: None,
            act_as: None,
            act_as_groups: Vec::new(),
            timeout: REQUEST_TIMEOUT,
            dial: None,
            now: Arc::new(system_now),
            login: None,
        }
    }

    /// The same, signed in.
    #[must_use]
    pub fn with_login(&self, login: Login) -> Self {
        Self { login: Some(login), ..self.clone() }
    }

    /// The same, for another context.
    #[must_use]
    pub fn in_context(&self, context: &str) -> Self {
        Self { context: Some(context.to_owned()), login: None, ..self.clone() }
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place of cluster/ that reads the wall clock")]
fn system_now() -> Secs {
    jiff::Timestamp::now().into()
}
