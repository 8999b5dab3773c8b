//! Tab Metrics: what is read while it is in sight, what its keys do, what was read.

use ratatui::layout::Rect;

use crate::{
    console::{
        commands::{MetricsCommand, PageCommand},
        effect::{Effect, MetricsEffect},
        model::{
            Model,
            notices::Tone,
            page::{
                MetricsModel, PageId, PageModel, Tab,
                metrics::{Followed, Member, MetricsMessage, Parted},
                workers::Shape,
            },
            visit::VisitEffect,
        },
        update::alert,
        view::{
            page::{self as view, metrics as drawn},
            trouble,
        },
    },
    jobs::{
        Clean, Raw, Secs,
        replica::Replica,
        usage::{Metric, Sheet},
    },
    metrics::Job,
};

/// Begins to read what came in sight, and ends with what went out of it.
pub(super) fn follow(model: &mut Model) -> Vec<Effect> {
    let body = trouble::body(model);
    let Some(page) = &mut model.page else { return Vec::new() };
    let (wanted, mut effects) = (wanted(page, body), Vec::new());
    if wanted != page.metrics.followed {
        effects.push(Effect::Metrics(match &wanted {
            Some(followed) => MetricsEffect::Follow(page.id, page.session, followed.clone()),
            None => MetricsEffect::Stop(page.id),
        }));
        if wanted.is_none() {
            effects.extend(asked_no_more(page));
        }
        page.metrics.followed = wanted;
    }
    effects.extend(asked_where(page));
    let parted = parted(page);
    if parted != page.metrics.parted {
        page.metrics.part(parted.as_ref());
        effects.push(Effect::Metrics(MetricsEffect::Part(page.id, page.session, parted.clone().map(Box::new))));
        page.metrics.parted = parted;
    }
    effects
}

/// Nobody looks: `nvidia-smi` is asked no more.
pub(super) fn asked_no_more(page: &mut PageModel) -> Option<Effect> {
    page.metrics.asking.take().map(|asking| Effect::Visit(VisitEffect::Stop(asking.id)))
}

/// Replicas began, ended or were restarted: `nvidia-smi` is asked in those that run now.
fn asked_where(page: &mut PageModel) -> Option<Effect> {
    page.metrics.asking.as_ref()?;
    let pods = page.job.gpu_pods();
    let asking = page.metrics.asking.as_mut().filter(|asking| asking.pods != pods)?;
    asking.pods.clone_from(&pods);
    Some(Effect::Visit(VisitEffect::Pods(asking.id, pods)))
}

/// What is to be read GPU by GPU: of the replica that is shown alone.
fn parted(page: &PageModel) -> Option<Parted> {
    let metrics = &page.metrics;
    let followed = metrics.followed.as_ref().filter(|_| metrics.open && page.tab == Tab::Metrics)?;
    let is_told = metrics.metric.is_of_gpus() && Metric::SHOWN.contains(&metrics.metric);
    let replicas = page.job.replicas();
    let selected = replicas.iter().find(|replica| Some(replica.id()) == page.workers.selected)?;
    let pod = selected.pod().filter(|pod| is_told && pod.requests.gpus > 0)?;
    let followed = Followed { job: Job::of(&page.job.row.namespace, [pod]), ..followed.clone() };
    Some(Parted { followed, metric: metrics.metric })
}

fn wanted(page: &PageModel, body: Rect) -> Option<Followed> {
    let areas = view::areas(view::body(page, body), page.tab);
    // What a failed replica used at its end is said beside the cause.
    let explains = page.tab == Tab::Overview && page.job.ended_badly().is_some();
    let in_sight = page.tab == Tab::Metrics || areas.beside.is_some() || explains;
    if !in_sight || page.recorded.is_some() || page.gone.is_some() || page.job.pods.is_empty() {
        return None;
    }
    let replicas = page.job.replicas();
    let job = Job::of(&page.job.row.namespace, replicas.iter().filter_map(Replica::pod));
    let ended = page.job.derived.finished.map(|end| end.plus(30));
    Some(Followed { job, range: page.metrics.range, started: page.job.began(), ended })
}

