//! The way to a server beside the cluster (a Prometheus by its URL), as a target of its own.
//!
//! Owns which credential goes there: none, one of the user's files, or the cluster's token. Whether the last may be is the
//! caller's to decide. Nothing secret goes over a connection that is not TLS, except to this machine.

use std::path::PathBuf;

use kube::config::AuthInfo;
use serde_json::json;

use super::{
    kubeconfig::Loaded,
    problem::{Problem, ProblemKind as Kind},
    target::Target,
    transport::is_private,
};

/// A server, and what we show it of ourselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its address; a path is put before each request's.
    pub url: String,
    /// CA file; the system's where there is none.
    pub ca: Option<PathBuf>,
    /// How we sign in.
    pub credential: Shown,
}

/// How we sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Not at all.
    #[default]
    Nothing,
    /// With the token in this file, which is read again when it changes.
    TokenFile(PathBuf),
    /// With a client certificate: certificate and key.
    Certificate(PathBuf, PathBuf),
    /// With the token that the cluster is shown.
    ClusterToken,
}

const NAME: &str = "elsewhere";

/// The target, for [`connect`](super::connect). `of` is the cluster beside which the server is.
pub fn target(of: &Target, to: &Elsewhere) -> Result<Target, Problem> {
    let user = user(of, &to.credential)?;
    if to.credential != Shown::Nothing && !is_private(&to.url) {
        let why = format!("{} is not https, so that others could read the credential", to.url);
        return Err(Problem::new(Kind::BadConfig, "can't sign in there", &why, "Use its https address."));
    }
    let config = json!({
        "clusters": [{"name": NAME, "cluster": {"server": to.url, "certificate-authority": to.ca}}],
        "users": [{"name": NAME, "user": {}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        "current-context": NAME,
    });
    let mut loaded = Loaded::from_value(config)?;
    for named in &mut loaded.config.auth_infos {
        named.auth_info = Some(user.clone());
    }
    Ok(Target {
        context: None,
        act_as: None,
        act_as_groups: Vec::new(),
        dial: None,
        login: of.login.clone().filter(|_| to.credential == Shown::ClusterToken),
        kubeconfig: loaded.shared(),
        ..of.clone()
    })
}

fn user(of: &Target, credential: &Shown) -> Result<AuthInfo, Problem> {
    let path = |file: &PathBuf| Some(file.to_string_lossy().into_owned());
    Ok(match credential {
        Shown::Nothing => AuthInfo::default(),
        Shown::TokenFile(file) => AuthInfo { token_file: path(file), ..AuthInfo::default() },
        Shown::Certificate(certificate, key) => {
            AuthInfo { client_certificate: path(certificate), client_key: path(key), ..AuthInfo::default() }
        }
        Shown::ClusterToken => token(of)?,
    })
}

/// The cluster's token however it is brought, and nothing else that the cluster is shown.
fn token(of: &Target) -> Result<AuthInfo, Problem> {
    let user = of.kubeconfig.resolve(of.context.as_deref())?.user;
    if user.token.is_none() && user.token_file.is_none() && user.auth_provider.is_none() && user.exec.is_none() {
        let why = "the kubeconfig signs in without a token";
        let hint = "Give one of its own with prometheus-token-file.";
        return Err(Problem::new(Kind::BadConfig, "can't sign in with the cluster's token", why, hint));
    }
    Ok(AuthInfo {
        token: user.token,
        token_file: user.token_file,
        auth_provider: user.auth_provider,
        exec: user.exec,
        ..AuthInfo::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(user: &serde_json::Value) -> Target {
        let config = json!({
            "clusters": [{"name": "c", "cluster": {"server": "https://api.corp:6443"}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x"
        });
        Target::new(Loaded::from_value(config).expect("a kubeconfig").shared())
    }

    fn shown(of: &Target, credential: Shown, url: &str) -> Result<AuthInfo, Problem> {
        let to = Elsewhere { url: url.to_owned(), ca: None, credential };
        Ok(target(of, &to)?.kubeconfig.resolve(None)?.user)
    }

    #[test]
    fn the_cluster_s_token_goes_only_where_it_is_meant_to_go() {
        let of = cluster(&json!({"token": "secret", "client-certificate-data": "YQ==", "client-key-data": "Yg=="}));
        let nothing = shown(&of, Shown::Nothing, "https://p").expect("made");
        assert!(nothing.token.is_none() && nothing.client_key_data.is_none());
        let own = shown(&of, Shown::TokenFile("/t".into()), "https://p").expect("made");
        assert_eq!((own.token.is_none(), own.token_file.as_deref()), (true, Some("/t")));
        let cluster = shown(&of, Shown::ClusterToken, "https://p").expect("made");
        assert!(cluster.token.is_some() && cluster.client_key_data.is_none(), "its key stays here");
    }

    #[test]
    fn no_credential_goes_where_others_can_read_it() {
        let of = cluster(&json!({"token": "secret"}));
        let refused = shown(&of, Shown::ClusterToken, "http://p:9090").expect_err("refused");
        assert_eq!(refused.kind, Kind::BadConfig);
        assert!(shown(&of, Shown::ClusterToken, "http://127.0.0.1:9090").is_ok(), "nobody is between");
        assert!(shown(&of, Shown::Nothing, "http://p:9090").is_ok());
        assert!(shown(&of, Shown::TokenFile("/t".into()), "http://127.0.0.1.evil:9090").is_err());
    }

    #[test]
    fn who_signs_in_by_certificate_has_no_token_to_show() {
        let of = cluster(&json!({"client-certificate-data": "YQ==", "client-key-data": "Yg=="}));
        assert!(shown(&of, Shown::ClusterToken, "https://p").is_err());
    }
}
