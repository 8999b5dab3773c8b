//! «May I?» and «who am I?»: the reviews that are answered without being stored.

use serde_json::{Value, json};

use super::{Admitted, Asked, Reply, Server, body, method_not_allowed, no_such_resource, reply, validate};
use crate::sim::store::resource::{CORE, NAMESPACES};
use crate::sim::store::{Refusal, Resource};
use crate::sim::users::User;

pub(super) const REVIEW: Resource = Resource { group: "authorization.k8s.io", namespaced: false, ..CORE };
static WHO: Resource = Resource {
    group: "authentication.k8s.io",
    plural: "selfsubjectreviews",
    singular: "selfsubjectreview",
    kind: "SelfSubjectReview",
    ..REVIEW
};
static LOCAL: Resource = Resource {
    plural: "localsubjectaccessreviews",
    singular: "localsubjectaccessreview",
    kind: "LocalSubjectAccessReview",
    namespaced: true,
    ..REVIEW
};
static OWN: Resource = Resource {
    plural: "selfsubjectaccessreviews",
    singular: "selfsubjectaccessreview",
    kind: "SelfSubjectAccessReview",
    ..REVIEW
};
static RULES: Resource = Resource {
    plural: "selfsubjectrulesreviews",
    singular: "selfsubjectrulesreview",
    kind: "SelfSubjectRulesReview",
    ..REVIEW
};
static OTHERS: Resource =
    Resource { plural: "subjectaccessreviews", singular: "subjectaccessreview", kind: "SubjectAccessReview", ..REVIEW };
/// Every kind of review.
pub(super) static KINDS: [&Resource; 5] = [&WHO, &LOCAL, &OWN, &RULES, &OTHERS];

impl Server {
    /// Answers a review.
    pub(super) fn review(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        let same =
            |r: &&&Resource| (r.group, r.version, r.plural) == (&*asked.group, &*asked.version, &*asked.resource);
        let kind = *KINDS.iter().find(same).ok_or_else(no_such_resource)?;
        if !asked.name.is_empty() || kind.namespaced == asked.namespace.is_empty() {
            return Err(no_such_resource());
        }
        if asked.verb != "create" {
            return Err(method_not_allowed());
        }
        let mut review = body::manifest(kind, request)?;
        let warnings = validate::cut(kind, request, &mut review)?;
        if kind.namespaced {
            self.store.get(&NAMESPACES, "", &asked.namespace)?;
        }
        let spec = review.as_object_mut().and_then(|review| review.remove("spec")).unwrap_or_default();
        let (spec, status) = if *kind == WHO {
            review["metadata"]["creationTimestamp"] = json!(self.store.clock().stamp());
            (Value::Null, json!({"userInfo": {"username": request.user.name, "groups": request.user.groups}}))
        } else if *kind == RULES {
            (json!({}), rules(&spec, &request.user)?)
        } else {
            check_attributes(&spec)?;
            let user = if *kind == OWN { request.user.clone() } else { self.subject(kind, request, &spec)? };
            let status = access(&spec, &user);
            (spec, status)
        };
        if !spec.is_null() {
            review["spec"] = spec;
        }
        review["status"] = status;
        Ok(validate::warned(reply::value(201, &review), &warnings))
    }

    /// Who is asked about.
    fn subject(&self, kind: &Resource, request: &Admitted, spec: &Value) -> Result<User, Refusal> {
        let name = spec["user"].as_str().unwrap_or_default();
        let groups = spec["groups"].as_array().into_iter().flatten().filter_map(|g| g.as_str().map(str::to_owned));
        let groups: Vec<String> = groups.collect();
        if name.is_empty() && groups.is_empty() {
            let said = "Invalid value: \"\": at least one of user or group must be specified";
            return Err(invalid("spec.user", said));
        }
        let attributes = &spec["resourceAttributes"];
        if kind.namespaced && attributes["namespace"].as_str().unwrap_or_default() != request.asked.namespace {
            let said = format!("Invalid value: {attributes}: must match metadata.namespace");
            return Err(invalid("spec.resourceAttributes.namespace", &said));
        }
        Ok(self.users.subject(name, groups))
    }
}

/// The rules that hold for somebody in a namespace.
fn rules(spec: &Value, user: &User) -> Result<Value, Refusal> {
    let namespace = spec["namespace"].as_str().unwrap_or_default();
    if namespace.is_empty() {
        return Err(Refusal::bad_request("no namespace on request"));
    }
    let (rules, paths) = user.rules_in(namespace);
    Ok(json!({"resourceRules": rules, "nonResourceRules": paths, "incomplete": false}))
}

/// 422 for a review, which has no name.
fn invalid(field: &str, said: &str) -> Refusal {
    let causes = json!([{"reason": "FieldValueInvalid", "message": said, "field": field}]);
    let details = json!({"group": REVIEW.group, "causes": causes});
    let message = format!(".{} \"\" is invalid: {field}: {said}", REVIEW.group);
    Refusal { details, ..Refusal::new(422, "Invalid", message) }
}

/// A review is about a resource or about a path.
fn check_attributes(spec: &Value) -> Result<(), Refusal> {
    let path = &spec["nonResourceAttributes"];
    match (spec["resourceAttributes"].is_object(), path.is_object()) {
        (true, true) => {
            let named = json!({"Path": path["path"], "Verb": path["verb"]});
            let said = format!("Invalid value: {named}: cannot be specified in combination with resourceAttributes");
            Err(invalid("spec.nonResourceAttributes", &said))
        }
        (false, false) => {
            let said = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            Err(invalid("spec.resourceAttributes", &format!("Invalid value: null: {said}")))
        }
        _ => Ok(()),
    }
}

fn access(spec: &Value, user: &User) -> Value {
    let place = &spec["resourceAttributes"];
    let text = |key: &str| place[key].as_str().unwrap_or_default().to_owned();
    let asked = if place.is_object() {
        Asked {
            verb: text("verb"),
            group: text("group"),
            version: text("version"),
            resource: text("resource"),
            subresource: text("subresource"),
            namespace: text("namespace"),
            name: text("name"),
            path: String::new(),
        }
    } else {
        let path = &spec["nonResourceAttributes"];
        let text = |key: &str| path[key].as_str().unwrap_or_default().to_owned();
        let asked = Asked { verb: text("verb"), path: text("path"), ..Asked::default() };
        return json!({"allowed": user.check(&asked).is_ok()});
    };
    match user.allowed_by(&asked) {
        Some(reason) if reason.is_empty() => json!({"allowed": true}),
        Some(reason) => json!({"allowed": true, "reason": reason}),
        None => json!({"allowed": false}),
    }
}
