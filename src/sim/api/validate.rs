//! Bodies held against schemas, as `fieldValidation` asks: warned about, refused, or cut to what is known.

use serde_json::{Value, json};

use super::patch::Patch;
use super::{Admitted, Reply, builtin, events, go, meta, rbac, reply};
use crate::sim::schema::{self, Fault, Schemas};
use crate::sim::store::resource::{CONFIGMAPS, JOBS, PODS, PRIORITYCLASSES, SECRETS, SERVICES};
use crate::sim::store::{Part, Refusal, Resource};
use crate::sim::strategic;
use crate::sim::value::list;

/// What becomes of fields that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldValidation {
    /// They are dropped in silence.
    Ignore,
    /// They are dropped, and a header says so.
    Warn,
    /// The request is refused.
    Strict,
}

impl FieldValidation {
    /// What a request asks for; a warning if it doesn't say.
    pub(super) fn of(request: &Admitted) -> Result<Self, Refusal> {
        match request.query.get("fieldValidation") {
            "Ignore" => Ok(Self::Ignore),
            "" | "Warn" => Ok(Self::Warn),
            "Strict" => Ok(Self::Strict),
            other => {
                let said =
                    format!("Unsupported value: \"{other}\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"");
                Err(bad_option(request, "fieldValidation", "FieldValueNotSupported", &said))
            }
        }
    }
}

/// 422 for a parameter.
pub(super) fn bad_option(request: &Admitted, field: &str, reason: &str, said: &str) -> Refusal {
    let kind = match request.asked.verb.as_str() {
        "create" => "CreateOptions",
        "update" => "UpdateOptions",
        "patch" => "PatchOptions",
        _ => "DeleteOptions",
    };
    let details = json!({"group": "meta.k8s.io", "kind": kind, "causes": [
        {"reason": reason, "message": said, "field": field}]});
    let message = format!("{kind}.meta.k8s.io \"\" is invalid: {field}: {said}");
    Refusal { details, ..Refusal::new(422, "Invalid", message) }
}

/// Cuts a body to what its schema knows. Says what was too much: as warnings, or as a refusal.
pub(super) fn cut(resource: &Resource, request: &Admitted, value: &mut Value) -> Result<Vec<String>, Refusal> {
    let asked = FieldValidation::of(request)?;
    let mut wrong = Vec::new();
    if asked != FieldValidation::Ignore {
        wrong.extend(schema::duplicates(&request.body).iter().map(|path| format!("duplicate field \"{path}\"")));
    }
    wrong.extend(unknown(resource, value));
    let kind = resource.kind;
    let refuse = |why: &str| {
        let version = resource.version;
        Refusal::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"))
    };
    if let Some(why) = mistyped(resource, value).or_else(|| builtin::undecodable(resource, value)) {
        return Err(refuse(&why));
    }
    match asked {
        FieldValidation::Strict if !wrong.is_empty() => {
            Err(refuse(&format!("strict decoding error: {}", wrong.join(", "))))
        }
        FieldValidation::Warn => Ok(wrong),
        _ => Ok(Vec::new()),
    }
}

/// As [`cut`], for what a patch made.
pub(super) fn cut_patched(
    resource: &Resource,
    request: &Admitted,
    patch: &Patch,
    value: &mut Value,
) -> Result<Vec<String>, Refusal> {
    let asked = FieldValidation::of(request)?;
    // The patched object is repeated; a strategic patch is, in place of it.
    let sent = match patch {
        Patch::Strategic(patch) => strategic::go_map(patch),
        Patch::Merge(_) | Patch::Json(_) => value.to_string(),
    };
    let refuse = |why: &str| {
        let said = format!("Invalid value: {}: {why}", json!(sent));
        let details = json!({"causes": [{"reason": "FieldValueInvalid", "message": said, "field": "patch"}]});
        Err(Refusal { details, ..Refusal::new(422, "Invalid", format!(" \"\" is invalid: patch: {said}")) })
    };
    let wrong = unknown(resource, value);
    if let Some(why) = mistyped(resource, value) {
        return refuse(&why);
    }
    match asked {
        FieldValidation::Strict if !wrong.is_empty() => refuse(&format!("strict decoding error: {}", wrong.join(", "))),
        FieldValidation::Warn => Ok(wrong),
        _ => Ok(Vec::new()),
    }
}

fn unknown(resource: &Resource, value: &mut Value) -> Vec<String> {
    let all = Schemas::all();
    let mut paths = Vec::new();
    match all.of(resource) {
        Some(node) => schema::prune(node, value, "", &mut paths),
        None => {
            if let Some(node) = all.metadata() {
                schema::prune(node, &mut value["metadata"], "metadata", &mut paths);
            }
        }
    }
    paths.iter().map(|path| format!("unknown field \"{path}\"")).collect()
}

/// The first value that cannot be decoded: anywhere in a built-in kind, in the metadata of others.
fn mistyped(resource: &Resource, value: &Value) -> Option<String> {
    let all = Schemas::all();
    match all.of(resource).filter(|_| !resource.custom) {
        Some(node) => schema::mistyped(node, value, "", resource.kind),
        None if !value["metadata"].is_object() && !value["metadata"].is_null() => {
            let what = go::kind(&value["metadata"]);
            Some(format!("json: cannot unmarshal {what} into Go value of type v1.ObjectMeta"))
        }
        None => schema::mistyped(all.metadata()?, &value["metadata"], "", resource.kind),
    }
}

/// Holds a custom resource against its schema. What was wrong before (`old`) may stay so.
pub(super) fn fit(resource: &Resource, value: &mut Value, old: Option<&Value>, part: Part) -> Result<(), Refusal> {
    let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let default = [(&SERVICES, "type", "ClusterIP"), (&JOBS, "completionMode", "NonIndexed")];
    let default = default.into_iter().find(|(of, ..)| *of == resource && old.is_some() && part == Part::Main);
    if let Some((_, field, said)) = default
        && let Some(spec) = value["spec"].as_object_mut()
        && spec.get(field).is_none_or(Value::is_null)
    {
        // Defaults come before any comparison.
        spec.insert(field.to_owned(), said.into());
    }
    if let Some((reason, field, said)) = old.filter(|_| part == Part::Main).and_then(|old| fixed(resource, old, value))
    {
        return Err(Refusal::invalid(resource, &name, &[(reason, &field, said)]));
    }
    if *resource == PODS && part == Part::Status {
        pod_status(&mut value["status"]);
    }
    if let Some(old) = old.filter(|old| *resource == SERVICES && old["spec"]["type"] == value["spec"]["type"]) {
        keep_address(old, value);
    }
    let mut faults = meta::faults(value, old);
    if old.is_none() && resource.plural == "events" {
        faults.extend(events::faults(resource, value));
    }
    if old.is_none() && *resource == PODS && !list(value, "/spec/ephemeralContainers").is_empty() {
        let said = "Forbidden: cannot be set on create".to_owned();
        faults.push(("FieldValueForbidden", "spec.ephemeralContainers".to_owned(), said));
    }
    faults.extend(builtin::faults(resource, value));
    faults.extend(rbac::faults(resource, value, old));
    if let Some(node) = Schemas::all().of(resource).filter(|_| resource.custom) {
        schema::coerce(node, value);
        schema::fill(node, value);
        faults.extend(misfits(resource, node, value, old, part));
    }
    if resource.custom && faults.is_empty() {
        faults = schema::broken(resource, value, old);
    }
    let causes: Vec<_> = faults.iter().map(|(reason, field, said)| (*reason, field.as_str(), said.clone())).collect();
    let kept = resource.kept_as.unwrap_or(resource);
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(kept, &name, &causes)) }
}

