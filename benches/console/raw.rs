//! The yardstick of the first list: the same collections fetched whole by plain requests and scanned, nothing kept.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    time::{Duration, Instant},
};

use futures::{AsyncBufReadExt as _, StreamExt as _};

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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let kubeconfig = Kubeconfig::read_from(&served.kubeconfig)?;
    runtime.block_on(async {
        let client = client(kubeconfig).await?;
        let started = Instant::now();
        let (jobs, pods) = tokio::join!(scan(client.clone(), LISTS[0]), scan(client, LISTS[1]));
        jobs?;
        pods?;
        Ok(started.elapsed())
    })
}

/// The moment at which a plain watch of all pods first tells of one with this word in it, when it comes.
pub(crate) fn when_a_pod_is(served: &Served, word: &'static str) -> Result<Receiver<Instant>> {
    let (send, receive) = sync_channel(1);
    let kubeconfig = Kubeconfig::read_from(&served.kubeconfig)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        // Nobody is told where it can't be read: whoever waits gives up in time.
        let _told: Result<()> = runtime.block_on(async {
            let request = http::Request::get("/api/v1/pods?watch=true").body(Vec::new())?;
            let mut lines = client(kubeconfig).await?.request_stream(request).await?.lines();
            while let Some(line) = lines.next().await {
                if line?.contains(word) {
                    send.send(Instant::now())?;
                    return Ok(());
                }
            }
            Ok(())
        });
    });
    Ok(receive)
}

async fn client(kubeconfig: Kubeconfig) -> Result<Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = KubeConfigOptions { context: Some("admin".into()), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    config.proxy_url = None;
    Ok(Client::try_from(config)?)
}

async fn scan(client: Client, path: &str) -> Result<()> {
    let request = http::Request::get(path).body(kube::client::Body::empty())?;
    let body = client.send(request).await?.into_body().collect().await?.to_bytes();
    serde_json::from_slice::<IgnoredAny>(&body)?;
    Ok(())
}
