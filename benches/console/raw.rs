//! The yardstick of the first list: the same collections fetched whole by plain requests and scanned, nothing kept.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::IgnoredAny;

use crate::process::{Result, Served};

const LISTS: [&str; 2] =
    ["/apis/kubeflow.org/v2beta1/mpijobs", "/api/v1/pods?labelSelector=training.kubeflow.org%2Fjob-name"];

/// Seconds for an unpaged GET of all jobs and all labelled pods, scanned by `serde_json` into nothing.
pub(crate) fn fetch_and_scan(served: &Served) -> Result<Duration> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let options = KubeConfigOptions { context: Some("admin".into()), ..KubeConfigOptions::default() };
        let mut config = Config::from_custom_kubeconfig(Kubeconfig::read_from(&served.kubeconfig)?, &options).await?;
        config.proxy_url = None;
        let client = Client::try_from(config)?;
        let started = Instant::now();
        let (jobs, pods) = tokio::join!(scan(client.clone(), LISTS[0]), scan(client, LISTS[1]));
        jobs?;
        pods?;
        Ok(started.elapsed())
    })
}

async fn scan(client: Client, path: &str) -> Result<()> {
    let request = http::Request::get(path).body(kube::client::Body::empty())?;
    let body = client.send(request).await?.into_body().collect().await?.to_bytes();
    serde_json::from_slice::<IgnoredAny>(&body)?;
    Ok(())
}
