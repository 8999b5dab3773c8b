//! What the API server checks before it lets an object in: of a pod its own validation and priority class, then limit
//! ranges; of all, quotas. Owns the refusals in the server's words. A job's controller meets them as events.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    amounts::amount,
    limits, quota,
    value::{int, list, name, text},
};
use crate::sim::store::{
    Admission, Refusal, Resource, Store,
    resource::{CLAIMS, JOBS, PODS, PRIORITYCLASSES},
};

/// The step that the store runs before it creates an object.
pub(crate) fn step() -> Admission {
    Arc::new(|store, resource, value| {
        if *resource == PODS {
            pod(store, resource, value)?;
        } else if *resource == JOBS {
            job(resource, value)?;
        } else if *resource == CLAIMS {
            limits::admit(store, resource, value)?;
        }
        quota::check(store, resource, value)
    })
}

fn pod(store: &Store, resource: &'static Resource, pod: &mut Value) -> Result<(), Refusal> {
    priority(store, resource, pod)?;
    limits::admit(store, resource, pod)?;
    let mut wrong = Causes::new();
    labels(pod, "metadata.labels", &mut wrong);
    spec(&pod["spec"], "spec", &mut wrong);
    refused(resource, name(pod), &wrong)
}

/// A Job's template is held to what its pods will be held to, and may not run for ever.
fn job(resource: &Resource, job: &Value) -> Result<(), Refusal> {
    let template = &job["spec"]["template"];
    let mut wrong = Causes::new();
    for field in ["activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        if let Some(n) = int(job, &format!("/spec/{field}")).filter(|n| *n < 0) {
            let why = format!("Invalid value: {n}: must be greater than or equal to 0");
            wrong.push(("FieldValueInvalid", format!("spec.{field}"), why));
        }
    }
    labels(template, "spec.template.labels", &mut wrong);
    spec(&template["spec"], "spec.template.spec", &mut wrong);
    if text(template, "/spec/restartPolicy") == "Always" {
        let field = "spec.template.spec.restartPolicy".to_owned();
        let why = "Required value: valid values: \"OnFailure\", \"Never\"";
        wrong.push(("FieldValueRequired", field, why.to_owned()));
    }
    refused(resource, name(job), &wrong)
}

fn refused(resource: &Resource, name: &str, wrong: &Causes) -> Result<(), Refusal> {
    let causes: Vec<_> = wrong.iter().map(|(reason, field, said)| (*reason, field.as_str(), said.clone())).collect();
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource, name, &causes)) }
}

fn priority(store: &Store, resource: &Resource, pod: &mut Value) -> Result<(), Refusal> {
    let class = text(pod, "/spec/priorityClassName");
    if class.is_empty() {
        return Ok(());
    }
    let Ok(found) = store.get(&PRIORITYCLASSES, "", class) else {
        let why = format!("no PriorityClass with name {class} was found");
        return Err(Refusal::forbidden(resource, name(pod), &why));
    };
    let found = found.value();
    pod["spec"]["priority"] = found["value"].clone();
    if found["preemptionPolicy"].is_string() {
        pod["spec"]["preemptionPolicy"] = found["preemptionPolicy"].clone();
    }
    Ok(())
}

