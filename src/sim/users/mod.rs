//! Who may do what: the users of the sim, their tokens, and on whose behalf they speak.
//!
//! Owns authentication, impersonation and the words of refusals. Rights are what stored roles and bindings say
//! (`rights`), for people and service accounts alike.

mod rights;
mod roles;
mod tokens;
mod user;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use base64::Engine;
use http::HeaderMap;
use serde_json::{Value, json};

use roles::{AUTHENTICATED, UNAUTHENTICATED};
pub use user::User;
use user::{MASTERS, groups_of};

use super::asked::Asked;
use super::store::resource::SERVICEACCOUNTS;
use super::store::{Obj, Refusal, Store};

/// The contexts of the kubeconfig, first the one that is current.
pub const CONTEXTS: [&str; 4] = ["admin", "tenant", "viewer", "nowatch"];
/// Who asks without saying who it is.
const ANONYMOUS: &str = "system:anonymous";
/// How headers begin that say more of whom somebody speaks for than a name.
const IMPERSONATED: [&str; 3] = ["impersonate-group", "impersonate-uid", "impersonate-extra-"];
/// Who signs the tokens of service accounts, and for whom they are unless somebody else is named.
pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Everybody the sim knows.
#[derive(Debug)]
pub struct Users {
    store: Store,
    known: RwLock<Vec<(User, String)>>,
    signer: tokens::Signer,
    tenant_namespace: String,
}

impl Users {
    /// The four users with new tokens, and the roles by which they have their rights; `tenant_namespace` is where the
    /// tenant has them, and must be there.
    pub fn new(store: &Store, tenant_namespace: &str) -> Result<Self, String> {
        roles::lay(store, tenant_namespace).map_err(|refusal| refusal.message)?;
        let user = |name: &str| {
            let own = if name == "admin" { vec![MASTERS.to_owned()] } else { Vec::new() };
            Ok::<_, String>((signed_in(store, name, own), tokens::random()?))
        };
        let known = CONTEXTS.into_iter().map(user).collect::<Result<_, _>>()?;
        let (store, signer) = (store.clone(), tokens::Signer::new()?);
        Ok(Self { store, known: RwLock::new(known), signer, tenant_namespace: tenant_namespace.to_owned() })
    }

    /// The user of a request: by its token, and on whose behalf it speaks.
    pub fn sign_in(&self, headers: &HeaderMap) -> Result<User, Refusal> {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let user = self.signed_in_by(header("authorization").unwrap_or_default())?;
        let groups: Vec<String> =
            headers.get_all("impersonate-group").iter().filter_map(|v| Some(v.to_str().ok()?.to_owned())).collect();
        let Some(other) = header("impersonate-user").filter(|name| !name.is_empty()) else {
            return if headers.keys().any(|name| IMPERSONATED.iter().any(|begin| name.as_str().starts_with(begin))) {
                Err(Refusal::bad_request(format!("requested {} without impersonating a user name", nobody(headers))))
            } else {
                Ok(user)
            };
        };
        user.check(&impersonation(other))?;
        for group in &groups {
            user.check(&impersonating("groups", "", group))?;
        }
        Ok(self.named(other, groups))
    }

