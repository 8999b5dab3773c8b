//! `mpideck demo`: the embedded cluster, under the console or served to other clients.
//!
//! The console is given a kubeconfig and a way to dial, as for any cluster; it can't tell the difference.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Args as ArgsOf;

use super::{args::Global, console, exit::Failure, print, reach, setup::Setup};
use crate::{
    cluster::{
        Target,
        kubeconfig::Loaded,
        target::{Dial, Now},
    },
    config::files,
    console::start::LoadTarget,
    disk::records::{Bounds, Records},
    jobs::Secs,
    sim::{
        FleetKind, Options, Release, Sim,
        faults::{Ailment, GpuLabels, Plan},
        scenario::{self, Scenario},
    },
    term::signals::{Signal, Signals},
};

/// Flags of `demo`. The user is chosen by `--context`: admin, tenant, viewer or nowatch.
#[derive(Clone, Debug, ArgsOf)]
pub struct DemoArgs {
    /// Serve it on this loopback address (port 0 for any) and print the path of a kubeconfig
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub serve: Option<SocketAddr>,
    /// With --once: the moment of the screen, counted from the start; that long is lived through at once
    #[arg(long, value_name = "TIME", value_parser = past, requires = "once")]
    pub at: Option<Duration>,
    /// Repeats a run
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// How many times faster jobs live
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub speed: f64,
    /// Play only this scenario: a name of --list, or a file of your own
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["fleet", "scale"])]
    pub scenario: Option<String>,
    /// Print the scenarios: name, the class of the cause that each leads to, what happens
    #[arg(long, conflicts_with_all = ["scenario", "serve"])]
    pub list: bool,
    /// What lives in it
    #[arg(long, value_enum, default_value_t = Fleet::Demo, conflicts_with = "scale")]
    pub fleet: Fleet,
    /// So many jobs with so many workers each, and pod changes a second: 1000x16 or 1000x16@500
    #[arg(long, value_name = "JOBSxWORKERS[@RATE]", value_parser = scale)]
    pub scale: Option<FleetKind>,
    /// Serve Projects, as OpenShift does
    #[arg(long)]
    pub openshift: bool,
    /// Serve MPIJob v1 (training-operator) and Kueue v1beta1 in place of the newer versions
    #[arg(long)]
    pub old_apis: bool,
    /// The release of Kubernetes to behave like
    #[arg(long = "version", value_enum, value_name = "RELEASE", default_value_t = ReleaseName::Newest)]
    pub release: ReleaseName,
    /// What goes wrong: throttle=0.1, errors=0.1, latency=200ms, cut=30s, compact=60s, gone=5m, … (all: docs/faults.md)
    #[arg(long = "fault", value_name = "NAME=VALUE", value_parser = fault)]
    pub faults: Vec<Fault>,
}

/// `--fleet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fleet {
    /// A working day: jobs of every kind and state
    Demo,
    /// No job yet
    Empty,
    /// No training operator is installed
    NoOperators,
}

/// `--version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReleaseName {
    /// No streaming lists, aggregated discovery as v2beta1
    #[value(name = "1.27")]
    Oldest,
    /// No streaming lists
    #[value(name = "1.31")]
    Middle,
    /// The newest
    #[value(name = "1.36")]
    Newest,
}

/// One `--fault`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Share of requests answered 429.
    Throttle(f64),
    /// Share of requests answered 500.
    Errors(f64),
    /// Before each answer.
    Latency(Duration),
    /// Between two pieces of a body.
    BodyPause(Duration),
    /// Between two cuts of all watches.
    Cut(Duration),
    /// Between two compactions.
    Compact(Duration),
    /// Share of requests answered 503.
    Unavailable(f64),
    /// Share of requests answered 401.
    Unauthorized(f64),
    /// Share of bodies that end in the middle of a line.
    HalfLines(f64),
    /// Share of bodies whose connection breaks.
    Truncate(f64),
    /// Between two minutes without a server.
    Gone(Duration),
    /// How far the cluster's clock is behind.
    Skew(Duration),
    /// Lines of a log that are kept.
    LogKeeps(u64),
    /// What ails Prometheus.
    Prometheus(Ailment),
    /// How GPU series tell whose they are.
    GpuLabels(GpuLabels),
    /// metrics-server is not installed.
    NoMetricsServer,
}

/// Runs it.
pub fn run(args: &DemoArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    if args.list {
        return list();
    }
    let scenario = args.scenario.as_deref().map(played).transpose()?;
    let start = async { Sim::start(options(args, scenario)).await.map_err(|error| Failure::new(&error.to_string())) };
    if let Some(address) = args.serve {
        return console::on_one_thread(async { serve(&start.await?, address, setup).await });
    }
    console::in_runtime(async {
        let sim = start.await?;
        let mut start = console::begin(global, setup, in_process(&sim, global, setup)?, clock(&sim))?;
        // What lives as long as this process is not to be found among the user's records.
        let own =
            start.records.take().map(|records| records.root().with_file_name(format!("demo-{}", std::process::id())));
        start.records = own.clone().map(|root| Records::new(root, Bounds::default()));
        let ended = Box::pin(console::show(start, global, setup)).await;
        if let Some(root) = own {
            // It need not have been made.
            let _ = std::fs::remove_dir_all(root);
        }
        ended
    })
}

