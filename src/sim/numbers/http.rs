//! Prometheus' HTTP API over the history: parameters in, its JSON out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use promql_parser::label::Matcher;
use promql_parser::parser::Expr;
use serde_json::{Map, Value, json};

use super::exporter::Exporter;
use super::history::History;
use crate::sim::promql::{Answer, Fault, Labels, Sample, Series, instant, parse, range, selector_matchers};

/// The release whose behaviour is played.
const VERSION: &str = "3.5.0";
/// Points a series that one answer may have.
const MOST_POINTS: i64 = 11_000;
/// How far back series are looked for if nobody says.
const HOUR: i64 = 3_600_000;

/// What is asked of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asking {
    /// The path at Prometheus, as `/api/v1/query`.
    pub(crate) path: String,
    /// Parameters of the query and of the form.
    pub(crate) params: Vec<(String, String)>,
}

/// An answer: code and body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answered {
    /// JSON.
    Json(u16, Value),
    /// Plain text.
    Text(u16, &'static str),
}

impl Asking {
    /// What a Prometheus says that is asked for more than it gives.
    pub(crate) fn refused() -> Value {
        let why = "query processing would load too many samples into memory in query execution";
        json!({"status": "error", "errorType": "execution", "error": why})
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A moment, in milliseconds.
    fn moment(&self, key: &str) -> Result<Option<i64>, Fault> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let seconds = text.parse::<f64>().ok().filter(|s| s.is_finite()).map(|s| (s * 1000.0).round() as i64);
        let read = seconds.or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond));
        read.map(Some).ok_or_else(|| bad(key, &format!("cannot parse {text:?} to a valid timestamp")))
    }

    fn needed(&self, key: &str) -> Result<i64, Fault> {
        self.moment(key)?.ok_or_else(|| bad(key, "cannot parse \"\" to a valid timestamp"))
    }

    /// A length of time in milliseconds: seconds, or as `1m30s`.
    fn step(&self) -> Result<i64, Fault> {
        let text = self.get("step").unwrap_or_default();
        let wrong = || bad("step", &format!("cannot parse {text:?} to a valid duration"));
        let step = match text.parse::<f64>() {
            Ok(seconds) => (seconds * 1000.0) as i64,
            Err(_) => promql_parser::util::parse_duration(text).map_err(|_| wrong())?.as_millis() as i64,
        };
        if step > 0 {
            Ok(step)
        } else {
            Err(bad("step", "zero or negative query resolution step widths are not accepted. Try a positive integer"))
        }
    }

    /// The selectors of `match[]`.
    fn selectors(&self) -> Result<Vec<Vec<Matcher>>, Fault> {
        let all = self.params.iter().filter(|(key, _)| key == "match[]");
        let read = |(_, text): &(String, String)| match parse(text) {
            Ok(Expr::VectorSelector(selector)) => Ok(selector_matchers(&selector)),
            _ => Err(bad("match[]", &format!("{text:?} is no series selector"))),
        };
        all.map(read).collect()
    }
}

fn bad(parameter: &str, why: &str) -> Fault {
    Fault::BadData(format!("invalid parameter {parameter:?}: {why}"))
}

/// Answers a request.
pub(super) fn answer(history: &History<'_>, asking: &Asking) -> Answered {
    let steps: Vec<&str> = asking.path.split('/').filter(|step| !step.is_empty()).collect();
    let told = match steps.as_slice() {
        ["-", "healthy"] => return Answered::Text(200, "Prometheus Server is Healthy.\n"),
        ["-", "ready"] => return Answered::Text(200, "Prometheus Server is Ready.\n"),
        ["api", "v1", "query"] => query(history, asking),
        ["api", "v1", "query_range"] => query_range(history, asking),
        ["api", "v1", "series"] => series(history, asking),
        ["api", "v1", "labels"] => names(history, asking),
        ["api", "v1", "label", name, "values"] => values(history, asking, name),
        ["api", "v1", "metadata"] => Ok(metadata(asking)),
        ["api", "v1", "status", "buildinfo"] => Ok(build()),
        _ => return Answered::Text(404, "404 page not found\n"),
    };
    match told {
        Ok(data) => Answered::Json(200, json!({"status": "success", "data": data})),
        Err(fault) => refusal(&fault),
    }
}

/// A fault in Prometheus' form.
fn refusal(fault: &Fault) -> Answered {
    let (code, kind) = match fault {
        Fault::BadData(_) => (400, "bad_data"),
        Fault::Execution(_) => (422, "execution"),
    };
    Answered::Json(code, json!({"status": "error", "errorType": kind, "error": fault.to_string()}))
}