    /// Who a header speaks for: what is no bearer's token is nobody's, and nobody may ask, too.
    fn signed_in_by(&self, header: &str) -> Result<User, Refusal> {
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Ok(User::new(&self.store, ANONYMOUS, vec![UNAUTHENTICATED.to_owned()]));
        }
        let known = self.known().iter().find(|(_, t)| t == token).map(|(user, _)| user.clone());
        let user = known.or_else(|| self.account_of(token));
        user.ok_or_else(|| Refusal::new(401, "Unauthorized", "Unauthorized"))
    }

    fn known(&self) -> RwLockReadGuard<'_, Vec<(User, String)>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service account that a token speaks for, while both hold.
    fn account_of(&self, token: &str) -> Option<User> {
        let said = self.signer.read(token)?;
        let now = self.store.clock().now().as_second();
        let ours = said["aud"].as_array().is_some_and(|all| all.iter().any(|aud| aud == ISSUER));
        if !ours || said["exp"].as_i64().is_none_or(|until| until <= now) {
            return None;
        }
        let own = &said["kubernetes.io"];
        let (namespace, account) = (own["namespace"].as_str()?, &own["serviceaccount"]);
        let there = self.store.get(&SERVICEACCOUNTS, namespace, account["name"].as_str()?).ok()?;
        let same = account["uid"] == there.uid.as_str();
        same.then(|| self.named(&rights::account(namespace, &there.name), Vec::new()))
    }

    /// A token for a service account, for `audiences` and so many seconds from now.
    pub fn token_for(&self, account: &Obj, audiences: &Value, seconds: i64) -> String {
        let from = self.store.clock().now().as_second();
        let id = self.store.chance().uuid();
        let (namespace, name, uid) = (&*account.namespace, &*account.name, &*account.uid);
        let until = from.saturating_add(seconds);
        let claims = tokens::Claims { namespace, name, uid, id, issuer: ISSUER, audiences, from, until };
        self.signer.sign(&claims.value(&rights::account(namespace, name)))
    }

    /// Ends a user's token. The new one, if there is such a user.
    pub fn renew(&self, name: &str) -> Option<String> {
        let new = tokens::random().ok()?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.iter_mut().find(|(user, _)| user.name == name)?.1.clone_from(&new);
        Some(new)
    }

    /// Who is signed in under a name and groups, whether or not it is known.
    pub fn named(&self, name: &str, mut groups: Vec<String>) -> User {
        if groups.is_empty() {
            groups = groups_of(name);
        }
        if name == ANONYMOUS {
            groups.push(UNAUTHENTICATED.to_owned());
            return User::new(&self.store, name, groups);
        }
        signed_in(&self.store, name, groups)
    }

    /// Who is asked about: this name with these groups and no others.
    pub fn subject(&self, name: &str, groups: Vec<String>) -> User {
        User::new(&self.store, name, groups)
    }

    /// A kubeconfig with a context a user. `server` is its URL, `ca` the PEM of its authority.
    pub fn kubeconfig(&self, server: &str, ca: Option<&str>) -> Value {
        let mut cluster = json!({"server": server});
        if let Some(pem) = ca {
            cluster["certificate-authority-data"] = json!(base64::prelude::BASE64_STANDARD.encode(pem));
        }
        let known = self.known();
        let users = known.iter().map(|(user, token)| json!({"name": user.name, "user": {"token": token}}));
        let contexts = known.iter().map(|(user, _)| {
            let mut context = json!({"cluster": "mpideck-sim", "user": user.name});
            if user.name == "tenant" {
                context["namespace"] = json!(self.tenant_namespace);
            }
            json!({"name": user.name, "context": context})
        });
        json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": CONTEXTS[0],
            "clusters": [{"name": "mpideck-sim", "cluster": cluster}],
            "users": users.collect::<Vec<_>>(), "contexts": contexts.collect::<Vec<_>>(),
        })
    }
}

/// Whoever is signed in is so in one more group.
fn signed_in(store: &Store, name: &str, mut groups: Vec<String>) -> User {
    if !groups.iter().any(|group| group == AUTHENTICATED) {
        groups.push(AUTHENTICATED.to_owned());
    }
    User::new(store, name, groups)
}

/// What of somebody is asked for who has no name, as Go writes it.
fn nobody(headers: &HeaderMap) -> String {
    let texts = |name: &str| -> Vec<String> {
        let all = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        all.map(|text| format!("{text:?}")).collect()
    };
    let list = |all: &[String]| if all.is_empty() { "(nil)".to_owned() } else { format!("{{{}}}", all.join(", ")) };
    let mut extra: Vec<String> = headers
        .keys()
        .filter_map(|name| Some((name.as_str(), name.as_str().strip_prefix("impersonate-extra-")?)))
        .map(|(header, key)| format!("{key:?}:[]string{}", list(&texts(header))))
        .collect();
    extra.sort();
    let (uid, groups) = (texts("impersonate-uid").concat(), list(&texts("impersonate-group")));
    let uid = if uid.is_empty() { "\"\"" } else { &uid };
    let extra = list(&extra);
    format!("&user.DefaultInfo{{Name:\"\", UID:{uid}, Groups:[]string{groups}, Extra:map[string][]string{extra}}}")
}

/// To speak for somebody, which is a right of its own: of a service account by its name in its namespace.
fn impersonation(other: &str) -> Asked {
    let account = other.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    match account {
        Some((namespace, name)) => impersonating("serviceaccounts", namespace, name),
        None => impersonating("users", "", other),
    }
}

fn impersonating(what: &str, namespace: &str, name: &str) -> Asked {
    Asked {
        verb: "impersonate".into(),
        version: "v1".into(),
        resource: what.into(),
        namespace: namespace.into(),
        name: name.into(),
        ..Asked::default()
    }
}

#[cfg(test)]
mod tests;
