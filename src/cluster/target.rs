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

/// Reads a Go duration as `--request-timeout` takes it: `30`, `45s`, `2m`, `1h`; `0` is no limit (a day).
pub fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let amount: u64 = digits.parse().ok()?;
    let length = match unit {
        "ms" => Duration::from_millis(amount),
        "s" => Duration::from_secs(amount),
        "m" => Duration::from_secs(amount.checked_mul(60)?),
        "h" => Duration::from_secs(amount.checked_mul(3600)?),
        _ => return None,
    };
    Some(if length.is_zero() { Duration::from_hours(24) } else { length })
}

#[allow(clippy::disallowed_methods, reason = "the one place of cluster/ that reads the wall clock")]
fn system_now() -> Secs {
    jiff::Timestamp::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_kubectl_reads_them() {
        assert_eq!(parse_timeout("30"), Some(Duration::from_secs(30)));
        assert_eq!(parse_timeout("2m"), Some(Duration::from_mins(2)));
        assert_eq!(parse_timeout("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("0"), Some(Duration::from_hours(24)));
        assert_eq!(parse_timeout("soon"), None);
        assert_eq!(parse_timeout(""), None);
    }
}