type Causes = Vec<(&'static str, String, String)>;

const LABEL_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const DNS_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

fn required(field: String) -> (&'static str, String, String) {
    ("FieldValueRequired", field, "Required value".to_owned())
}

fn labels(object: &Value, field: &str, out: &mut Causes) {
    for (key, value) in object.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten() {
        let part = key.rsplit('/').next().unwrap_or(key);
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if part.is_empty() || !part.chars().all(good) {
            out.push(("FieldValueInvalid", field.into(), format!("Invalid value: {key:?}: {LABEL_NAME}")));
        }
        let value = value.as_str().unwrap_or_default();
        let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        if value.len() > 63 || !value.chars().all(good) || !ends(value.chars().next()) || !ends(value.chars().last()) {
            let why = format!("Invalid value: {value:?}: {LABEL_VALUE}");
            out.push(("FieldValueInvalid", field.into(), why));
        }
    }
}

/// A pod's spec that stands at `at`.
fn spec(spec: &Value, at: &str, out: &mut Causes) {
    if list(spec, "/containers").is_empty() {
        out.push(required(format!("{at}.containers")));
    }
    let volumes: Vec<_> = list(spec, "/volumes").iter().map(|v| text(v, "/name")).collect();
    for role in ["initContainers", "containers"] {
        let all = list(spec, &format!("/{role}"));
        for (n, one) in all.iter().enumerate() {
            let path = format!("{at}.{role}[{n}]");
            let same = all[..n].iter().any(|other| text(other, "/name") == text(one, "/name"));
            container(one, &path, same, &volumes, out);
        }
    }
    let policy = text(spec, "/restartPolicy");
    supported(policy, &format!("{at}.restartPolicy"), &["Always", "Never", "OnFailure"], out);
    dns(spec, at, out);
    for (n, toleration) in list(spec, "/tolerations").iter().enumerate() {
        let field = format!("{at}.tolerations[{n}].operator");
        supported(text(toleration, "/operator"), &field, &["Equal", "Exists"], out);
    }
}

fn dns(spec: &Value, at: &str, out: &mut Causes) {
    let policy = text(spec, "/dnsPolicy");
    let known = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    supported(policy, &format!("{at}.dnsPolicy"), &known, out);
    if policy == "None" && list(spec, "/dnsConfig/nameservers").is_empty() {
        let why = "Required value: must provide at least one DNS nameserver when `dnsPolicy` is None".to_owned();
        out.push(("FieldValueRequired", format!("{at}.dnsConfig.nameservers"), why));
    }
}

fn supported(value: &str, field: &str, known: &[&str], out: &mut Causes) {
    if !value.is_empty() && !known.contains(&value) {
        let known: Vec<String> = known.iter().map(|k| format!("{k:?}")).collect();
        let said = format!("Unsupported value: {value:?}: supported values: {}", known.join(", "));
        out.push(("FieldValueNotSupported", field.to_owned(), said));
    }
}

fn container(one: &Value, path: &str, twice: bool, volumes: &[&str], out: &mut Causes) {
    let name = text(one, "/name");
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() {
        out.push(required(format!("{path}.name")));
    } else if !name.chars().all(good) || name.starts_with('-') || name.ends_with('-') {
        out.push(("FieldValueInvalid", format!("{path}.name"), format!("Invalid value: {name:?}: {DNS_LABEL}")));
    } else if twice {
        out.push(("FieldValueDuplicate", format!("{path}.name"), format!("Duplicate value: {name:?}")));
    }
    if text(one, "/image").is_empty() {
        out.push(required(format!("{path}.image")));
    }
    let pull = format!("{path}.imagePullPolicy");
    supported(text(one, "/imagePullPolicy"), &pull, &["Always", "IfNotPresent", "Never"], out);
    for (at, mount) in list(one, "/volumeMounts").iter().enumerate() {
        let named = text(mount, "/name");
        // The token volume is added by admission.
        if !volumes.contains(&named) && !named.starts_with("kube-api-access-") {
            let field = format!("{path}.volumeMounts[{at}].name");
            out.push(("FieldValueNotFound", field, format!("Not found: {named:?}")));
        }
    }
    for (at, port) in list(one, "/ports").iter().enumerate() {
        let number = port.get("containerPort").and_then(Value::as_i64).unwrap_or(0);
        if !(1..=65535).contains(&number) {
            let why = if number == 0 {
                "Required value".to_owned()
            } else {
                format!("Invalid value: {number}: must be between 1 and 65535, inclusive")
            };
            let kind = if number == 0 { "FieldValueRequired" } else { "FieldValueInvalid" };
            out.push((kind, format!("{path}.ports[{at}].containerPort"), why));
        }
    }
    resources(one, path, out);
}

fn resources(container: &Value, path: &str, out: &mut Causes) {
    let side = |side: &str| container.pointer(&format!("/resources/{side}")).and_then(Value::as_object);
    let empty = Map::new();
    let limits = side("limits").unwrap_or(&empty);
    for (name, all) in [("limits", side("limits")), ("requests", side("requests"))] {
        for (resource, asked) in all.into_iter().flatten().filter(|(resource, asked)| amount(resource, asked) < 0) {
            let said = asked.as_str().map_or_else(|| asked.to_string(), str::to_owned);
            let why = format!("Invalid value: {said:?}: must be greater than or equal to 0");
            out.push(("FieldValueInvalid", format!("{path}.resources.{name}[{resource}]"), why));
        }
    }
    for (resource, asked) in side("requests").into_iter().flatten() {
        match limits.get(resource) {
            None if resource.contains('/') => {
                let why = "Required value: Limit must be set for non overcommitable resources".into();
                out.push(("FieldValueRequired", format!("{path}.resources.limits"), why));
            }
            Some(limit)
                if amount(resource, asked) > amount(resource, limit)
                    || (resource.contains('/') && amount(resource, asked) != amount(resource, limit)) =>
            {
                let must = if resource.contains('/') { "equal to" } else { "less than or equal to" };
                let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                let why =
                    format!("Invalid value: {:?}: must be {must} {resource} limit of {}", plain(asked), plain(limit));
                out.push(("FieldValueInvalid", format!("{path}.resources.requests"), why));
            }
            _ => {}
        }
    }
}