/// A Service that says nothing of its address has the one that it had.
fn keep_address(old: &Value, value: &mut Value) {
    if value["spec"].is_object() && value["spec"]["clusterIP"].as_str().unwrap_or_default().is_empty() {
        for field in ["clusterIP", "clusterIPs"] {
            value["spec"][field] = old["spec"][field].clone();
        }
    }
}

/// What a pod's status always has, said or not.
fn pod_status(status: &mut Value) {
    let mut each = |list: &str, always: &[(&str, Value)]| {
        for element in status.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let Value::Object(element) = element else { continue };
            for (key, value) in always {
                element.entry(*key).or_insert_with(|| value.clone());
            }
        }
    };
    each("conditions", &[("lastProbeTime", Value::Null), ("lastTransitionTime", Value::Null)]);
    for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        let empty = json!({});
        each(
            list,
            &[
                ("image", json!("")),
                ("imageID", json!("")),
                ("lastState", empty.clone()),
                ("ready", json!(false)),
                ("restartCount", json!(0)),
                ("state", empty),
            ],
        );
    }
}

/// After what the rules of a kind are not looked at.
const BLOCKING: [&str; 5] =
    ["FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"];

/// What does not fit a custom resource's schema in one part of an object. That its rules are not checked then is said.
fn misfits(resource: &Resource, node: schema::Node<'_>, value: &Value, old: Option<&Value>, part: Part) -> Vec<Fault> {
    let all = |value: &Value| {
        let mut faults = Vec::new();
        schema::check(node, value, "", &mut faults);
        faults.sort_by(|a, b| (a.1 == schema::NOWHERE, &a.1).cmp(&(b.1 == schema::NOWHERE, &b.1)));
        schema::repeated(node, value, "", &mut faults);
        faults
    };
    let mut faults = all(value);
    let before = old.filter(|_| !faults.is_empty()).map(all).unwrap_or_default();
    faults.retain(|fault| !before.contains(fault) && fault.1.starts_with("status") == (part == Part::Status));
    if schema::has_rules(resource) && faults.iter().any(|(reason, ..)| BLOCKING.contains(reason)) {
        let said = "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        faults.push(("FieldValueInvalid", schema::NOWHERE.to_owned(), said.to_owned()));
    }
    faults
}