/// Something was read.
pub fn message(model: &mut Model, id: PageId, message: MetricsMessage) -> Vec<Effect> {
    let now = model.now;
    let Some(page) = model.page.as_mut().filter(|page| page.id == id) else {
        model.dirty = false;
        return Vec::new();
    };
    let (metrics, key) = (&mut page.metrics, page.job.key());
    let is_read = matches!(message, MetricsMessage::Read(_));
    match message {
        MetricsMessage::Source(source, tried) => (metrics.source, metrics.tried) = (source, tried),
        MetricsMessage::Apart(window, read) => metrics.take_apart(window, &read),
        MetricsMessage::Asked(asked) => {
            metrics.asked(asked);
            add_up(page, now);
            look_at_what_there_is(&mut page.metrics);
        }
        MetricsMessage::Read(measured) => {
            let is_first = !metrics.answered;
            metrics.take(*measured);
            add_up(page, now);
            if is_first {
                look_at_what_there_is(&mut page.metrics);
            }
        }
        MetricsMessage::Failed(refusal) => (metrics.trouble, metrics.answered) = (Some(refusal), true),
    }
    show_selected(model);
    hand_on(model);
    if is_read { alert::measured(model, &key) } else { Vec::new() }
}

/// What is odd is told where the job's causes are made.
fn hand_on(model: &mut Model) {
    let Some(page) = model.page.as_ref().filter(|page| page.gone.is_none() && page.recorded.is_none()) else { return };
    let members = page.metrics.members(&page.job.replicas(), page.measured_until(model.now));
    let odd = members.into_iter().flat_map(|member| {
        let pod = member.worker.pod;
        member.flags.into_iter().map(move |flag| (pod.clone(), flag))
    });
    let (key, odd) = (page.job.key(), odd.collect());
    model.fleet.measure(&key, odd);
}

/// What the whole job uses.
fn add_up(page: &mut PageModel, now: Secs) {
    let now = page.measured_until(now);
    let members = page.metrics.members(&page.job.replicas(), now);
    let from = page.metrics.from(page.job.began(), now);
    let metrics = &mut page.metrics;
    for metric in Metric::SHOWN {
        let pods = members.iter().map(|member| &member.worker.pod);
        metrics.totals[metric.index()] = metrics.usage.total(metric, pods).stats(from);
    }
}

/// All that is known was taken at once: it is added up, and what there is is looked at.
pub(super) fn settle(page: &mut PageModel, now: Secs) {
    add_up(page, now);
    look_at_what_there_is(&mut page.metrics);
}

/// Of a job without GPUs, or where nobody measures them, what else is known comes first.
fn look_at_what_there_is(metrics: &mut MetricsModel) {
    let is_known = |metric: &Metric| metrics.totals[metric.index()].is_some();
    if !is_known(&metrics.metric) {
        metrics.metric = Metric::SHOWN.into_iter().find(is_known).unwrap_or(metrics.metric);
    }
}

/// A command of the tab.
pub fn command(model: &mut Model, id: MetricsCommand) -> Vec<Effect> {
    let rows = drawn::rows_of(model);
    let now = model.now;
    let Some(page) = &mut model.page else { return Vec::new() };
    match id {
        MetricsCommand::Range if page.recorded.is_some() => {
            return super::tell(model, Tone::Info, "A record has the quarter of an hour before the end, and no more");
        }
        MetricsCommand::Range => {
            let metrics = &mut page.metrics;
            metrics.range = metrics.range.next();
            // Other steps: nothing of what was read fits.
            metrics.begin(metrics.range.window(now, now).step);
            metrics.answered = false;
            return follow(model);
        }
        MetricsCommand::Shape => {
            let members = page.metrics.members(&page.job.replicas(), now);
            let shape = drawn::shape(&page.metrics, page.metrics.measured(&members).len(), rows);
            page.metrics.asked = Some(if shape == Shape::Grid { Shape::Table } else { Shape::Grid });
            page.metrics.top = 0;
        }
        MetricsCommand::Open => page.metrics.open = !page.metrics.open,
        MetricsCommand::SaveJson | MetricsCommand::SaveCsv => return save(model, id),
    }
    show_selected(model);
    follow(model)
}

/// Whether esc closes something of the tab.
pub(super) fn back(page: &mut PageModel) -> bool {
    page.tab == Tab::Metrics && std::mem::take(&mut page.metrics.open)
}

