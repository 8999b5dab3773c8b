//! Listing: pages of one moment, selectors, and the rules about resourceVersion.

use std::sync::Arc;

use serde_json::{Value, json};

use super::snapshots::{Continue, Rest, place};
use super::{Admitted, Form, Query, Reply, Server, header, reply};
use crate::sim::store::{Listed, Refusal, Resource, Selector};

impl Server {
    /// Answers a list.
    pub(super) fn list(&self, resource: &'static Resource, request: &Admitted) -> Result<Reply, Refusal> {
        let form = Form::of(request)?;
        let query = &request.query;
        let selector = Selector::parse(resource, query.get("labelSelector"), query.get("fieldSelector"))?;
        check_list_options(query, self.store.version())?;
        let rest = self.listed(resource, request, &selector)?;
        let limit = query.number("limit").and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        // What a cache answers, it answers whole.
        let limit = limit.filter(|_| query.get("resourceVersion") != "0" || !query.get("continue").is_empty());
        let total = rest.items().len();
        let more = limit == Some(total) && self.goes_on(resource, request, &rest);
        let mut meta = json!({"resourceVersion": rest.version.to_string()});
        if resource.custom && form == Form::Whole {
            meta["continue"] = json!("");
        }
        let page = &rest.items()[..limit.map_or(total, |limit| limit.min(total))];
        if let Some(limit) = limit.filter(|n| *n < total) {
            let after = rest.after(limit);
            let start = after.items().first().map(place).unwrap_or_default();
            meta["continue"] = json!(self.snapshots.keep(resource, after, &start));
            if selector.is_empty() {
                meta["remainingItemCount"] = json!(total - limit);
            }
        } else if more {
            // A server that has read as many as were asked for does not look whether what follows would be selected.
            let start = page.last().map(place).unwrap_or_default() + "\0";
            meta["continue"] = json!(self.snapshots.keep(resource, rest.after(total), &start));
        }
        let items = page.iter().map(Arc::as_ref);
        let parts = form.many(resource, items, &meta, query, &self.store);
        let gzip = header(&request.headers, "accept-encoding").contains("gzip");
        Ok(reply::parts(parts, reply::JSON, gzip))
    }

    /// Whether there is anything behind the last of these, selected or not.
    fn goes_on(&self, resource: &'static Resource, request: &Admitted, rest: &Rest) -> bool {
        let Some(last) = rest.items().last().map(place) else { return false };
        let all = self.store.list(resource, request.asked.scope(resource), &Selector::default()).items;
        all.iter().any(|object| place(object) > last)
    }

    fn listed(&self, resource: &'static Resource, request: &Admitted, selector: &Selector) -> Result<Rest, Refusal> {
        let scope = request.asked.scope(resource);
        let rest = |listed: Listed| Rest::new(listed.version, listed.items, selector.clone());
        let token = request.query.get("continue");
        if token.is_empty() {
            let listed = match exact(&request.query)? {
                Some(version) => self.store.list_at(resource, scope, selector, version).ok_or_else(|| {
                    Refusal::new(410, "Expired", "The resourceVersion for the provided list is too old.")
                })?,
                None => self.store.list(resource, scope, selector),
            };
            return Ok(rest(listed));
        }
        match self.snapshots.find(resource, token)? {
            Continue::Rest(rest) => Ok(rest.selected(resource, selector)),
            Continue::From(start) => {
                let mut listed = self.store.list(resource, scope, selector);
                listed.items.retain(|o| place(o) >= start);
                Ok(rest(listed))
            }
        }
    }
}

/// The version whose state is asked for, if it is not just the newest. A page of a version is of that version.
fn exact(query: &Query) -> Result<Option<u64>, Refusal> {
    let asked = version_of(query)?;
    let paged = query.number("limit").is_some_and(|n| n > 0) && query.get("resourceVersionMatch").is_empty();
    Ok((asked > 0 && (paged || query.get("resourceVersionMatch") == "Exact")).then_some(asked))
}

/// Which combinations of options a server takes.
fn check_list_options(query: &Query, current: u64) -> Result<(), Refusal> {
    let (version, matching) = (query.get("resourceVersion"), query.get("resourceVersionMatch"));
    check_numbers(query)?;
    if query.has("sendInitialEvents") {
        return Err(invalid_options("sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"));
    }
    let said = |why: &str| format!("resourceVersionMatch: {why}");
    let forbidden = |why: &str| said(&format!("Forbidden: resourceVersionMatch is forbidden {why}"));
    let mut wrong = Vec::new();
    if !matching.is_empty() && version.is_empty() {
        wrong.push(forbidden("unless resourceVersion is provided"));
    }
    if !matching.is_empty() && !query.get("continue").is_empty() {
        wrong.push(forbidden("when continue is provided"));
    }
    if !["", "Exact", "NotOlderThan"].contains(&matching) {
        let known = "supported values: \"Exact\", \"NotOlderThan\", \"\"";
        wrong.push(said(&format!("Unsupported value: \"{matching}\": {known}")));
    }
    if matching == "Exact" && version == "0" {
        let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
        wrong.push(said(&format!("Forbidden: {why}")));
    }
    if !wrong.is_empty() {
        return Err(invalid_options_all(&wrong.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    let asked = version_of(query)
        .map_err(|refusal| Refusal::bad_request(format!("invalid resource version: {}", refusal.message)))?;
    if !query.get("continue").is_empty() {
        return if asked == 0 {
            Ok(())
        } else {
            Err(Refusal::bad_request("specifying resource version is not allowed when using continue"))
        };
    }
    if asked > current { Err(too_large(asked, current)) } else { Ok(()) }
}

/// Numbers must be numbers.
pub(super) fn check_numbers(query: &Query) -> Result<(), Refusal> {
    for key in ["limit", "timeoutSeconds"] {
        let text = query.get(key);
        if !text.is_empty() && text.parse::<i64>().is_err() {
            return Err(Refusal::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")));
        }
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
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let what = if digits { "value out of range" } else { "invalid syntax" };
        let why = format!("strconv.ParseUint: parsing \"{text}\": {what}");
        Refusal::new(500, "", format!("resourceVersion: Invalid value: \"{text}\": {why}"))
    })
}

/// 422 about the options of a list or watch.
pub(super) fn invalid_options(said: &str) -> Refusal {
    invalid_options_all(&[said])
}

/// As [`invalid_options`], for several faults, each as `field: Kind: why`.
pub(super) fn invalid_options_all(said: &[&str]) -> Refusal {
    let causes: Vec<Value> = said
        .iter()
        .map(|said| {
            let (field, message) = said.split_once(": ").unwrap_or(("", said));
            let reason =
                if message.starts_with("Unsupported") { "FieldValueNotSupported" } else { "FieldValueForbidden" };
            json!({"reason": reason, "message": message, "field": field})
        })
        .collect();
    let said = if said.len() == 1 { said.concat() } else { format!("[{}]", said.join(", ")) };
    let details = json!({"group": "meta.k8s.io", "kind": "ListOptions", "causes": causes});
    Refusal { details, ..Refusal::new(422, "Invalid", format!("ListOptions.meta.k8s.io \"\" is invalid: {said}")) }
}

pub(super) fn too_large(asked: u64, current: u64) -> Refusal {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    let causes = json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
    let details = json!({"causes": causes, "retryAfterSeconds": 1});
    Refusal { details, retry_after: Some(1), ..Refusal::new(504, "Timeout", message) }
}
