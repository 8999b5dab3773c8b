//! «May I?» and «who am I?»: the reviews a user may ask about itself.

use serde_json::{Value, json};

use super::{Admitted, Asked, Reply, Server, no_such_resource, reply};
use crate::sim::store::Refusal;

impl Server {
    /// Answers one of the self-subject reviews.
    #[allow(clippy::unused_self, reason = "a handler like the others")]
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
        let (kind, status) = match asked.resource.as_str() {
            "selfsubjectaccessreviews" => ("SelfSubjectAccessReview", access(&body["spec"], request)),
            "selfsubjectrulesreviews" => {
                let namespace = body["spec"]["namespace"].as_str().unwrap_or_default();
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
        Ok(reply::value(201, &body))
    }
}

fn access(spec: &Value, request: &Admitted) -> Value {
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
        return json!({"allowed": request.user.check(&asked).is_ok()});
    };
    match request.user.allowed_by(&asked) {
        Some(reason) => json!({"allowed": true, "reason": reason}),
        None => json!({"allowed": false}),
    }
}