fn list() -> Result<ExitCode, Failure> {
    let mut all = Vec::new();
    for name in scenario::names() {
        let read = scenario::scenario(name).transpose().map_err(|error| Failure::new(&error.to_string()))?;
        all.extend(read);
    }
    let longest = |text: fn(&Scenario) -> &str| all.iter().map(|s| text(s).len()).max().unwrap_or(0);
    let (names, classes) = (longest(|s| &s.name), longest(|s| &s.class));
    for s in &all {
        print::out(&format!("{:names$}  {:classes$}  {}\n", s.name, s.class, s.about))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The scenario that is meant: one that comes with the program, or a file.
fn played(asked: &str) -> Result<FleetKind, Failure> {
    let (file, text) = match scenario::text(asked) {
        Some(found) => found,
        None => match files::read(Path::new(asked)).map_err(|note| Failure::new(&note.to_string()))? {
            Some(read) => (asked.to_owned(), read.text),
            None => {
                return Err(Failure::usage(&format!("there is no scenario and no file {asked:?}"))
                    .hint("mpideck demo --list prints the scenarios; docs/scenarios.md says how to write one"));
            }
        },
    };
    Scenario::parse(&file, &text).map_err(|error| Failure::usage(&error.to_string()))?;
    Ok(FleetKind::Scenario { file, text })
}

fn options(args: &DemoArgs, scenario: Option<FleetKind>) -> Options {
    let mut options = Options::new();
    options.seed = args.seed;
    options.lived = args.at.unwrap_or_default();
    options.speed = args.speed;
    options.old_apis = args.old_apis;
    options.release = match args.release {
        ReleaseName::Oldest => Release::V1_27,
        ReleaseName::Middle => Release::V1_31,
        ReleaseName::Newest => Release::V1_36,
    };
    options.faults = plan(&args.faults);
    for fault in &args.faults {
        if let Fault::Skew(time) = fault {
            options.clock = options.clock.behind(i64::try_from(time.as_millis()).unwrap_or(0));
        }
    }
    options.projects = args.openshift;
    options.fleet = scenario.or_else(|| args.scale.clone()).unwrap_or(match args.fleet {
        Fleet::Demo => FleetKind::Demo,
        Fleet::Empty => FleetKind::Empty,
        Fleet::NoOperators => FleetKind::NoOperators,
    });
    options
}

fn plan(faults: &[Fault]) -> Plan {
    let mut plan = Plan::default();
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    for fault in faults {
        match *fault {
            Fault::Throttle(share) => plan.throttle = share,
            Fault::Errors(share) => plan.errors = share,
            Fault::Latency(time) => plan.latency_ms = ms(time),
            Fault::BodyPause(time) => plan.body_pause_ms = ms(time),
            Fault::Cut(time) => plan.cut_every_s = time.as_secs(),
            Fault::Compact(time) => plan.compact_every_s = time.as_secs(),
            Fault::Unavailable(share) => plan.unavailable = share,
            Fault::Unauthorized(share) => plan.unauthorized = share,
            Fault::HalfLines(share) => plan.half_lines = share,
            Fault::Truncate(share) => plan.truncate = share,
            Fault::Gone(time) => plan.gone_every_s = time.as_secs(),
            Fault::LogKeeps(lines) => plan.log_keeps_lines = lines,
            Fault::Prometheus(ailment) => plan.prometheus = ailment,
            Fault::GpuLabels(labels) => plan.gpu_labels = labels,
            Fault::NoMetricsServer => plan.no_metrics_server = true,
            // Of the clock, not of the server.
            Fault::Skew(_) => {}
        }
    }
    plan
}

fn clock(sim: &Sim) -> Now {
    let clock = sim.clock();
    Arc::new(move || Secs::from(clock.now()))
}

fn in_process(sim: &Sim, global: &Global, setup: &Setup) -> Result<LoadTarget, Failure> {
    let kubeconfig = Loaded::from_value(sim.kubeconfig())?.shared();
    let dial: Dial = sim.dial();
    let (global, config, now) = (global.clone(), setup.config.clone(), clock(sim));
    Ok(Arc::new(move || {
        let mut target = Target::new(Arc::clone(&kubeconfig));
        target.dial = Some(Arc::clone(&dial));
        target.now = Arc::clone(&now);
        Ok(reach::with_flags(target, &global, &config))
    }))
}

async fn serve(sim: &Sim, address: SocketAddr, setup: &Setup) -> Result<ExitCode, Failure> {
    if !address.ip().is_loopback() {
        return Err(Failure::usage(&format!("{address} is not a loopback address"))
            .hint("the demo's users are for anyone who can read its kubeconfig: serve it on 127.0.0.1 only"));
    }
    let served =
        sim.listen(address).await.map_err(|error| Failure::new(&format!("can't serve on {address}: {error}")))?;
    let directory = setup.paths.as_ref().map_or_else(|| PathBuf::from("."), |paths| paths.state.clone());
    let path = served
        .write_kubeconfig(&directory)
        .map_err(|error| Failure::new(&format!("can't write a kubeconfig to {}: {error}", directory.display())))?;
    print::out(&format!("{}\n", path.display()))?;
    print::complain(&format!(
        "serving https://{} until ctrl-c; try: kubectl --kubeconfig {} --context tenant get mpijobs -A",
        served.addr,
        path.display()
    ));
    let mut signals = Signals::new()?;
    let told = loop {
        match signals.next().await {
            Signal::Stop | Signal::Continue => {}
            told => break told,
        }
    };
    // Its tokens are good for nothing now.
    let _ = std::fs::remove_file(&path);
    Ok(if told == Signal::Interrupt { ExitCode::SUCCESS } else { ExitCode::from(told.exit_code()) })
}

/// An hour takes about a second to live through; more than that shows nothing new.
fn past(text: &str) -> Result<Duration, String> {
    let time = super::args::length_of_time(text)?;
    if time <= Duration::from_hours(1) { Ok(time) } else { Err("at most 1h".to_owned()) }
}

fn factor(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|factor: &f64| *factor > 0.0 && *factor <= 10_000.0)
        .ok_or_else(|| "write a number above 0, at most 10000".to_owned())
}

/// Pods of a scaled demo at most.
const MOST_PODS: u64 = 2_000_000;

fn scale(text: &str) -> Result<FleetKind, String> {
    let (size, rate) = text.split_once('@').unwrap_or((text, "0"));
    let parsed = size.split_once('x').and_then(|(jobs, workers)| {
        let churn_per_second = rate.parse().ok().filter(|rate: &f64| (0.0..=100_000.0).contains(rate))?;
        Some((jobs.parse().ok()?, workers.parse().ok()?, churn_per_second))
    });
    let (jobs, workers, churn_per_second) = parsed.ok_or("write it as 1000x16 or 1000x16@500")?;
    if u64::from(jobs) * (u64::from(workers) + 1) > MOST_PODS {
        return Err(format!("it would be more than {MOST_PODS} pods, which this machine would be at for hours"));
    }
    Ok(FleetKind::Scale { jobs, workers, churn_per_second })
}

fn fault(text: &str) -> Result<Fault, String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let share = || {
        let share = value.parse().ok().filter(|share: &f64| (0.0..=1.0).contains(share));
        share.ok_or_else(|| format!("{name} takes a share from 0 to 1"))
    };
    let time = || super::args::length_of_time(value);
    match name {
        "throttle" => share().map(Fault::Throttle),
        "errors" => share().map(Fault::Errors),
        "latency" => time().map(Fault::Latency),
        "body-pause" => time().map(Fault::BodyPause),
        "cut" => time().map(Fault::Cut),
        "compact" => time().map(Fault::Compact),
        "unavailable" => share().map(Fault::Unavailable),
        "unauthorized" => share().map(Fault::Unauthorized),
        "half-lines" => share().map(Fault::HalfLines),
        "truncate" => share().map(Fault::Truncate),
        "gone" => time().map(Fault::Gone),
        "skew" => time().map(Fault::Skew),
        "log-keeps" => value.parse().map(Fault::LogKeeps).map_err(|_| format!("{name} takes a number of lines")),
        "prometheus" => word(name, value, "down, slow, unauthorized, refuses or empty").map(Fault::Prometheus),
        "metrics-server" if value == "absent" => Ok(Fault::NoMetricsServer),
        "metrics-server" => Err("metrics-server is absent, or there without the fault".to_owned()),
        "gpu-labels" => word(name, value, "exported, plain or none").map(Fault::GpuLabels),
        _ => Err("known are throttle, errors, unavailable, unauthorized, latency, body-pause, half-lines, truncate, cut, compact, gone, skew, log-keeps, prometheus, gpu-labels, metrics-server".to_owned()),
    }
}

/// A value that is one of some words.
fn word<T: serde::de::DeserializeOwned>(name: &str, value: &str, words: &str) -> Result<T, String> {
    serde_json::from_value(value.into()).map_err(|_| format!("{name} is {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_faults_are_read() {
        let expected = FleetKind::Scale { jobs: 200, workers: 8, churn_per_second: 50.0 };
        assert_eq!(scale("200x8@50"), Ok(expected));
        assert!(scale("200").is_err() && scale("2x3@-1").is_err());
        assert!(scale("1000000x1000000").is_err_and(|why| why.contains("more than")));
        let told = ["throttle=0.5", "latency=20ms", "cut=1m", "prometheus=down", "gpu-labels=plain"];
        let faults: Vec<_> = told.map(fault).into_iter().flatten().collect();
        let plan = plan(&faults);
        assert_eq!((plan.throttle, plan.latency_ms, plan.cut_every_s), (0.5, 20, 60));
        assert_eq!((plan.prometheus, plan.gpu_labels), (Ailment::Down, GpuLabels::Plain));
        assert!(fault("prometheus=ill").is_err() && fault("errors=2").is_err() && fault("nonsense=1").is_err());
    }
}