fn query(history: &History<'_>, asking: &Asking) -> Result<Value, Fault> {
    let at = asking.moment("time")?.unwrap_or_else(|| history.now.as_millisecond());
    let expr = parse(asking.get("query").unwrap_or_default())?;
    let (kind, result) = match instant(history, &expr, at)? {
        Answer::Scalar(n) => ("scalar", point(at, n)),
        Answer::Text(text) => ("string", json!([seconds(at), text])),
        Answer::Vector(samples) => {
            let one = |Sample { labels, value }: &Sample| json!({"metric": metric(labels), "value": point(at, *value)});
            ("vector", samples.iter().map(one).collect())
        }
        Answer::Matrix(series) => ("matrix", matrix(&series)),
    };
    Ok(json!({"resultType": kind, "result": result}))
}

fn query_range(history: &History<'_>, asking: &Asking) -> Result<Value, Fault> {
    let (from, until, step) = (asking.needed("start")?, asking.needed("end")?, asking.step()?);
    if until < from {
        return Err(bad("end", "end timestamp must not be before start time"));
    }
    if (until - from) / step > MOST_POINTS {
        let why = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
        return Err(Fault::BadData(why.to_owned()));
    }
    let expr = parse(asking.get("query").unwrap_or_default())?;
    let series = range(history, &expr, from, until, step)?;
    Ok(json!({"resultType": "matrix", "result": matrix(&series)}))
}

fn metric(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect())
}

fn matrix(series: &[Series]) -> Value {
    let one = |series: &Series| {
        let values: Vec<Value> = series.samples.iter().map(|(at, value)| point(*at, *value)).collect();
        json!({"metric": metric(&series.labels), "values": values})
    };
    series.iter().map(one).collect()
}

fn seconds(ms: i64) -> Value {
    if ms % 1000 == 0 { json!(ms / 1000) } else { json!(ms as f64 / 1000.0) }
}

fn point(at: i64, value: f64) -> Value {
    let written =
        if value.is_infinite() { format!("{}Inf", if value > 0.0 { '+' } else { '-' }) } else { value.to_string() };
    json!([seconds(at), written])
}

/// The labels of the series that are meant and have samples in the time that is meant.
fn there(history: &History<'_>, asking: &Asking, needs_selector: bool) -> Result<Vec<Labels>, Fault> {
    let mut selectors = asking.selectors()?;
    if selectors.is_empty() {
        if needs_selector {
            return Err(Fault::BadData("no match[] parameter provided".to_owned()));
        }
        selectors.push(Vec::new());
    }
    let until = asking.moment("end")?.unwrap_or_else(|| history.now.as_millisecond()).min(history.now.as_millisecond());
    let from = asking.moment("start")?.unwrap_or(until - HOUR);
    let mut labels = BTreeSet::new();
    for selector in &selectors {
        let found = history.found(selector).into_iter();
        labels.extend(found.filter(|f| f.was_there(from, until)).map(|f| f.labels));
    }
    Ok(labels.into_iter().collect())
}

fn series(history: &History<'_>, asking: &Asking) -> Result<Value, Fault> {
    Ok(there(history, asking, true)?.iter().map(metric).collect())
}

fn names(history: &History<'_>, asking: &Asking) -> Result<Value, Fault> {
    let there = there(history, asking, false)?;
    let names: BTreeSet<&str> = there.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
    Ok(json!(names))
}

fn values(history: &History<'_>, asking: &Asking, name: &str) -> Result<Value, Fault> {
    let there = there(history, asking, false)?;
    let values: BTreeSet<&str> =
        there.iter().map(|labels| labels.get(name)).filter(|value| !value.is_empty()).collect();
    Ok(json!(values))
}

fn metadata(asking: &Asking) -> Value {
    let wanted = asking.get("metric");
    let mut all = Map::new();
    for family in Exporter::ALL.into_iter().flat_map(Exporter::families) {
        if wanted.is_none_or(|name| name == family.name) {
            let told = json!([{"type": family.kind.word(), "help": family.help, "unit": ""}]);
            all.insert(family.name.to_owned(), told);
        }
    }
    Value::Object(all)
}

fn build() -> Value {
    json!({"version": VERSION, "revision": "played by mpideck", "branch": "HEAD", "buildUser": "", "buildDate": "", "goVersion": ""})
}
