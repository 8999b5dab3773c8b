//! What is read beside the fleet follows from what is visible.

use super::{cluster, page};
use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            page::{PageModel, Tab},
            session::Phase,
            survey::{Line, Survey, SurveyEffect, SurveyId, Told, Wanted},
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
        (survey.session, survey.read, survey.work) = (session, Survey::default(), None);
    }
    survey.at = None;
    let order = Effect::Survey(SurveyEffect::Read(survey.id, session, wanted));
    cluster::rebuild(model);
    vec![order]
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
    cluster::rebuild(model);
    Vec::new()
}

/// It was told how busy accelerators are. What was known stays where it could not be had for once.
pub fn worked(model: &mut Model, id: SurveyId, told: Told) -> Vec<Effect> {
    let is_known = model.survey.work.as_ref().is_some_and(|before| before.work.is_ok());
    if id != model.survey.id || (is_known && told.work.is_err()) {
        model.dirty = false;
        return Vec::new();
    }
    model.survey.work = Some(told);
    cluster::rebuild(model);
    Vec::new()
}

fn wanted(model: &Model) -> Option<Wanted> {
    if model.session.phase != Phase::Up {
        return None;
    }
    match (&model.page, &model.cluster) {
        (Some(page), _) => (page.tab == Tab::Queue && page.recorded.is_none()).then(|| of_page(model, page)),
        (None, Some(view)) => Some(cluster::wanted(model, view)),
        (None, None) => None,
    }
}

fn of_page(model: &Model, page: &PageModel) -> Wanted {
    let row = &page.job.row;
    let mut namespaces = model.places();
    if !namespaces.contains(&row.namespace) {
        namespaces.push(row.namespace.clone());
    }
    let gangs = Some(row.namespace.clone());
    let queue = row.queue.as_ref().and_then(|queue| Name::new(queue.as_str()));
    match queue.filter(|_| page.job.workload.is_some() || row.suspend) {
        Some(queue) => Wanted {
            queues: true,
            line: Some(Line::Local(row.namespace.clone(), queue)),
            gangs,
            namespaces,
            ..Wanted::default()
        },
        None => Wanted { nodes: true, pods: model.pods_beside(), gangs, namespaces, ..Wanted::default() },
    }
}
