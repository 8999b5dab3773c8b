//! What a container may do to its node and to others.

use serde_json::Value;

use super::Looks;
use crate::jobs::checks::case::{Case, Container, Found, Role};

pub(super) const LOOKS: Looks = &[
    ("security-form", form),
    ("non-root", non_root),
    ("privilege-escalation", escalation),
    ("capabilities", capabilities),
    ("token-automount", automount),
    ("privileged", privileged),
    ("host-access", host_access),
];

/// A field of the container's security context, else of the pod's.
fn context<'a>(role: &Role<'a>, c: &Container<'a>, field: &str) -> &'a Value {
    let own = &c.value["securityContext"][field];
    if own.is_null() { &role.pod()["securityContext"][field] } else { own }
}

fn of_containers(case: &Case<'_>, field: &str, bad: impl Fn(&Role<'_>, &Container<'_>) -> bool) -> Vec<Found> {
    let all = case.containers().into_iter().filter(|(role, c)| bad(role, c));
    all.map(|(role, c)| {
        Found::at(format!("{}/securityContext/{field}", c.at)).with("role", role.name).with("container", c.name())
    })
    .collect()
}

fn non_root(case: &Case<'_>) -> Vec<Found> {
    of_containers(case, "runAsNonRoot", |role, c| {
        let user = context(role, c, "runAsUser").as_i64();
        context(role, c, "runAsNonRoot") != true && user.is_none_or(|user| user == 0)
    })
}

fn escalation(case: &Case<'_>) -> Vec<Found> {
    of_containers(case, "allowPrivilegeEscalation", |_, c| {
        c.value["securityContext"]["allowPrivilegeEscalation"] != false
    })
}

fn capabilities(case: &Case<'_>) -> Vec<Found> {
    of_containers(case, "capabilities/drop", |_, c| {
        let dropped = c.value["securityContext"]["capabilities"]["drop"].as_array();
        !dropped.is_some_and(|list| list.iter().any(|name| name == "ALL"))
    })
}

fn automount(case: &Case<'_>) -> Vec<Found> {
    let on = case
        .made()
        .into_iter()
        .filter(|role| role.pod().is_object() && role.pod()["automountServiceAccountToken"] != false);
    on.map(|role| Found::at(role.pod_at("/automountServiceAccountToken")).with("role", role.name)).collect()
}

fn privileged(case: &Case<'_>) -> Vec<Found> {
    of_containers(case, "privileged", |_, c| c.value["securityContext"]["privileged"] == true)
}

fn host_access(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for role in case.made() {
        for field in ["hostPID", "hostIPC"] {
            if role.pod()[field] == true {
                found.push(Found::at(role.pod_at(&format!("/{field}"))).with("role", role.name).with("what", field));
            }
        }
        for (i, name, volume) in role.volumes().filter(|(_, _, volume)| volume["hostPath"].is_object()) {
            let path = volume["hostPath"]["path"].as_str().unwrap_or_default();
            let at = role.pod_at(&format!("/volumes/{i}/hostPath"));
            found
                .push(Found::at(at).with("role", role.name).with("what", format!("the node's {path} (volume {name})")));
        }
    }
    found
}

/// Combinations that the API server refuses.
fn form(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |at: String, role: &str, said: &str| found.push(Found::at(at).with("role", role).with("said", said));
    for role in case.made() {
        let pod = &role.pod()["securityContext"];
        context_fault(pod, true, &mut |field, said| {
            add(role.pod_at(&format!("/securityContext/{field}")), role.name, said);
        });
        if role.pod()["hostPID"] == true && role.pod()["shareProcessNamespace"] == true {
            add(role.pod_at("/shareProcessNamespace"), role.name, "shareProcessNamespace and hostPID can't both be on");
        }
        for c in role.containers() {
            let own = &c.value["securityContext"];
            context_fault(own, false, &mut |field, said| {
                add(format!("{}/securityContext/{field}", c.at), role.name, said);
            });
        }
    }
    found
}

fn context_fault(context: &Value, pod: bool, add: &mut dyn FnMut(&str, &str)) {
    for field in ["runAsUser", "runAsGroup", "fsGroup"] {
        if context[field].as_i64().is_some_and(|n| !(0..=i64::from(i32::MAX)).contains(&n)) {
            add(field, "must be between 0 and 2147483647");
        }
    }
    for field in ["fsGroupChangePolicy", "supplementalGroupsPolicy"] {
        let words: &[&str] =
            if field == "fsGroupChangePolicy" { &["Always", "OnRootMismatch"] } else { &["Merge", "Strict"] };
        if context[field].as_str().is_some_and(|is| !words.contains(&is)) {
            add(field, &format!("is none of {}", words.join(", ")));
        }
    }
    let groups = context["supplementalGroups"].as_array().into_iter().flatten();
    if groups.filter_map(Value::as_i64).any(|n| !(0..=i64::from(i32::MAX)).contains(&n)) {
        add("supplementalGroups", "must be between 0 and 2147483647");
    }
    let mut sysctls = context["sysctls"].as_array().into_iter().flatten().filter_map(|sysctl| sysctl["name"].as_str());
    if sysctls.any(|name| name.contains(char::is_whitespace) || name.is_empty()) {
        add("sysctls", "a name must be like kernel.shm_rmid_forced");
    }
    if !matches!(
        context["appArmorProfile"]["type"].as_str(),
        None | Some("Localhost" | "RuntimeDefault" | "Unconfined")
    ) {
        add("appArmorProfile/type", "is none of Localhost, RuntimeDefault, Unconfined");
    }
    let seccomp = &context["seccompProfile"];
    match seccomp["type"].as_str() {
        Some("Localhost") if seccomp["localhostProfile"].is_null() => {
            add("seccompProfile/localhostProfile", "must be set where the type is Localhost");
        }
        Some("RuntimeDefault" | "Unconfined") if !seccomp["localhostProfile"].is_null() => {
            add("seccompProfile/localhostProfile", "is for the type Localhost only");
        }
        Some("RuntimeDefault" | "Unconfined" | "Localhost") | None => {}
        Some(_) => add("seccompProfile/type", "is none of Localhost, RuntimeDefault, Unconfined"),
    }
    if pod {
        return;
    }
    if !matches!(context["procMount"].as_str(), None | Some("Default" | "Unmasked")) {
        add("procMount", "is none of Default, Unmasked");
    }
    let added = context["capabilities"]["add"].as_array().into_iter().flatten();
    let admin = added.filter_map(Value::as_str).any(|name| name == "CAP_SYS_ADMIN");
    if context["allowPrivilegeEscalation"] == false && (context["privileged"] == true || admin) {
        add("allowPrivilegeEscalation", "can't be false with privileged or CAP_SYS_ADMIN");
    }
}
