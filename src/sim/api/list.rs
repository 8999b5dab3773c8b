//! Listing: pages of one moment, selectors, and the rules about resourceVersion.

use std::sync::Arc;

use serde_json::json;

use super::snapshots::{Continue, Rest, place};
use super::{Admitted, Form, Query, Reply, Server, header, reply};
use crate::sim::store::{Refusal, Resource, Selector};

impl Server {
    /// Answers a list.
    pub(super) fn list(&self, resource: &'static Resource, request: &Admitted) -> Result<Reply, Refusal> {
        let form = Form::of(&request.headers)?;
        let query = &request.query;
        let selector = Selector::parse(resource, query.get("labelSelector"), query.get("fieldSelector"))?;
        check_list_options(query, self.store.version())?;
        let mut rest = self.listed(resource, request, &selector)?;
        let limit = query.number("limit").and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        let total = rest.items.len();
        let mut meta = json!({"resourceVersion": rest.version.to_string()});
        if let Some(limit) = limit.filter(|n| *n < total) {
            let after = rest.items.split_off(limit);
            meta["continue"] = json!(self.snapshots.keep(Rest { version: rest.version, items: after }));
            if selector.is_empty() {
                meta["remainingItemCount"] = json!(total - limit);
            }
        }
        let items = rest.items.iter().map(Arc::as_ref);
        let parts = form.many(resource, items, &meta, query, &self.store);
        let gzip = header(&request.headers, "accept-encoding").contains("gzip");
        Ok(reply::parts(parts, reply::JSON, gzip))
    }

    fn listed(&self, resource: &'static Resource, request: &Admitted, selector: &Selector) -> Result<Rest, Refusal> {
        let now = || self.store.list(resource, request.asked.scope(resource), selector);
        let token = request.query.get("continue");
        if token.is_empty() {
            let listed = now();
            return Ok(Rest { version: listed.version, items: listed.items });
        }
        match self.snapshots.find(token)? {
            Continue::Rest(rest) => Ok(rest),
            Continue::From(start) => {
                let mut listed = now();
                listed.items.retain(|o| place(o) >= start);
                Ok(Rest { version: listed.version, items: listed.items })
            }
        }
    }
}

/// Which combinations of options a server takes.
fn check_list_options(query: &Query, current: u64) -> Result<(), Refusal> {
    let (version, matching) = (query.get("resourceVersion"), query.get("resourceVersionMatch"));
    if query.has("sendInitialEvents") {
        return Err(invalid_options("sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"));
    }
    if !matching.is_empty() && version.is_empty() {
        let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        return Err(invalid_options(&format!("resourceVersionMatch: Forbidden: {why}")));
    }
    let asked = version_of(query)?;
    if !query.get("continue").is_empty() {
        return if asked == 0 {
            Ok(())
        } else {
            Err(Refusal::bad_request("specifying resource version is not allowed when using continue"))
        };
    }
    if asked > current {
        return Err(too_large(asked, current));
    }
    if matching == "Exact" && asked < current {
        return Err(Refusal::new(410, "Expired", "The resourceVersion for the provided list is too old."));
    }
    Ok(())
}

/// The resourceVersion of a request; 0 if there is none.
pub(super) fn version_of(query: &Query) -> Result<u64, Refusal> {
    let text = query.get("resourceVersion");
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        let why = format!("strconv.ParseUint: parsing \"{text}\": invalid syntax");
        Refusal::bad_request(format!("resourceVersion: Invalid value: \"{text}\": {why}"))
    })
}

/// 422 about the options of a list or watch.
pub(super) fn invalid_options(said: &str) -> Refusal {
    let (field, message) = said.split_once(": ").unwrap_or(("", said));
    let message_all = format!("ListOptions.meta.k8s.io \"\" is invalid: {said}");
    let causes = json!([{"reason": "FieldValueForbidden", "message": message, "field": field}]);
    let details = json!({"group": "meta.k8s.io", "kind": "ListOptions", "causes": causes});
    Refusal { details, ..Refusal::new(422, "Invalid", message_all) }
}

fn too_large(asked: u64, current: u64) -> Refusal {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    let causes = json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
    let details = json!({"causes": causes, "retryAfterSeconds": 1});
    Refusal { details, retry_after: Some(1), ..Refusal::new(504, "Timeout", message) }
}
