//! «May I?» and «who am I?»: the reviews a user may ask about itself.

use serde_json::{Value, json};

use super::{Admitted, Asked, Reply, Server, no_such_resource, reply};
use crate::sim::store::Refusal;
use crate::sim::users::User;

impl Server {
    /// Answers one of the self-subject reviews.
    pub(super) fn review(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        if asked.verb != "create" {
            let message = "the server does not allow this method on the requested resource";
            return Err(Refusal { details: json!({}), ..Refusal::new(405, "MethodNotAllowed", message) });
        }
        let mut body: Value =
            serde_json::from_slice(&request.body).map_err(|error| Refusal::bad_request(error.to_string()))?;
        if !body.is_object() {
            return Err(Refusal::bad_request("the object provided is unrecognized"));
        }
        let user = &request.user;
        if asked.resource == "selfsubjectaccessreviews" || asked.resource == "subjectaccessreviews" {
            check_attributes(&body["spec"])?;
        }
        let (kind, status) = match asked.resource.as_str() {
            "selfsubjectaccessreviews" => ("SelfSubjectAccessReview", access(&body["spec"], user)),
            "subjectaccessreviews" => {
                let name = body["spec"]["user"].as_str().unwrap_or_default();
                let user = self.users.named(name);
                ("SubjectAccessReview", access(&body["spec"], &user))
            }
            "selfsubjectrulesreviews" => {
                let namespace = body["spec"]["namespace"].as_str().unwrap_or_default();
                if namespace.is_empty() {
                    return Err(Refusal::bad_request("no namespace on request"));
                }
                let open = json!([{"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"]}]);
                let rules = user.rules_in(namespace);
                (
                    "SelfSubjectRulesReview",
                    json!({"resourceRules": rules, "nonResourceRules": open, "incomplete": false}),
                )
            }
            "selfsubjectreviews" => {
                let info = json!({"username": user.name, "groups": user.groups});
                ("SelfSubjectReview", json!({"userInfo": info}))
            }
            _ => return Err(no_such_resource()),
        };
        body["kind"] = json!(kind);
        body["apiVersion"] = json!(format!("{}/{}", asked.group, asked.version));
        body["status"] = status;
        if !body["metadata"].is_object() {
            body["metadata"] = json!({});
        }
        if kind == "SelfSubjectReview" {
            body["metadata"]["creationTimestamp"] = json!(self.store.clock().stamp());
        }
        Ok(reply::value(201, &body))
    }
}

/// A review is about a resource or about a path.
fn check_attributes(spec: &Value) -> Result<(), Refusal> {
    if spec["resourceAttributes"].is_object() != spec["nonResourceAttributes"].is_object() {
        return Ok(());
    }
    let said = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
    let field = "spec.resourceAttributes";
    let causes = json!([{"reason": "FieldValueInvalid", "message": said, "field": field}]);
    let details = json!({"group": "authorization.k8s.io", "causes": causes});
    let message = format!(".authorization.k8s.io \"\" is invalid: {field}: {said}");
    Err(Refusal { details, ..Refusal::new(422, "Invalid", message) })
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
        Some(reason) => json!({"allowed": true, "reason": reason}),
        None => json!({"allowed": false}),
    }
}
