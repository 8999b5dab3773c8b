//! Whether the namespace lets a job have what it needs: quotas and limit ranges.

use serde_json::Value;

use super::super::case::Found;
use super::facts::{Facts, Part};
use super::need::{Amounts, Need, amounts, milli, shown};
use super::needs::needs;
use crate::jobs::Kind;

/// Pods and objects that a quota may count; pods come on top of the amounts.
fn wanted(key: &str, all: &[Need], kind: Kind) -> Option<u64> {
    let sum = |of: &dyn Fn(&Need) -> u64| all.iter().map(|need| need.pods.saturating_mul(of(need))).sum::<u64>();
    let amount = |amounts: &Amounts, resource: &str| amounts.get(resource).copied().unwrap_or(0);
    let pods = || all.iter().map(|need| need.pods).sum::<u64>() * 1000;
    let jobs = format!("count/{}.{}", kind.info().plural, kind.info().group);
    match key {
        "pods" | "count/pods" => Some(pods()),
        key if key == jobs => Some(1000),
        "cpu" | "memory" | "ephemeral-storage" => Some(sum(&|need| amount(&need.requests, key))),
        _ => {
            if let Some(resource) = key.strip_prefix("requests.") {
                Some(sum(&|need| amount(&need.requests, resource)))
            } else {
                let resource = key.strip_prefix("limits.")?;
                Some(sum(&|need| amount(&need.limits, resource)))
            }
        }
    }
}

/// Whether a quota counts the pods of a job. One that selects by priority or by what pods ask for is told by the server.
fn counts(quota: &Value) -> bool {
    let mut scopes = quota["spec"]["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let plain = scopes.all(|scope| matches!(scope, "NotTerminating" | "NotBestEffort"));
    plain && quota["spec"]["scopeSelector"].is_null()
}

/// Quotas that have less left than the job needs in all.
pub(super) fn short(kind: Kind, job: &Value, facts: &Facts, out: &mut Vec<(&'static str, Found)>) {
    let all = needs(kind, job, facts.runtime(job));
    let quotas = [Part::Quotas, Part::SharedQuotas].iter().flat_map(|part| facts.objects(part));
    for quota in quotas.filter(|quota| counts(quota)) {
        let (hard, used) = (amounts(&quota["spec"]["hard"]), amounts(&quota["status"]["used"]));
        for (key, hard) in hard {
            let Some(need) = wanted(&key, &all, kind).filter(|need| *need > 0) else { continue };
            let left = hard.saturating_sub(used.get(&key).copied().unwrap_or(0));
            if need > left {
                let resource = key.trim_start_matches("requests.").trim_start_matches("count/");
                let found = Found::at(place(kind, job, resource))
                    .with("need", shown(resource, need))
                    .with("left", shown(resource, left));
                let name = quota["metadata"]["name"].as_str().unwrap_or_default();
                let found = found.with("resource", resource).with("quota", name).with("hard", shown(resource, hard));
                out.push(("quota-short", found.with("namespace", facts.namespace.as_str())));
            }
        }
    }
}

/// Where the workers ask for a resource, else how many of them there are.
fn place(kind: Kind, job: &Value, resource: &str) -> String {
    if kind == Kind::TrainJob {
        return "/spec/trainer/numNodes".to_owned();
    }
    let worker = format!("/spec/{}/Worker", kind.info().replica_specs);
    let main = format!("{worker}/template/spec/containers/0/resources");
    let mut which = ["limits", "requests"]
        .into_iter()
        .map(|which| crate::jobs::manifest::text::joined(&format!("{main}/{which}"), resource));
    which.find(|at| job.pointer(at).is_some()).unwrap_or(format!("{worker}/replicas"))
}

/// What limit ranges say against one pod, or one container, of each role.
pub(super) fn limits(kind: Kind, job: &Value, facts: &Facts, out: &mut Vec<(&'static str, Found)>) {
    for range in facts.objects(&Part::LimitRanges) {
        let name = range["metadata"]["name"].as_str().unwrap_or_default();
        for limit in range["spec"]["limits"].as_array().into_iter().flatten() {
            for need in needs(kind, job, facts.runtime(job)) {
                let what = limit["type"].as_str().unwrap_or_default();
                for (resource, said) in beyond(limit, &need, what) {
                    let found = Found::at(place(kind, job, &resource)).with("range", name).with("role", &need.role);
                    out.push(("limit-range", found.with("said", said)));
                }
            }
        }
    }
}

/// Resources of a pod, or of its containers, that are outside of a limit, each with a sentence.
fn beyond(limit: &Value, need: &Need, what: &str) -> Vec<(String, String)> {
    let of_containers = need.spec["containers"].as_array().into_iter().flatten();
    let sides: Vec<(Amounts, Amounts)> = match what {
        "Pod" => vec![(need.requests.clone(), need.limits.clone())],
        "Container" => of_containers
            .map(|c| {
                let mut limits = amounts(&limit["default"]);
                limits.extend(amounts(&c["resources"]["limits"]));
                let mut requests = limits.clone();
                requests.extend(amounts(&limit["defaultRequest"]));
                requests.extend(amounts(&c["resources"]["limits"]));
                requests.extend(amounts(&c["resources"]["requests"]));
                (requests, limits)
            })
            .collect(),
        _ => Vec::new(),
    };
    let bound = |which: &str, resource: &str| limit[which].get(resource).and_then(milli);
    let mut found = Vec::new();
    for (requests, limits) in sides {
        for (resource, is) in &limits {
            if let Some(most) = bound("max", resource).filter(|most| is > most) {
                let said = format!(
                    "at most {} {resource} a {what}, and the limit is {}",
                    shown(resource, most),
                    shown(resource, *is)
                );
                found.push((resource.clone(), said));
            }
        }
        for (resource, is) in &requests {
            if let Some(least) = bound("min", resource).filter(|least| is < least) {
                let said = format!(
                    "at least {} {resource} a {what}, and the request is {}",
                    shown(resource, least),
                    shown(resource, *is)
                );
                found.push((resource.clone(), said));
            }
        }
    }
    found
}
