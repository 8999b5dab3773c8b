//! What holds for a whole pod: users and groups, kernel settings, names and addresses.

use std::net::IpAddr;

use serde_json::Value;

use super::{Cause, Causes, duplicate, invalid, missing, supported};
use crate::sim::value::{list, text, truth};

const ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const SEARCH: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
const SYSCTL: &str = r"must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// The security context of the pod at `at`.
pub(super) fn security(spec: &Value, at: &str, out: &mut Causes) {
    let (context, path) = (&spec["securityContext"], format!("{at}.securityContext"));
    if truth(spec, "/shareProcessNamespace") && truth(spec, "/hostPID") {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        out.push(invalid(format!("{path}.shareProcessNamespace"), &Value::from(true), why));
    }
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        out.extend(id(&context[field], format!("{path}.{field}")));
    }
    for (n, group) in list(context, "/supplementalGroups").iter().enumerate() {
        out.extend(id(group, format!("{path}.supplementalGroups[{n}]")));
    }
    let settings = list(context, "/sysctls");
    for (n, setting) in settings.iter().enumerate() {
        let (name, field) = (text(setting, "/name"), format!("{path}.sysctls[{n}].name"));
        let part = |part: &str| is_part(part, &['-', '_']);
        if name.is_empty() {
            out.push(super::required(field));
        } else if name.len() > 253 || !name.split(['.', '/']).all(part) {
            out.push(invalid(field, &setting["name"], SYSCTL));
        } else if settings[..n].iter().any(|other| text(other, "/name") == name) {
            out.push(duplicate(field, name));
        }
    }
    seccomp(&context["seccompProfile"], &format!("{path}.seccompProfile"), out);
}

/// The security context of the container at `path`.
pub(super) fn of_container(container: &Value, path: &str, out: &mut Causes) {
    let (context, path) = (&container["securityContext"], format!("{path}.securityContext"));
    for field in ["runAsUser", "runAsGroup"] {
        out.extend(id(&context[field], format!("{path}.{field}")));
    }
    seccomp(&context["seccompProfile"], &format!("{path}.seccompProfile"), out);
    if context["allowPrivilegeEscalation"] == false && truth(context, "/privileged") {
        let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        out.push(invalid(path, context, why));
    }
}

fn id(number: &Value, field: String) -> Option<Cause> {
    let wrong = number.as_i64().is_some_and(|n| !(0..=i64::from(i32::MAX)).contains(&n));
    wrong.then(|| invalid(field, number, "must be between 0 and 2147483647, inclusive"))
}

fn seccomp(profile: &Value, path: &str, out: &mut Causes) {
    let known = ["Localhost", "RuntimeDefault", "Unconfined"];
    supported(text(profile, "/type"), format!("{path}.type"), &known, out);
    if text(profile, "/type") == "Localhost" && profile["localhostProfile"].is_null() {
        out.push(missing(format!("{path}.localhostProfile"), "must be set when seccomp type is Localhost"));
    }
}

/// The resolver's configuration at `path`.
pub(super) fn dns(spec: &Value, path: &str, out: &mut Causes) {
    let config = &spec["dnsConfig"];
    if text(spec, "/dnsPolicy") == "None" && list(config, "/nameservers").is_empty() {
        let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        out.push(missing(format!("{path}.nameservers"), why));
        return;
    }
    for (n, server) in list(config, "/nameservers").iter().enumerate() {
        out.extend(address(server, format!("{path}.nameservers[{n}]")));
    }
    for (n, search) in list(config, "/searches").iter().enumerate() {
        let name = text(search, "");
        let part = |part: &str| is_part(part.strip_prefix('_').unwrap_or(part), &['-', '_']);
        if name != "." && !name.trim_end_matches('.').split('.').all(part) {
            out.push(invalid(format!("{path}.searches[{n}]"), search, SEARCH));
        }
    }
    for (n, option) in list(config, "/options").iter().enumerate() {
        if text(option, "/name").is_empty() {
            out.push(missing(format!("{path}.options[{n}]"), "must not be empty"));
        }
    }
}

/// Names for addresses in the hosts file.
pub(super) fn aliases(aliases: &[Value], path: &str, out: &mut Causes) {
    for (n, alias) in aliases.iter().enumerate() {
        out.extend(address(&alias["ip"], format!("{path}[{n}].ip")));
    }
}

fn address(given: &Value, field: String) -> Option<Cause> {
    let good = text(given, "").parse::<IpAddr>().is_ok();
    (!good).then(|| invalid(field, given, ADDRESS))
}

/// Lower case letters and digits, with some signs between them.
fn is_part(text: &str, between: &[char]) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = text.starts_with(plain) && text.ends_with(plain);
    ends && text.chars().all(|c| plain(c) || between.contains(&c))
}
