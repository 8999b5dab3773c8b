//! Asking a Prometheus: a query at a moment, or over a window. Within its budget of questions at once.

use super::{
    answer::{self, Row},
    source::Prometheus,
};
use crate::{
    cluster::{Problem, ProblemKind, paths::query, reply::Reply},
    jobs::{Name, Secs, usage::Window},
};

impl Prometheus {
    /// The series of a query at a moment. `doing` completes «can't …».
    pub(super) async fn instant(
        &self,
        namespace: &Name,
        promql: &str,
        at: Secs,
        doing: &str,
    ) -> Result<Vec<Row>, Problem> {
        let time = at.0.to_string();
        self.ask("query", namespace, &[("query", promql), ("time", &time)], doing).await
    }

    /// The series of a query over a window.
    pub(super) async fn range(
        &self,
        namespace: &Name,
        promql: &str,
        window: Window,
        doing: &str,
    ) -> Result<Vec<Row>, Problem> {
        let Window { from, to, step } = window;
        let [from, to, step] = [from.0, to.0, step].map(|number| number.to_string());
        let pairs = [("query", promql), ("start", from.as_str()), ("end", &to), ("step", &step)];
        self.ask("query_range", namespace, &pairs, doing).await
    }

    async fn ask(
        &self,
        what: &str,
        namespace: &Name,
        pairs: &[(&str, &str)],
        doing: &str,
    ) -> Result<Vec<Row>, Problem> {
        let mut pairs = pairs.to_vec();
        if self.tenancy {
            pairs.push(("namespace", namespace.as_str()));
        }
        let path = format!("{}/api/v1/{what}{}", self.base, query(&pairs));
        let reply = self.get(&path, doing).await?;
        answer::rows(self, doing, &reply)
    }

    /// Whether a Prometheus answers there.
    pub(super) async fn probe(&self) -> Result<(), Problem> {
        let doing = format!("find a Prometheus at {}", self.name);
        let reply = self.get(&format!("{}/api/v1/status/buildinfo", self.base), &doing).await?;
        if !reply.is_success() {
            return Err(answer::refused(self, &doing, &reply));
        }
        if answer::is_prometheus(&reply) {
            return Ok(());
        }
        let why = format!("what answers at {} is no Prometheus", self.name);
        let hint = "Set the address of yours with prometheus (docs/metrics.md).";
        Err(Problem::new(ProblemKind::NotFound, &format!("can't {doing}"), &why, hint))
    }

    async fn get(&self, path: &str, doing: &str) -> Result<Reply, Problem> {
        // The semaphore is never closed.
        let _turn = self.budget.acquire().await;
        self.session.ask(path, doing).await
    }
}

#[cfg(test)]
pub(super) async fn prometheus() -> Prometheus {
    use super::source::Way;
    use crate::cluster::testing;
    let session = testing::session(|_| testing::status(404, "not found")).await;
    Prometheus::new("monitoring/prometheus:9090", session, "", Way::Url)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use serde_json::json;

    use super::*;
    use crate::{cluster::testing, metrics::source::Way};

    #[tokio::test]
    async fn a_question_names_window_and_tenant() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let session = testing::session(move |request| {
            log.lock().expect("not poisoned").push(request.uri().to_string());
            testing::answer(200, &json!({"status": "success", "data": {"resultType": "matrix", "result": []}}))
        })
        .await;
        let mut from = Prometheus::new("p", session, "/base", Way::Url);
        let window = Window { from: Secs(60), to: Secs(120), step: 15 };
        let namespace = Name::lossy("nlp");
        assert_eq!(from.range(&namespace, "up{a=\"b|c\"}", window, "ask").await, Ok(vec![]));
        from.tenancy = true;
        assert_eq!(from.instant(&namespace, "up", Secs(120), "ask").await, Ok(vec![]));
        let asked = asked.lock().expect("not poisoned").clone();
        let range = "/base/api/v1/query_range?query=up%7Ba%3D%22b%7Cc%22%7D&start=60&end=120&step=15";
        assert!(asked[0].ends_with(range), "{asked:?}");
        assert!(asked[1].ends_with("/base/api/v1/query?query=up&time=120&namespace=nlp"), "{asked:?}");
    }

    #[tokio::test]
    async fn no_more_questions_at_once_than_the_budget_has() {
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (Arc::clone(&open), Arc::clone(&most));
        let session = testing::session(move |_| {
            // Each connection is served by a task of its own: what is open here is asked at once.
            let now = counts.0.fetch_add(1, Ordering::SeqCst) + 1;
            counts.1.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            counts.0.fetch_sub(1, Ordering::SeqCst);
            testing::answer(200, &json!({"status": "success", "data": {"resultType": "vector", "result": []}}))
        })
        .await;
        let from = Prometheus::new("p", session, "", Way::Url);
        let namespace = Name::lossy("nlp");
        let held: Vec<_> = (0..4).filter_map(|_| from.budget.clone().try_acquire_owned().ok()).collect();
        assert_eq!(held.len(), 4);
        let asking = from.instant(&namespace, "up", Secs(1), "ask");
        let mut asking = std::pin::pin!(asking);
        assert!(futures::poll!(asking.as_mut()).is_pending());
        assert_eq!(most.load(Ordering::SeqCst), 0, "the fifth waits for a turn");
        drop(held);
        assert_eq!(asking.await, Ok(vec![]));
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }
}
