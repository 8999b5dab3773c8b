//! What can stand at a place of a manifest that is being written, by the schema of its kind.
//!
//! Works on lines and their indents, as the text under the cursor is hardly ever whole. Must not change it.

use crate::jobs::{
    Kind,
    manifest::text::joined,
    schema::{Field, Served, Shape},
};

/// What is at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// The kind of the manifest.
    pub kind: Kind,
    /// JSON pointer of the map that the line belongs to; items of lists are all `0`.
    pub parent: String,
    /// The key of the line, once its colon is there.
    pub key: Option<String>,
    /// What of the key or value is written before the cursor.
    pub typed: String,
}

/// Something that can be written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What comes in the place of what is typed.
    pub text: String,
    /// What it is for.
    pub about: String,
}

/// A line's own indent, and the column of what follows its dashes.
fn indents(line: &str) -> (usize, usize) {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let (mut at, mut rest) = (indent, &line[indent..]);
    while let Some(after) = rest.strip_prefix("- ") {
        let blanks = after.len() - after.trim_start_matches(' ').len();
        at += 2 + blanks;
        rest = &after[blanks..];
    }
    (indent, at)
}

fn key_of(line: &str) -> Option<&str> {
    let (_, at) = indents(line);
    let rest = &line[at..];
    let (key, after) = rest.split_once(':')?;
    let is_key =
        !key.is_empty() && !key.starts_with(['#', '"', '\'', '{', '[']) && (after.is_empty() || after.starts_with(' '));
    is_key.then_some(key.trim())
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// The kind of the document that a line belongs to.
fn kind_of(lines: &[String], row: usize) -> Option<Kind> {
    let is_end = |line: &String| line.starts_with("---");
    let from = lines[..row].iter().rposition(is_end).map_or(0, |at| at + 1);
    let to = lines[row..].iter().position(is_end).map_or(lines.len(), |at| row + at);
    let value = |key: &str| {
        let line = lines[from..to].iter().find_map(|line| line.strip_prefix(key))?;
        Some(line.split(" #").next()?.trim().trim_matches(['"', '\'']))
    };
    Kind::of(value("apiVersion:")?, value("kind:")?)
}

/// The path of the map that keys at this column of this row belong to.
fn parent_of(lines: &[String], row: usize, column: usize) -> String {
    let mut steps = Vec::new();
    // A dash before the key on its own line begins an item.
    let (indent, at) = indents(&lines[row]);
    let mut column = column;
    if at == column && indent < at {
        steps.push("0".to_owned());
        column = indent;
    }
    for line in lines[..row].iter().rev().take_while(|line| !line.starts_with("---")).filter(|line| !is_blank(line)) {
        let (indent, at) = indents(line);
        let is_list = steps.last().is_some_and(|step| step == "0");
        if at > indent && indent < column && at >= column && !is_list {
            // The first key of the item that we are in, or a value beside the dash.
            if at == column {
                steps.push("0".to_owned());
                column = indent;
            }
        } else if at < column || (is_list && at <= column) {
            let Some(key) = key_of(line) else { continue };
            steps.push(key.to_owned());
            column = at;
            if indent < at {
                steps.push("0".to_owned());
                column = indent;
            }
        }
        if column == 0 && steps.last().is_none_or(|step| step != "0") {
            break;
        }
    }
    steps.iter().rev().fold(String::new(), |pointer, step| joined(&pointer, step))
}

/// What is at a place; `None` in a document of no kind that we know.
pub fn here(lines: &[String], row: usize, col: usize) -> Option<Here> {
    let kind = kind_of(lines, row)?;
    let line = lines.get(row)?;
    let before: String = line.chars().take(col).collect();
    let (_, at) = indents(&before);
    let column = if before.trim().is_empty() { col } else { at };
    let parent = parent_of(lines, row, column);
    let written = &before[at.min(before.len())..];
    Some(match written.split_once(": ").or_else(|| written.strip_suffix(':').map(|key| (key, ""))) {
        Some((key, value)) => {
            Here { kind, parent, key: Some(key.trim().to_owned()), typed: value.trim_start().to_owned() }
        }
        None => Here { kind, parent, key: None, typed: written.to_owned() },
    })
}

impl Here {
    /// The path of what the line is about, its key taken from `line` where the cursor is in it.
    pub fn path(&self, line: &str) -> String {
        let key = self.key.clone().or_else(|| key_of(line).map(str::to_owned));
        key.map_or_else(|| self.parent.clone(), |key| joined(&self.parent, &key))
    }

    /// What can be written, those that begin with what is typed first: by the schema as a cluster serves it, where that is
    /// known.
    pub fn offers(&self, served: Option<&Served>) -> Vec<Offer> {
        let typed = self.typed.to_lowercase();
        let mut all = match &self.key {
            Some(key) => self.words(&joined(&self.parent, key), served),
            None => self.keys(served),
        };
        all.retain(|offer: &Offer| offer.text.to_lowercase().contains(&typed));
        all.sort_by_key(|offer| !offer.text.to_lowercase().starts_with(&typed));
        all
    }

    fn words(&self, at: &str, served: Option<&Served>) -> Vec<Offer> {
        let of = |root: Shape<'_>| root.words(at).into_iter().map(value).collect::<Vec<_>>();
        let theirs = served.and_then(Served::shape).map(of).filter(|words| !words.is_empty());
        theirs.or_else(|| Shape::of(self.kind).map(of)).unwrap_or_default()
    }

    fn keys(&self, served: Option<&Served>) -> Vec<Offer> {
        let own = fields(Shape::of(self.kind), &self.parent);
        let theirs = fields(served.and_then(Served::shape), &self.parent);
        let offer = |field: &Field<'_>| {
            let blank = if matches!(field.kind, "object" | "array") { "" } else { " " };
            let must = if field.required { "required; " } else { "" };
            // Many a definition is installed without its descriptions.
            let ours = || own.iter().find(|known| known.name == field.name).map_or("", |known| known.description);
            let about = if field.description.is_empty() { ours() } else { field.description };
            Offer { text: format!("{}:{blank}", field.name), about: format!("{must}{}", first_sentence(about)) }
        };
        let all = if theirs.is_empty() { &own } else { &theirs };
        all.iter().map(offer).collect()
    }
}

