//! Whom a session speaks to and as whom. No secrets.

use std::sync::Arc;

use super::{
    kubeconfig::Resolved,
    problem::{About, Credential},
    proxy,
    target::Target,
};
use crate::jobs::text::{Clean, Name};

/// Whom a session speaks to and as whom, for titles and messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Context, as the kubeconfig spells it.
    pub context: Clean,
    /// Cluster name.
    pub cluster: Clean,
    /// Its address, without a name and password in it.
    pub server: Clean,
    /// The CA that its certificate is checked with, empty for the system's: a tunnel leads to several under one address.
    pub authority: Arc<[u8]>,
    /// The proxy on the way there, without the credentials for it.
    pub proxy: Option<Clean>,
    /// User name in the kubeconfig, or whom `--as` names.
    pub user: Clean,
    /// The namespace that the context names.
    pub namespace: Option<Name>,
    /// How it signs in.
    pub credential: Credential,
}

impl Who {
    /// As a target says and its kubeconfig spells out.
    pub(super) fn of(target: &Target, resolved: &Resolved, proxy: Option<&http::Uri>, authority: &[u8]) -> Self {
        Self {
            context: Clean::new(&resolved.context),
            cluster: Clean::new(&resolved.cluster_name),
            server: server(resolved),
            authority: authority.into(),
            proxy: proxy.map(|uri| Clean::new(&proxy::shown(uri))),
            user: Clean::new(resolved.user.impersonate.as_deref().unwrap_or(&resolved.user_name)),
            namespace: resolved.namespace.as_deref().and_then(Name::new),
            credential: credential(target, resolved),
        }
    }

    /// Words for what goes wrong there. `doing` completes «can't …».
    pub(crate) fn about<'a>(&'a self, doing: &'a str) -> About<'a> {
        About {
            doing,
            server: self.server.as_str(),
            proxy: self.proxy.as_ref().map(Clean::as_str),
            credential: &self.credential,
        }
    }
}

/// The server's address as it may be shown and kept: a name and password in it are not.
pub(super) fn server(resolved: &Resolved) -> Clean {
    let server = resolved.cluster.server.as_deref().unwrap_or_default();
    Clean::new(&proxy::without_user(server))
}

fn credential(target: &Target, resolved: &Resolved) -> Credential {
    let user = &resolved.user;
    if target.kubeconfig.in_cluster {
        Credential::InCluster
    } else if let Some(provider) = &user.auth_provider {
        Credential::Provider(Clean::new(&provider.name))
    } else if user.username.is_some() && user.password.is_some() {
        Credential::Basic
    } else if user.token.is_some() {
        Credential::Token
    } else if let Some(file) = &user.token_file {
        Credential::TokenFile(Clean::new(file))
    } else if let Some(exec) = &user.exec {
        Credential::Plugin(Clean::new(exec.command.as_deref().unwrap_or("?")))
    } else if user.client_certificate.is_some() || user.client_certificate_data.is_some() {
        Credential::Certificate
    } else {
        Credential::Anonymous
    }
}
