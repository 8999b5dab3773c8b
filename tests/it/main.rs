//! Integration tests, in one binary.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod alerts;
mod asked;
mod changes;
mod cluster_suite;
mod compare;
mod connect;
mod deck;
mod docs;
mod drafts;
mod explain_job;
mod get_jobs;
mod house;
mod job_page;
mod kept;
mod lived;
mod log_follow;
mod malformed;
mod metrics;
mod once;
mod preflight;
mod program;
mod pty;
mod queue;
mod recorded_numbers;
mod recorder;
mod rights;
mod sim_api;
mod sim_client;
mod sim_exec;
mod sim_kubectl;
mod sim_numbers;
mod sim_pods;
mod sim_prometheus;
mod sim_recorded;
mod sim_scale;
mod sim_watch;
mod tmux;
mod tools;
mod top;
mod visits;
