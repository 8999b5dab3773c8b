//! Tab Configuration as lines: YAML with roles.

use crate::{
    console::{theme::Role, widgets::rich::RichLine},
    jobs::manifest::{self, YamlLine},
};

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

const fn role_of(role: manifest::Role) -> Role {
    match role {
        manifest::Role::Key => Role::YamlKey,
        manifest::Role::Text => Role::YamlString,
        manifest::Role::Number => Role::YamlNumber,
        manifest::Role::Marker => Role::Dim,
        manifest::Role::Comment => Role::YamlComment,
    }
}
