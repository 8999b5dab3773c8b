//! The user's own commands: what their arguments become for what is under the cursor.
//!
//! Owns the fields. Whether one that makes changes may run is decided in `changes`; here it is said sooner.

use super::change;
use crate::{
    changes::{Change, Subject, What},
    config::commands::{Target, UserCommand},
    console::{
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            page::{Kept, PageModel},
            visit::{VisitEffect, Visited},
        },
    },
    jobs::Clean,
};

/// Runs the one at this place.
pub fn command(model: &mut Model, at: u8) -> Vec<Effect> {
    let Some(own) = model.user_commands.get(usize::from(at)).cloned() else { return Vec::new() };
    match run(model, &own) {
        Ok(effects) => effects,
        Err(why) => {
            model.notices.tell(model.now, Tone::Warn, &format!("{}: {why}", own.name));
            Vec::new()
        }
    }
}

/// Runs the one of this name, if there is one.
pub fn named(model: &mut Model, name: &str) -> Option<Vec<Effect>> {
    let at = model.user_commands.iter().position(|own| own.name == name)?;
    Some(command(model, u8::try_from(at).ok()?))
}

fn run(model: &mut Model, own: &UserCommand) -> Result<Vec<Effect>, String> {
    // The gate would say so, too, but at the end of a long line.
    if own.changes && model.session.is_locked(model.now) {
        return Err(model.session.why_locked());
    }
    let job = job(model);
    let visited = match (own.target, model.page.as_ref()) {
        (Target::Replica, Some(page)) => Some(PageModel::visited(page)?),
        (Target::Replica, None) => return Err("open a job first".to_owned()),
        _ => None,
    };
    if own.target == Target::Job && job.is_none() {
        return Err("no job is selected".to_owned());
    }
    let argv = own.argv(|field| fill(model, job.as_ref(), visited.as_ref(), field))?;
    if !own.changes {
        return Ok(vec![Effect::Visit(VisitEffect::Program(argv, own.wait))]);
    }
    let what = What::Command { name: own.name.clone(), argv, stays: own.wait };
    let subject = job.map_or_else(Subject::default, |job| Subject::job(&job.key()));
    let change = Change { context: Clean::new(&model.session.context), subject, what };
    Ok(change::go(model, change))
}

/// The job of the page, else the selected one.
fn job(model: &Model) -> Option<Kept> {
    match &model.page {
        Some(page) => Some(page.job.clone()),
        None => Kept::of(&model.fleet, model.list.selected.as_ref()?),
    }
}

/// A field of `config::commands::FIELDS`.
fn fill(model: &Model, job: Option<&Kept>, visited: Option<&Visited>, field: &str) -> Option<String> {
    let row = job.map(|job| &job.row);
    let text = match field {
        "context" => model.session.context.clone(),
        "cluster" => model.session.info()?.cluster.to_string(),
        "user" => model.session.user.to_string(),
        "namespace" => match row {
            Some(row) => row.namespace.to_string(),
            None => model.session.info()?.namespace.as_ref()?.to_string(),
        },
        "name" => row?.name.to_string(),
        "kind" => row?.kind.to_string(),
        "resource" => {
            let info = row?.kind.info();
            format!("{}.{}", info.plural, info.group)
        }
        "uid" => row?.uid.to_string(),
        "pod" => visited?.pod.to_string(),
        "container" => visited?.container.to_string(),
        "node" => visited?.node.as_ref()?.to_string(),
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use crate::{
        changes::What,
        config::commands::UserCommand,
        console::{
            effect::Effect,
            ids::{CommandId, Context},
            key,
            keymap::Keymap,
            message::Message,
            model::visit::VisitEffect,
            testing::Harness,
        },
        jobs::{
            JobRow, Kind, Name, Uid,
            fleet::{Batch, ListKey, ListOf, ListPhase, Row},
        },
    };

    fn console(own: UserCommand) -> Harness {
        let mut it = Harness::new(160, 120);
        it.model.session.context = "prod".to_owned();
        let mut keymap = Keymap::builtin("default").0;
        let keys = key::sequence("ctrl-t").expect("a key");
        keymap.bind(Context::List, keys, Some(CommandId::User(0))).expect("it is free");
        it.model.keys.map = keymap.into();
        it.model.user_commands = vec![own].into();
        let job = JobRow::bare(Kind::MpiJob, Name::lossy("vision"), Name::lossy("train"), Uid::new("u"));
        it.send(Message::Fleet(vec![Batch {
            list: ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None },
            restart: true,
            upserts: vec![Row::Job(job)],
            removals: Vec::new(),
            complete: true,
            phase: Some(ListPhase::Live),
        }]));
        it.effects.clear();
        it
    }

    fn own(run: &[&str], changes: bool) -> UserCommand {
        let run = run.iter().map(|&word| word.to_owned()).collect();
        UserCommand { name: "mine".to_owned(), run, changes, wait: true, ..UserCommand::default() }
    }

    #[test]
    fn a_key_runs_it_with_the_selected_jobs_fields() {
        let run = ["show", "--context={context}", "{resource}", "{namespace}/{name}", "{kind}", "{uid}"];
        let argv = ["show", "--context=prod", "mpijobs.kubeflow.org", "vision/train", "MPIJob", "u"];
        let argv: Vec<_> = argv.map(str::to_owned).into();
        for keys in ["ctrl-t", ": m i n e enter"] {
            let mut it = console(own(&run, false));
            it.keys(keys);
            let ran = Effect::Visit(VisitEffect::Program(argv.clone(), true));
            assert!(it.effects.contains(&ran), "{keys}: {:?}", it.effects);
        }
        let mut it = console(own(&run, false));
        it.keys("?");
        assert!(it.screen().contains("Yours"), "{}", it.screen());
    }

    #[test]
    fn one_that_makes_changes_is_a_change() {
        let mut it = console(own(&["x", "{name}"], true));
        it.keys("ctrl-t");
        let Some(Effect::Visit(VisitEffect::Lend(_, _, confirmed))) = it.effects.last() else {
            panic!("{:?}", it.effects)
        };
        assert!(matches!(&confirmed.changes()[0].what, What::Command { argv, .. } if argv[1] == "train"));
    }

    #[test]
    fn one_that_makes_changes_is_refused_at_once_where_nothing_may_be_changed() {
        let mut it = console(own(&["x", "{name}"], true));
        (it.model.session.read_only, it.model.session.read_only_all) = (true, true);
        it.keys("ctrl-t");
        assert!(it.effects.is_empty(), "{:?}", it.effects);
        assert!(it.model.notices.iter().any(|notice| notice.text.as_str().starts_with("mine: this run is read-only")));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let mut it = console(own(&["x", "{pod}"], false));
        it.keys("ctrl-t");
        assert!(it.effects.is_empty());
        assert!(it.model.notices.iter().any(|notice| notice.text.as_str() == "mine: there is no pod here"));
    }
}
