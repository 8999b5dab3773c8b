//! Tab Configuration as lines: YAML with roles.

use crate::{
    console::{
        commands::{AppCommand, CommandId, DraftCommand, PageCommand},
        model::{
            Model,
            page::{ConfigModel, config::Form},
        },
        theme::Role,
        widgets::rich::RichLine,
    },
    jobs::manifest::{self, Env, YamlLine},
};

/// The line above the manifest: which forms there are, and the keys for what can be done with them.
pub fn summary(model: &Model, config: &ConfigModel) -> RichLine {
    let contexts = model.view_contexts();
    let line = Form::ALL.into_iter().fold(RichLine::default(), |line, form| {
        let role = if form == config.form { Role::Selected } else { Role::Dim };
        line.and(form.title(), role).and("  ", Role::Text)
    });
    let env = if config.env == Env::Masked { "show env" } else { "hide env" };
    let keys = [
        (CommandId::Page(PageCommand::Form), "next form"),
        (CommandId::Page(PageCommand::Reveal), env),
        (CommandId::App(AppCommand::Copy), "copy"),
        (CommandId::Page(PageCommand::SaveManifest), "save"),
        (CommandId::Draft(DraftCommand::Edit), "edit"),
    ];
    keys.into_iter().fold(line, |line, (id, words)| match model.keys.map.key_in(&contexts, id) {
        Some(key) => line.and(format!("  {key}"), Role::Key).and(format!(" {words}"), Role::Dim),
        None => line,
    })
}

/// The lines of a manifest.
pub fn lines(yaml: &[YamlLine]) -> Vec<RichLine> {
    yaml.iter().map(line).collect()
}

fn line(yaml: &YamlLine) -> RichLine {
    let text = yaml.text.as_str();
    let mut out = RichLine::default();
    let mut at = 0;
    for (range, role) in &yaml.spans {
        let (start, end) = (range.start as usize, range.end as usize);
        out = out.and(&text[at..start], Role::Text).and(&text[start..end], role_of(*role));
        at = end;
    }
    out.and(&text[at..], Role::Text)
}

/// Which role of the theme a part of YAML has.
pub const fn role_of(role: manifest::Role) -> Role {
    match role {
        manifest::Role::Key => Role::YamlKey,
        manifest::Role::Text => Role::YamlString,
        manifest::Role::Number => Role::YamlNumber,
        manifest::Role::Marker => Role::Dim,
        manifest::Role::Comment => Role::YamlComment,
    }
}
