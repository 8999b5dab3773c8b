//! The sim's controllers: mpi-operator, training-operator, Trainer, JobSet, Kueue, batch Jobs, the scheduler.
//!
//! Each is one pass: a function from what it sees to a list of [`Write`](crate::sim::write::Write)s. [`manager`] decides what is looked at
//! and when, [`desk`] reads, executes and remembers. None may know HTTP, users or the console.

pub(crate) mod admit;
mod aggregation;
pub(crate) mod batch;
pub(crate) mod desk;
mod endpoints;
mod gangs;
pub(crate) mod jobset;
pub(crate) mod kueue;
mod leases;
mod limits;
pub(crate) mod manager;
pub(crate) mod mpijob;
mod namespaces;
mod nodes;
mod pod_rules;
mod podgc;
mod quota;
mod recorder;
pub(crate) mod scheduler;
pub(crate) mod trainer;
pub(crate) mod training;
mod volumes;
pub(crate) mod work;

pub(crate) use kueue::summary as pending_workloads;
pub(crate) use pod_rules::container as container_faults;
