//! What is read beside the fleet follows from what is visible.

use super::page;
use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            page::{PageModel, Tab},
            session::{Phase, Scope},
            survey::{Pods, Survey, SurveyEffect, SurveyId, Wanted},
        },
    },
    jobs::Name,
};

/// After any message: reads what has become visible, and stops where nobody looks.
pub fn follow(model: &mut Model) -> Vec<Effect> {
    let wanted = wanted(model).map(|wanted| (model.session.id, wanted));
    if model.survey.wanted == wanted {
        return Vec::new();
    }
    let survey = &mut model.survey;
    survey.wanted.clone_from(&wanted);
    survey.id = SurveyId(survey.id.0 + 1);
    let Some((session, wanted)) = wanted else { return vec![Effect::Survey(SurveyEffect::Stop)] };
    if survey.session != session {
        (survey.session, survey.read) = (session, Survey::default());
    }
    survey.at = None;
    vec![Effect::Survey(SurveyEffect::Read(survey.id, session, wanted))]
}

/// Something was read.
pub fn message(model: &mut Model, id: SurveyId, read: Survey) -> Vec<Effect> {
    if id != model.survey.id {
        model.dirty = false;
        return Vec::new();
    }
    let before = std::mem::take(&mut model.survey.read);
    model.survey.read = read.over(before);
    model.survey.at = Some(model.now);
    page::read_beside(model);
    Vec::new()
}

fn wanted(model: &Model) -> Option<Wanted> {
    if model.session.phase != Phase::Up {
        return None;
    }
    let page = model.page.as_ref().filter(|page| page.tab == Tab::Queue && page.recorded.is_none())?;
    Some(of_page(model, page))
}

fn of_page(model: &Model, page: &PageModel) -> Wanted {
    let row = &page.job.row;
    let mut namespaces = scope(model);
    if !namespaces.contains(&row.namespace) {
        namespaces.push(row.namespace.clone());
    }
    let queue = row.queue.as_ref().and_then(|queue| Name::new(queue.as_str()));
    match queue.filter(|_| page.job.workload.is_some() || row.suspend) {
        Some(queue) => {
            Wanted { queues: true, line: Some((row.namespace.clone(), queue)), namespaces, ..Wanted::default() }
        }
        None => Wanted { nodes: true, pods: pods(model), namespaces, ..Wanted::default() },
    }
}

/// The namespaces in scope, else the context's own: where one may look if not everywhere.
fn scope(model: &Model) -> Vec<Name> {
    match &model.session.scope {
        Scope::Named(names) => names.clone(),
        Scope::All => model.namespace().into_iter().collect(),
    }
}

/// The fleet has the pods of all jobs only where all namespaces are in scope.
fn pods(model: &Model) -> Pods {
    if model.session.scope == Scope::All && model.session.narrowed.is_none() { Pods::Others } else { Pods::All }
}
