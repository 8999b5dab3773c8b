use std::io;

use super::*;

fn about() -> About<'static> {
    About {
        doing: "list mpijobs in team-a",
        server: "https://api.example:6443",
        proxy: None,
        credential: &Credential::Token,
    }
}

fn answered(code: u16, body: &str) -> Problem {
    Problem::answered(code, &http::HeaderMap::new(), body.as_bytes(), &about())
}

const RBAC: &str = r#"{"kind":"Status","message":"mpijobs.kubeflow.org is forbidden: User \"u\" cannot list resource \"mpijobs\" in API group \"kubeflow.org\" in the namespace \"team-a\"","reason":"Forbidden","code":403}"#;

#[test]
fn a_403_says_what_to_ask_for() {
    let problem = answered(403, RBAC);
    assert_eq!(problem.kind, ProblemKind::Forbidden);
    assert_eq!(problem.ask(), Some(&Clean::new("list mpijobs.kubeflow.org in namespace team-a")));
    assert!(problem.hint.as_str().contains("kubeflow-mpijobs-view"), "{}", problem.hint);
    let everywhere = answered(
        403,
        r#"{"message":"pods is forbidden: User \"u\" cannot watch resource \"pods\" in API group \"\" at the cluster scope","code":403}"#,
    );
    assert_eq!(everywhere.ask(), Some(&Clean::new("watch pods in all namespaces")));
}

#[test]
fn quota_is_not_a_missing_role() {
    let problem = answered(
        403,
        r#"{"message":"pods \"w-4\" is forbidden: exceeded quota: gpus, requested: pods=1, used: pods=4, limited: pods=4","code":403}"#,
    );
    assert!(problem.hint.as_str().contains("ResourceQuota") && problem.ask().is_none());
}

#[test]
fn codes_become_kinds() {
    use ProblemKind as K;
    for (code, kind) in [
        (400, K::Invalid),
        (401, K::Unauthorized),
        (404, K::NotFound),
        (409, K::Conflict),
        (410, K::Gone),
        (422, K::Invalid),
        (429, K::TooMany),
        (500, K::Server),
        (503, K::Server),
        (504, K::Timeout),
    ] {
        assert_eq!(answered(code, "{}").kind, kind, "{code}");
    }
    assert_eq!(answered(200, r#"{"kind":"Status","code":410,"reason":"Expired"}"#).kind, K::Gone);
    assert_eq!(answered(404, "404 page not found\n").why, Clean::new("404 page not found"));
    assert_eq!(answered(502, "<html>\n<body>").why, Clean::new("the server answered with status 502"));
}

#[test]
fn a_busy_server_says_how_long() {
    let mut headers = http::HeaderMap::new();
    headers.insert("retry-after", http::HeaderValue::from_static("3"));
    assert_eq!(Problem::answered(429, &headers, b"{}", &about()).retry_after(), Some(Duration::from_secs(3)));
    let own = answered(429, r#"{"code":429,"details":{"retryAfterSeconds":2}}"#);
    assert_eq!(own.retry_after(), Some(Duration::from_secs(2)));
}

#[test]
fn fields_are_kept() {
    let problem = answered(
        422,
        r#"{"message":"invalid","code":422,"details":{"causes":[{"field":"spec.a","message":"Required\u001b[31m value"}]}}"#,
    );
    assert_eq!(problem.causes()[0].field, Clean::new("spec.a"));
    assert_eq!(problem.causes()[0].message.as_str(), "Required?[31m value");
}

#[test]
fn sockets_names_and_certificates_are_told_apart() {
    let of = |e: io::Error| Problem::of(&e, &about());
    assert_eq!(of(io::ErrorKind::ConnectionRefused.into()).kind, ProblemKind::Unreachable);
    assert_eq!(of(io::ErrorKind::TimedOut.into()).kind, ProblemKind::Timeout);
    assert_eq!(of(io::Error::other("dns error: failed to lookup address information")).kind, ProblemKind::Dns);
    let tls = |e: rustls::Error| of(io::Error::other(e));
    let expired = tls(rustls::Error::InvalidCertificate(rustls::CertificateError::Expired));
    assert_eq!(expired.kind, ProblemKind::CertificateExpired);
    let unknown = tls(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer));
    assert_eq!(unknown.kind, ProblemKind::Tls);
    assert!(unknown.hint.as_str().contains("certificate-authority"));
}

#[test]
fn a_401_says_how_this_user_signs_in() {
    let plugin = Credential::Plugin(Clean::new("kubelogin"));
    let about = About { credential: &plugin, ..about() };
    let problem = Problem::answered(401, &http::HeaderMap::new(), b"{}", &about);
    assert_eq!(problem.kind, ProblemKind::Unauthorized);
    assert!(problem.hint.as_str().contains("kubelogin"), "{}", problem.hint);
}

#[test]
fn recorded_refusals_have_words() {
    let root = std::env::var("MPIDECK_SHARED").unwrap_or_else(|_| "../shared".into());
    let path = std::path::Path::new(&root).join("data/recorded/apiserver/answers.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED recorded_refusals_have_words: no {}", path.display());
        return;
    };
    let mut seen = 0;
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let Some(code) = record["body"]["code"].as_u64() else { continue };
        let problem = answered(code as u16, &record["body"].to_string());
        assert_ne!(problem.kind, ProblemKind::Bug);
        assert!(!problem.why.is_empty() && !problem.hint.is_empty(), "{line}");
        seen += 1;
    }
    assert!(seen > 5, "only {seen} recorded refusals");
}

#[test]
fn what_fails_on_the_way_to_a_proxy_is_the_proxys() {
    let about = About { proxy: Some("http://proxy:3128"), ..about() };
    let refused = Problem::of(&io::Error::from(io::ErrorKind::ConnectionRefused), &about);
    assert_eq!(refused.why.as_str(), "the proxy http://proxy:3128 refuses connections");
    assert!(refused.hint.as_str().contains("proxy-url"), "{}", refused.hint);
    let unknown = Problem::of(&io::Error::other("dns error: failed to lookup address information"), &about);
    assert_eq!(unknown.why.as_str(), "the name proxy does not resolve");
}
