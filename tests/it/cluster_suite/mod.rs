//! One suite for what reads from a cluster, run three ways: in process, over TLS on loopback, and on a real API server.
//!
//! In process nobody acts on what is made and time is paused; over TLS the sim's operators and kubelets act; the real
//! server is the one that `MPIDECK_TEST_KUBECONFIG` names. A case looks only at what must be so on all of them.

mod behaviour;
mod changes;
mod cut;
mod kubectl;
mod lists;
mod make;
mod normal;
mod page;
mod place;
mod reader;
mod rights;
mod scenarios;
mod states;

/// Makes three tests of each case, an `async fn(&Place)`.
macro_rules! everywhere {
    ($($case:ident)+) => {$(
        mod $case {
            use crate::cluster_suite::place::Place;

            #[tokio::test(start_paused = true)]
            async fn in_process() {
                Place::in_process().await.run(super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn over_tls() {
                Place::over_tls().await.run(super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_a_real_server() {
                if let Some(place) = Place::real().await {
                    place.run(super::$case).await;
                }
            }
        }
    )+};
}
use everywhere;
