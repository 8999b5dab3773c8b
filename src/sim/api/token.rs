//! The `token` subresource of service accounts: a token with which a program speaks for the account.

use serde_json::{Value, json};

use super::{Admitted, Asked, Reply, Server, body, reply, validate, write};
use crate::sim::store::resource::{NODES, PODS, SECRETS, SERVICEACCOUNTS};
use crate::sim::store::{Obj, Refusal, Resource};
use crate::sim::users::ISSUER;
use crate::sim::value::stamp;

/// What is asked with.
static REQUEST: Resource = Resource {
    group: "authentication.k8s.io",
    plural: "tokenrequests",
    kind: "TokenRequest",
    namespaced: true,
    ..super::review::REVIEW
};
/// How long a token holds unless something else is asked for, and at least and at most, in seconds.
const USUAL: i64 = 3600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

impl Server {
    /// Answers a request for a token.
    pub(super) fn token(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        let dry_run = write::dry_run(request)?;
        let mut wish = body::manifest(&REQUEST, request)?;
        let warnings = validate::cut(&REQUEST, request, &mut wish)?;
        let name = wish["metadata"]["name"].as_str().unwrap_or_default();
        if !name.is_empty() && name != asked.name {
            let said = format!("Invalid value: \"{name}\": must match the service account name if specified");
            let cause = [("FieldValueInvalid", "metadata.name", said)];
            return Err(Refusal::invalid(&REQUEST, &asked.name, &cause));
        }
        let account = self.store.get(&SERVICEACCOUNTS, &asked.namespace, &asked.name)?;
        let spec = &mut wish["spec"];
        if spec["audiences"].as_array().is_none_or(Vec::is_empty) {
            spec["audiences"] = json!([ISSUER]);
        }
        if spec["expirationSeconds"].is_null() {
            spec["expirationSeconds"] = json!(USUAL);
        }
        if spec["boundObjectRef"].is_null() {
            spec["boundObjectRef"] = Value::Null;
        }
        self.check_bound(&spec["boundObjectRef"], asked)?;
        let seconds = spec["expirationSeconds"].as_i64().unwrap_or(USUAL);
        check_span(seconds)?;
        let meta = &mut wish["metadata"];
        (meta["name"], meta["uid"]) = (json!(asked.name), json!(account.uid.as_str()));
        meta["creationTimestamp"] = json!(self.store.clock().stamp());
        wish["status"] = self.given(&account, &wish["spec"]["audiences"], seconds, dry_run);
        Ok(validate::warned(reply::value(201, &wish), &warnings))
    }

    /// What a token is bound to must be there; a pod must be the account's.
    fn check_bound(&self, bound: &Value, asked: &Asked) -> Result<(), Refusal> {
        let word = |key: &str| bound[key].as_str().unwrap_or_default();
        let (kind, version, name) = (word("kind"), word("apiVersion"), word("name"));
        let resource = match (kind, version) {
            ("", "") => return Ok(()),
            ("Pod", "v1") => &PODS,
            ("Secret", "v1") => &SECRETS,
            ("Node", "v1") => &NODES,
            _ => {
                let version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
                let why = format!("cannot bind token to object of type {version}, Kind={kind}");
                return Err(Refusal::bad_request(why));
            }
        };
        let namespace = if resource.namespaced { asked.namespace.as_str() } else { "" };
        let object = self.store.get(resource, namespace, name)?;
        if *resource == PODS && object.value()["spec"]["serviceAccountName"] != asked.name.as_str() {
            let (account, other) = (&asked.name, "pod running with different serviceaccount name.");
            return Err(Refusal::bad_request(format!("cannot bind token for serviceaccount {account:?} to {other}")));
        }
        Ok(())
    }

    fn given(&self, account: &Obj, audiences: &Value, seconds: i64, dry_run: bool) -> Value {
        let end = self.store.clock().now().saturating_add(jiff::SignedDuration::from_secs(seconds));
        let token = if dry_run { String::new() } else { self.users.token_for(account, audiences, seconds) };
        json!({"token": token, "expirationTimestamp": end.map(stamp).unwrap_or_default()})
    }
}

fn check_span(seconds: i64) -> Result<(), Refusal> {
    let why = if seconds < SHORTEST {
        "may not specify a duration less than 10 minutes"
    } else if seconds > LONGEST {
        "may not specify a duration larger than 2^32 seconds"
    } else {
        return Ok(());
    };
    let cause = [("FieldValueInvalid", "spec.expirationSeconds", format!("Invalid value: {seconds}: {why}"))];
    Err(Refusal::invalid(&REQUEST, "", &cause))
}
