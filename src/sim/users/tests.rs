use serde_json::json;

use super::*;
use crate::sim::Clock;
use crate::sim::store::resource::{self, NAMESPACES};

fn users() -> Users {
    let store = Store::new(Clock::manual("2026-11-20T08:00:00Z".parse().unwrap()), 1);
    resource::of_age(false).for_each(|row| store.serve(row));
    store.create(&NAMESPACES, json!({"metadata": {"name": "team-a"}})).unwrap();
    Users::new(&store, "team-a").unwrap()
}

fn asked(verb: &str, group: &str, resource: &str, namespace: &str) -> Asked {
    Asked {
        verb: verb.into(),
        group: group.into(),
        resource: resource.into(),
        namespace: namespace.into(),
        ..Asked::default()
    }
}

fn user(users: &Users, name: &str) -> User {
    users.known().iter().find(|(u, _)| u.name == name).cloned().unwrap().0
}

#[test]
fn each_user_has_its_rights_and_no_others() {
    let users = users();
    for (name, verb, group, resource, namespace, may) in [
        ("admin", "delete", "kubeflow.org", "mpijobs", "x", true),
        ("tenant", "create", "kubeflow.org", "mpijobs", "team-a", true),
        ("tenant", "create", "kubeflow.org", "mpijobs", "team-b", false),
        ("tenant", "list", "kubeflow.org", "mpijobs", "", false),
        ("tenant", "list", "", "namespaces", "", false),
        ("tenant", "get", "", "namespaces", "team-a", true),
        ("tenant", "list", "", "nodes", "", false),
        ("tenant", "create", "rbac.authorization.k8s.io", "roles", "team-a", false),
        ("viewer", "watch", "", "pods", "", true),
        ("viewer", "get", "", "secrets", "team-a", false),
        ("viewer", "delete", "", "pods", "team-a", false),
        ("nowatch", "list", "kubeflow.org", "mpijobs", "", true),
        ("nowatch", "watch", "kubeflow.org", "mpijobs", "", false),
        ("nowatch", "create", "authorization.k8s.io", "selfsubjectaccessreviews", "", true),
    ] {
        let may_it = user(&users, name).check(&asked(verb, group, resource, namespace)).is_ok();
        assert_eq!(may_it, may, "{name} {verb} {resource}");
    }
}

#[test]
fn refusals_speak_as_a_real_server() {
    let users = users();
    let refusal = user(&users, "tenant").check(&asked("create", "kubeflow.org", "mpijobs", "team-b")).unwrap_err();
    assert_eq!(
        refusal.status(),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "mpijobs.kubeflow.org is forbidden: User \"tenant\" cannot create resource \"mpijobs\" in API group \"kubeflow.org\" in the namespace \"team-b\"",
            "reason": "Forbidden", "details": {"group": "kubeflow.org", "kind": "mpijobs"}, "code": 403})
    );
}

#[test]
fn a_service_account_signs_in_while_its_token_and_itself_are_there() {
    let users = users();
    let store = users.store.clone();
    let account = store.create(&SERVICEACCOUNTS, json!({"metadata": {"name": "bot", "namespace": "team-a"}})).unwrap();
    let mut headers = HeaderMap::new();
    let mut with = |token: &str| {
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        users.sign_in(&headers).map(|user| (user.name, user.groups))
    };
    let token = users.token_for(&account, &json!([ISSUER]), 600);
    let groups = ["system:serviceaccounts", "system:serviceaccounts:team-a", "system:authenticated"];
    let expected = ("system:serviceaccount:team-a:bot".to_owned(), groups.map(str::to_owned).to_vec());
    assert_eq!(with(&token), Ok(expected));
    for other in [
        users.token_for(&account, &json!(["vault"]), 600),
        users.token_for(&account, &json!([ISSUER]), 0),
        "nonsense".to_owned(),
    ] {
        assert_eq!(with(&other).unwrap_err().code, 401);
    }
    store.delete(&SERVICEACCOUNTS, "team-a", "bot", &crate::sim::store::DeleteOptions::default()).unwrap();
    assert_eq!(with(&token).unwrap_err().code, 401, "its account is gone");
}

#[test]
fn who_says_nobody_may_ask_for_little() {
    let users = users();
    let with = |pairs: &[(&'static str, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        users.sign_in(&headers)
    };
    for header in ["", "Bearer", "Bearer ", "Basic dTpw", "Token x"] {
        let user = with(&[("authorization", header)]).unwrap();
        assert_eq!((user.name.as_str(), user.groups.as_slice()), (ANONYMOUS, [UNAUTHENTICATED.to_owned()].as_slice()));
        let path = |path: &str| Asked { verb: "get".into(), path: path.into(), ..Asked::default() };
        assert!(user.check(&path("/healthz")).is_ok() && user.check(&path("/version")).is_ok());
        assert!(user.check(&path("/api")).is_err() && user.check(&asked("list", "", "pods", "team-a")).is_err());
    }
    for header in ["Bearer rubbish", "bearer rubbish"] {
        assert_eq!(with(&[("authorization", header)]).unwrap_err().code, 401, "{header}");
    }
}

#[test]
fn somebody_without_a_name_is_nobody_to_speak_for() {
    let users = users();
    let token = format!("Bearer {}", users.known()[0].1);
    let said = |name: &'static str, value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", token.parse().unwrap());
        headers.insert(name, value.parse().unwrap());
        users.sign_in(&headers).map_err(|refusal| (refusal.code, refusal.message))
    };
    for (name, value, told) in [
        ("impersonate-group", "g", r#"Name:"", UID:"", Groups:[]string{"g"}, Extra:map[string][]string(nil)"#),
        ("impersonate-uid", "5", r#"Name:"", UID:"5", Groups:[]string(nil), Extra:map[string][]string(nil)"#),
        (
            "impersonate-extra-scopes",
            "x",
            r#"Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"scopes":[]string{"x"}}"#,
        ),
    ] {
        let message = format!("requested &user.DefaultInfo{{{told}}} without impersonating a user name");
        assert_eq!(said(name, value).unwrap_err(), (400, message));
    }
    let groups = said("impersonate-user", ANONYMOUS).unwrap().groups;
    assert_eq!(groups, [UNAUTHENTICATED.to_owned()]);
}

#[test]
fn a_role_that_somebody_makes_is_a_right() {
    let users = users();
    let bot = users.named("system:serviceaccount:team-a:bot", Vec::new());
    let wish = asked("list", "kubeflow.org", "mpijobs", "team-a");
    assert!(bot.check(&wish).is_err());
    let binding = json!({"metadata": {"name": "bot", "namespace": "team-a"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": "bot", "namespace": "team-a"}]});
    users.store.create(&resource::ROLEBINDINGS, binding).unwrap();
    let by = "RBAC: allowed by RoleBinding \"bot/team-a\" of ClusterRole \"view\" to ServiceAccount \"bot/team-a\"";
    assert_eq!(bot.allowed_by(&wish).as_deref(), Some(by));
    assert!(bot.check(&asked("list", "kubeflow.org", "mpijobs", "")).is_err(), "nowhere else");
}
