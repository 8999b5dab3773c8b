//! Requests signed by what a credential plugin brought, which is asked again in time.
//!
//! Owns the client behind that and when the plugin runs. Must not know what is asked of the server.

use std::{sync::Arc, time::Duration};

use http::{Request, Response, StatusCode, header};
use kube::{Client, Config, client::Body};
use tokio::{sync::Mutex, time::Instant};

use super::{
    credentials::{self, Brought, Login, Plugin},
    problem::{Problem, ProblemKind as Kind},
    target::{Dial, Now},
    transport,
    who::Who,
};
use crate::jobs::time::Secs;

/// A client for this configuration; made aside, since it reads the system's certificates.
pub(super) async fn build(config: Config, dial: Option<Dial>, who: &Who) -> Result<Client, Problem> {
    let runtime = tokio::runtime::Handle::current();
    let made = tokio::task::spawn_blocking(move || {
        let _inside = runtime.enter();
        transport::client(config, dial)
    });
    match made.await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(e)) => Err(Problem::of(&e, &who.about("connect"))),
        Err(e) => Err(Problem::new(Kind::Bug, "can't connect", &e.to_string(), "Please report this.")),
    }
}

/// Signs requests with what a plugin brought, and asks it again in time.
#[derive(Clone)]
pub(super) struct Signer(Arc<SignerInner>);

struct SignerInner {
    plugin: Plugin,
    config: Config,
    dial: Option<Dial>,
    now: Now,
    who: Who,
    state: Mutex<Signed>,
}

#[derive(Default)]
struct Signed {
    client: Option<Client>,
    header: Option<http::HeaderValue>,
    expires: Option<Secs>,
    /// The last failure, so that two dozen watches don't run a failing plugin two dozen times.
    failed: Option<(Instant, Problem)>,
}

const FAILURE_HOLDS: Duration = Duration::from_secs(15);

impl Signer {
    pub(super) fn new(plugin: Plugin, config: Config, dial: Option<Dial>, now: Now, who: Who) -> Self {
        Self(Arc::new(SignerInner { plugin, config, dial, now, who, state: Mutex::default() }))
    }

    pub(super) async fn begin(&self, login: Option<Login>) -> Result<(), Problem> {
        let mut state = self.0.state.lock().await;
        let brought = match login {
            Some(Login(brought)) => brought,
            None => self.0.plugin.run().await?,
        };
        self.take(&mut state, brought).await
    }

    async fn take(&self, state: &mut Signed, brought: Brought) -> Result<(), Problem> {
        let mut config = self.0.config.clone();
        if let Some((certificate, key)) = &brought.identity {
            let engine = base64::engine::general_purpose::STANDARD;
            let data = |pem: &str| base64::Engine::encode(&engine, pem);
            let pair =
                serde_json::json!({ "client-certificate-data": data(certificate), "client-key-data": data(key) });
            let pair: kube::config::AuthInfo = serde_json::from_value(pair).unwrap_or_default();
            config.auth_info.client_certificate_data = pair.client_certificate_data;
            config.auth_info.client_key_data = pair.client_key_data;
        }
        if state.client.is_none() || brought.identity.is_some() {
            state.client = Some(build(config, self.0.dial.clone(), &self.0.who).await?);
        }
        state.header = brought.header;
        state.expires = brought.expires;
        state.failed = None;
        Ok(())
    }

    /// A client and header that are good for at least a minute.
    async fn current(&self) -> Result<(Client, Option<http::HeaderValue>), Problem> {
        let mut state = self.0.state.lock().await;
        let now = (self.0.now)();
        if state.client.is_none() || state.expires.is_some_and(|end| now.plus(credentials::EARLY) >= end) {
            if let Some((at, problem)) = &state.failed
                && at.elapsed() < FAILURE_HOLDS
            {
                return Err(problem.clone());
            }
            match self.0.plugin.run().await {
                Ok(brought) => self.take(&mut state, brought).await?,
                Err(problem) => {
                    state.failed = Some((Instant::now(), problem.clone()));
                    return Err(problem);
                }
            }
        }
        let client = state.client.clone().ok_or_else(|| {
            Problem::new(Kind::Bug, "can't sign in", "the signer has no client", "Please report this.")
        })?;
        Ok((client, state.header.clone()))
    }

    /// The server does not take what we have: the next request asks the plugin anew.
    async fn refused(&self) {
        self.0.state.lock().await.expires = Some(Secs(0));
    }

    async fn call(self, mut request: Request<Body>) -> Result<Response<Body>, tower::BoxError> {
        let (client, signature) = self.current().await?;
        if let Some(value) = signature {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let response = client.send(request).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.refused().await;
        }
        Ok(response)
    }

    pub(super) fn client(self, namespace: &str) -> Client {
        Client::new(tower::service_fn(move |request| self.clone().call(request)), namespace)
    }
}