fn fields<'a>(root: Option<Shape<'a>>, parent: &str) -> Vec<Field<'a>> {
    root.and_then(|root| root.at(parent)).map(Shape::fields).unwrap_or_default()
}

fn value(word: &str) -> Offer {
    Offer { text: word.to_owned(), about: String::new() }
}

fn first_sentence(text: &str) -> &str {
    text.split(". ").next().unwrap_or(text).lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "\
apiVersion: kubeflow.org/v2beta1
kind: MPIJob
metadata:
  name: a
spec:
  runPolicy:
    cleanPodPolicy: 
  mpiReplicaSpecs:
    Worker:
      template:
        spec:
          containers:
          - name: w
            env:
              - name: A
                va
            ima
      re";

    fn at(row: usize, col: usize) -> Here {
        let lines: Vec<_> = JOB.split('\n').map(str::to_owned).collect();
        here(&lines, row, col).expect("a kind")
    }

    fn end_of(text: &str) -> Here {
        let row = JOB.split('\n').position(|line| line.trim_start() == text).expect(text);
        at(row, JOB.split('\n').nth(row).expect(text).chars().count())
    }

    #[test]
    fn the_path_is_that_of_the_indents() {
        let worker = "/spec/mpiReplicaSpecs/Worker";
        let container = format!("{worker}/template/spec/containers/0");
        for (text, parent, key, typed) in [
            ("name: a", "/metadata".to_owned(), Some("name"), "a"),
            ("cleanPodPolicy: ", "/spec/runPolicy".to_owned(), Some("cleanPodPolicy"), ""),
            ("- name: w", container.clone(), Some("name"), "w"),
            ("va", format!("{container}/env/0"), None, "va"),
            ("ima", container, None, "ima"),
            ("re", worker.to_owned(), None, "re"),
        ] {
            let here = end_of(text);
            assert_eq!((here.parent, here.key.as_deref(), here.typed.as_str()), (parent, key, typed), "{text}");
        }
    }

    #[test]
    fn keys_and_words_are_offered() {
        let first = |here: &Here| here.offers(None).first().map(|offer| offer.text.clone());
        assert_eq!(first(&end_of("ima")), Some("image: ".to_owned()));
        let words: Vec<_> = end_of("cleanPodPolicy: ").offers(None).into_iter().map(|offer| offer.text).collect();
        assert!(words.contains(&"Running".to_owned()), "{words:?}");
        let keys: Vec<_> = end_of("re").offers(None).into_iter().map(|offer| offer.text).collect();
        assert!(keys.starts_with(&["replicas: ".to_owned(), "restartPolicy: ".to_owned()]), "{keys:?}");
    }

    #[test]
    fn another_document_is_another_kind() {
        let text = "kind: ConfigMap\n---\napiVersion: kubeflow.org/v1\nkind: PyTorchJob\nspec:\n  ";
        let lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
        assert_eq!(
            here(&lines, 5, 2).map(|here| (here.kind, here.parent)),
            Some((Kind::PyTorchJob, "/spec".to_owned()))
        );
        assert_eq!(here(&lines, 0, 2), None);
    }
}