/// What an update of a built-in kind may not change.
fn fixed(resource: &Resource, old: &Value, new: &Value) -> Option<Fault> {
    if *resource == PODS
        && let Some(before) = old["spec"]["activeDeadlineSeconds"].as_i64()
        && let Some(now) = new["spec"]["activeDeadlineSeconds"].as_i64().filter(|now| *now > before)
    {
        let said = format!("Invalid value: {now}: must be less than or equal to previous value");
        return Some(("FieldValueInvalid", "spec.activeDeadlineSeconds".to_owned(), said));
    }
    if *resource == PODS {
        let counts =
            |pod: &Value| ["containers", "initContainers"].map(|kind| list(pod, &format!("/spec/{kind}")).len());
        if let Some(at) = (0..2).find(|at| counts(old)[*at] != counts(new)[*at]) {
            let said = "Forbidden: pod updates may not add or remove containers".to_owned();
            return Some(("FieldValueForbidden", format!("spec.{}", ["containers", "initContainers"][at]), said));
        }
        if let Some(fault) = new_gate(old, new) {
            return Some(fault);
        }
    }
    if *resource == PODS && fixed_of_pod(old, old) != fixed_of_pod(new, old) {
        let said = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        return Some(("FieldValueForbidden", "spec".to_owned(), said.to_owned()));
    }
    let immutable = |field: &str| {
        let path = format!("/{}", field.replace('.', "/"));
        let now = new.pointer(&path).unwrap_or(&Value::Null);
        let differs = old.pointer(&path).unwrap_or(&Value::Null) != now;
        differs.then(|| ("FieldValueInvalid", field.to_owned(), format!("Invalid value: {now}: field is immutable")))
    };
    if *resource == JOBS {
        for field in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"]
        {
            if let Some(n) = new["spec"][field].as_i64().filter(|n| *n < 0) {
                let said = format!("Invalid value: {n}: must be greater than or equal to 0");
                return Some(("FieldValueInvalid", format!("spec.{field}"), said));
            }
        }
        if let Some(fault) = immutable("spec.completionMode").or_else(|| immutable("spec.managedBy")) {
            return Some(fault);
        }
        let indexed = new["spec"]["completionMode"] == "Indexed";
        let completions = if indexed { None } else { immutable("spec.completions") };
        let template =
            if old["spec"]["suspend"] == true { frozen_template(old, new) } else { immutable("spec.template") };
        return completions.or_else(|| immutable("spec.selector")).or(template);
    }
    if [&CONFIGMAPS, &SECRETS].contains(&resource) && old["immutable"] == true {
        let frozen = ["immutable", "data", "binaryData"].into_iter().find(|field| old[*field] != new[*field]);
        let said = "Forbidden: field is immutable when `immutable` is set";
        return frozen.map(|field| ("FieldValueForbidden", field.to_owned(), said.to_owned()));
    }
    if *resource == SECRETS {
        return immutable("type");
    }
    if *resource == PRIORITYCLASSES { immutable("value") } else { None }
}

/// Of a job that is suspended, only where its pods may run can change.
fn frozen_template(old: &Value, new: &Value) -> Option<Fault> {
    let frozen = |job: &Value| {
        let mut spec = job["spec"]["template"]["spec"].clone();
        for free in ["affinity", "nodeSelector", "tolerations", "schedulingGates"] {
            spec[free] = Value::Null;
        }
        spec
    };
    let now = frozen(new);
    let said = || format!("Invalid value: {now}: field is immutable");
    (frozen(old) != now).then(|| ("FieldValueInvalid", "spec.template.spec".to_owned(), said()))
}

/// What keeps a pod from being scheduled can go, and no more can come.
fn new_gate(old: &Value, new: &Value) -> Option<Fault> {
    let before = list(old, "/spec/schedulingGates");
    let gates = list(new, "/spec/schedulingGates").iter().enumerate();
    gates
        .filter(|(_, gate)| !before.contains(gate))
        .map(|(at, gate)| {
            let name = gate["name"].as_str().unwrap_or_default();
            let said = format!("Forbidden: only deletion is allowed, but found new scheduling gate '{name}'");
            ("FieldValueForbidden", format!("spec.schedulingGates[{at}].name"), said)
        })
        .next()
}

/// What of a pod does not change; of one that `was` kept from being scheduled, where it may run still can.
fn fixed_of_pod(pod: &Value, was: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if !list(was, "/spec/schedulingGates").is_empty() {
        for free in ["schedulingGates", "nodeSelector", "affinity"] {
            spec[free] = Value::Null;
        }
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            container["image"] = Value::Null;
        }
    }
    for free in ["activeDeadlineSeconds", "tolerations"] {
        spec[free] = Value::Null;
    }
    spec
}

/// Adds what was wrong to an answer, as the API server does.
pub(super) fn warned(answer: Reply, warnings: &[String]) -> Reply {
    warnings.iter().fold(answer, |answer, warning| reply::warned(answer, warning))
}
