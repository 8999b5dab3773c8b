//! Prometheus' answers: what they say, and what a refusal means in words.

use prometheus_http_query::response::{Data, InstantVector, PromqlResult, RangeVector, Sample};
use serde::Deserialize;

use super::source::Prometheus;
use crate::{
    cluster::{Problem, ProblemKind as Kind, reply::Reply},
    jobs::Secs,
};

/// One series of an answer: its labels, and its values with their moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    labels: Vec<(String, String)>,
    pub(super) values: Vec<(Secs, f64)>,
}

impl Row {
    /// The value of a label, empty if it has none.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    fn of(labels: std::collections::HashMap<String, String>, samples: &[Sample]) -> Self {
        let values = samples.iter().filter(|sample| sample.value().is_finite());
        let values = values.map(|sample| (Secs(sample.timestamp().max(0.0) as u32), sample.value()));
        Self { labels: labels.into_iter().collect(), values: values.collect() }
    }
}

#[derive(Deserialize)]
struct Envelope {
    status: String,
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Success {
    data: PromqlResult,
}

/// The series of an answer, or why there are none.
pub(super) fn rows(from: &Prometheus, doing: &str, reply: &Reply) -> Result<Vec<Row>, Problem> {
    if !reply.is_success() {
        return Err(refused(from, doing, reply));
    }
    let answer: Success = serde_json::from_slice(&reply.body).map_err(|_| strange(from, doing, reply))?;
    Ok(match answer.data.into_inner().0 {
        Data::Vector(all) => all.into_iter().map(InstantVector::into_inner).map(|(l, s)| Row::of(l, &[s])).collect(),
        Data::Matrix(all) => all.into_iter().map(RangeVector::into_inner).map(|(l, s)| Row::of(l, &s)).collect(),
        Data::Scalar(sample) => vec![Row::of(std::collections::HashMap::new(), &[sample])],
    })
}

/// Whether this is an answer of a Prometheus at all.
pub(super) fn is_prometheus(reply: &Reply) -> bool {
    serde_json::from_slice::<Envelope>(&reply.body).is_ok_and(|said| said.status == "success" || !said.kind.is_empty())
}

/// An answer that is no success, in words.
pub(super) fn refused(from: &Prometheus, doing: &str, reply: &Reply) -> Problem {
    let said = serde_json::from_slice::<Envelope>(&reply.body).ok().filter(|said| !said.error.is_empty());
    let what = format!("can't {doing}");
    let words = said.as_ref().map_or_else(|| first_line(reply), |said| said.error.clone());
    let why = format!("{} answers {}: {words}", from.name, reply.code);
    let (kind, hint) = match reply.code {
        401 => (Kind::Unauthorized, from.sign_in_hint()),
        403 => (Kind::Forbidden, from.forbidden_hint()),
        400 | 422 => (
            Kind::Invalid,
            "It does not understand our query: please report this with the version of your Prometheus.".to_owned(),
        ),
        404 | 405 => (
            Kind::NotFound,
            "There is something else than a Prometheus: set its address with prometheus (docs/metrics.md).".to_owned(),
        ),
        429 => (Kind::TooMany, "It has too much to do; asked again in a moment.".to_owned()),
        503 if said.is_some_and(|said| said.kind == "timeout") => {
            (Kind::Timeout, "The query took it too long: look at a shorter range (r).".to_owned())
        }
        _ => (Kind::Server, "It has a problem of its own: asked again in a moment.".to_owned()),
    };
    Problem::new(kind, &what, &why, &hint)
}

fn strange(from: &Prometheus, doing: &str, reply: &Reply) -> Problem {
    let why = format!("{} does not answer as a Prometheus does: {}", from.name, first_line(reply));
    let hint = "Check the address, and any proxy on the way; a login page in between answers so, too.";
    Problem::new(Kind::Server, &format!("can't {doing}"), &why, hint)
}

/// The first line of what is no JSON of ours, at most 120 characters: proxies answer with whole pages.
fn first_line(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body[..reply.body.len().min(2_048)]);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.chars().next() {
        None => "nothing".to_owned(),
        Some('<') => "a web page".to_owned(),
        Some(_) => line.chars().take(120).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::metrics::server::prometheus;

    fn reply(code: u16, body: &str) -> Reply {
        Reply { code, body: body.to_owned().into() }
    }

    async fn read(code: u16, body: &Value) -> Result<Vec<Row>, Problem> {
        rows(&prometheus().await, "ask for GPU utilisation", &reply(code, &body.to_string()))
    }

    #[tokio::test]
    async fn matrix_vector_and_scalar_are_read_and_what_is_no_number_left_out() {
        let matrix = json!({"status": "success", "data": {"resultType": "matrix", "result": [
            {"metric": {"pod": "a"}, "values": [[100, "1.5"], [115.0, "NaN"], [130, "+Inf"], [145, "2"]]}]}});
        let rows = read(200, &matrix).await.expect("read");
        assert_eq!((rows[0].label("pod"), rows[0].label("gpu")), ("a", ""));
        assert_eq!(rows[0].values, [(Secs(100), 1.5), (Secs(145), 2.0)]);
        let vector = json!({"status": "success", "data": {"resultType": "vector", "result": [
            {"metric": {}, "value": [100.7, "3"]}]}});
        assert_eq!(read(200, &vector).await.expect("read")[0].values, [(Secs(100), 3.0)]);
        let scalar = json!({"status": "success", "data": {"resultType": "scalar", "result": [100, "4"]}});
        assert_eq!(read(200, &scalar).await.expect("read")[0].values, [(Secs(100), 4.0)]);
        let empty = json!({"status": "success", "data": {"resultType": "matrix", "result": []}});
        assert_eq!(read(200, &empty).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn each_refusal_says_what_who_and_what_next() {
        let error = |kind: &str, words: &str| json!({"status": "error", "errorType": kind, "error": words});
        for (code, body, kind, hint) in [
            (401, json!("Unauthorized"), Kind::Unauthorized, "prometheus-token-file"),
            (403, json!("Forbidden"), Kind::Forbidden, "ask"),
            (422, error("execution", "many-to-many matching"), Kind::Invalid, "report"),
            (400, error("bad_data", "parse error"), Kind::Invalid, "report"),
            (503, error("timeout", "query timed out in expression evaluation"), Kind::Timeout, "shorter range"),
            (502, json!("bad gateway"), Kind::Server, "again"),
            (404, json!("404 page not found"), Kind::NotFound, "prometheus"),
        ] {
            let problem = read(code, &body).await.expect_err("refused");
            assert_eq!(problem.kind, kind, "{code}");
            assert!(problem.hint.as_str().to_lowercase().contains(hint), "{code}: {}", problem.hint);
            let told = problem.to_string();
            assert!(told.starts_with("can't ask for GPU utilisation: monitoring/prometheus:9090 answers"), "{told}");
        }
        let problem = read(422, &error("execution", "many-to-many matching")).await.expect_err("refused");
        assert!(problem.why.as_str().ends_with("422: many-to-many matching"), "{problem}");
    }

    #[tokio::test]
    async fn a_login_page_is_no_answer() {
        let from = prometheus().await;
        let page = reply(200, "<!doctype html><html>Sign in</html>");
        let problem = rows(&from, "ask", &page).expect_err("no answer");
        assert!(problem.why.as_str().ends_with("a web page"), "{problem}");
        assert!(!is_prometheus(&page) && is_prometheus(&reply(200, r#"{"status":"success","data":{}}"#)));
        assert!(!is_prometheus(&reply(200, r#"{"status":"ok"}"#)));
    }
}