/// Keys that move: left and right among metrics, up and down among replicas.
pub(super) fn moved(model: &mut Model, id: PageCommand) -> Vec<Effect> {
    let now = model.now;
    let rows = drawn::rows_of(model);
    let Some(page) = &mut model.page else { return Vec::new() };
    let at = Metric::SHOWN.iter().position(|metric| *metric == page.metrics.metric).unwrap_or(0);
    let count = Metric::SHOWN.len();
    match id {
        PageCommand::Left => page.metrics.metric = Metric::SHOWN[(at + count - 1) % count],
        PageCommand::Right => page.metrics.metric = Metric::SHOWN[(at + 1) % count],
        _ => step(page, id, now, rows),
    }
    show_selected(model);
    follow(model)
}

fn step(page: &mut PageModel, id: PageCommand, now: Secs, rows: usize) {
    let members = page.metrics.members(&page.job.replicas(), now);
    let shown = page.metrics.measured(&members);
    let Some(last) = shown.len().checked_sub(1) else { return };
    let at = selected(&shown, page).unwrap_or(0);
    let line = match drawn::shape(&page.metrics, shown.len(), rows) {
        Shape::Grid if !page.metrics.open => drawn::CELLS,
        _ => 1,
    };
    let half = rows.div_ceil(2) * line;
    let to = match id {
        PageCommand::Down => at + line,
        PageCommand::Up => at.saturating_sub(line),
        PageCommand::HalfPageDown => at + half,
        PageCommand::HalfPageUp => at.saturating_sub(half),
        PageCommand::Top => 0,
        PageCommand::Bottom => last,
        _ => at,
    };
    page.workers.selected = Some(shown[to.min(last)].id.clone());
}

fn selected(shown: &[&Member], page: &PageModel) -> Option<usize> {
    shown.iter().position(|member| Some(&member.id) == page.workers.selected.as_ref())
}

/// One of the replicas that are shown is selected, and in sight.
pub(super) fn show_selected(model: &mut Model) {
    let (rows, now) = (drawn::rows_of(model), model.now);
    let Some(page) = model.page.as_mut().filter(|page| page.tab == Tab::Metrics) else { return };
    let members = page.metrics.members(&page.job.replicas(), now);
    let shown = page.metrics.measured(&members);
    let Some(first) = shown.first() else { return };
    let at = selected(&shown, page).unwrap_or(0);
    if at == 0 {
        page.workers.selected = Some(first.id.clone());
    }
    let line = match drawn::shape(&page.metrics, shown.len(), rows) {
        Shape::Grid => at / drawn::CELLS,
        Shape::Table => at,
    };
    let lines = match drawn::shape(&page.metrics, shown.len(), rows) {
        Shape::Grid => shown.len().div_ceil(drawn::CELLS),
        Shape::Table => shown.len(),
    };
    let rows = rows.max(1);
    let top = page.metrics.top.min(line).max((line + 1).saturating_sub(rows));
    page.metrics.top = top.min(lines.saturating_sub(rows));
}

/// Writes what was measured to a file.
fn save(model: &mut Model, id: MetricsCommand) -> Vec<Effect> {
    let now = model.now;
    let Some(page) = &model.page else { return Vec::new() };
    let (metrics, replicas) = (&page.metrics, page.job.replicas());
    if metrics.usage.is_empty() {
        return super::tell(model, Tone::Warn, "Nothing was measured yet");
    }
    let smi = metrics.smi.as_ref().map(|_| "nvidia-smi by exec");
    let sources: Vec<&str> = metrics.source.iter().map(Clean::as_str).chain(smi).collect();
    let source = Clean::new(&sources.join("; "));
    let row = &page.job.row;
    let sheet = Sheet {
        job: row,
        replicas: &replicas,
        usage: &metrics.usage,
        source: &source,
        range: metrics.range,
        lacks: &metrics.lacks,
        now,
    };
    let (text, ending) = match id {
        MetricsCommand::SaveCsv => (sheet.csv(), "csv"),
        _ => (format!("{:#}\n", sheet.json()), "json"),
    };
    let name = format!("{}-{}-metrics.{ending}", row.namespace, row.name);
    vec![Effect::Save(name, Raw::new(text))]
}
