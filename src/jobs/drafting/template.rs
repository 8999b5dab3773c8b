//! Templates: manifests to begin with, ours and the user's.

use crate::jobs::manifest::text::Document;
use crate::jobs::{Clean, Kind};

/// Our own, in the order in which they are offered.
const OURS: [(&str, &str); 11] = [
    ("cpu-smoke", include_str!("../../../assets/templates/cpu-smoke.yaml")),
    ("horovod-pytorch", include_str!("../../../assets/templates/horovod-pytorch.yaml")),
    ("deepspeed-finetune", include_str!("../../../assets/templates/deepspeed-finetune.yaml")),
    ("nccl-test", include_str!("../../../assets/templates/nccl-test.yaml")),
    ("osu-bandwidth", include_str!("../../../assets/templates/osu-bandwidth.yaml")),
    ("intel-mpi", include_str!("../../../assets/templates/intel-mpi.yaml")),
    ("mpich", include_str!("../../../assets/templates/mpich.yaml")),
    ("volcano-gang", include_str!("../../../assets/templates/volcano-gang.yaml")),
    ("restricted", include_str!("../../../assets/templates/restricted.yaml")),
    ("trainjob", include_str!("../../../assets/templates/trainjob.yaml")),
    ("pytorchjob", include_str!("../../../assets/templates/pytorchjob.yaml")),
];

/// A manifest to begin with.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What it is called on the command line: the name of its file without `.yaml`.
    pub id: Clean,
    /// In a few words.
    pub title: Clean,
    /// What it is for, in a sentence; empty if nobody says.
    pub about: Clean,
    /// The kind of its first job, if that can be read.
    pub kind: Option<Kind>,
    /// What should be looked at before it is sent.
    pub fill: Vec<Fill>,
    /// The manifest, without the lines that tell about it.
    pub text: String,
}

/// A field that a template leaves to the person who uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// JSON pointer.
    pub at: String,
    /// What belongs there.
    pub what: Clean,
}

impl Template {
    /// Our own templates.
    pub fn list() -> Vec<Self> {
        OURS.iter().map(|(id, text)| Self::read(id, text)).collect()
    }

    /// Our own, with files of the user (name without `.yaml`, text) over them: one of the same name replaces ours, others
    /// come first.
    pub fn list_with(files: &[(String, String)]) -> Vec<Self> {
        let ours = Self::list();
        let is_ours = |name: &str| ours.iter().any(|template| template.id.as_str() == name);
        let mut all: Vec<Self> =
            files.iter().filter(|(name, _)| !is_ours(name)).map(|(name, text)| Self::read(name, text)).collect();
        all.extend(ours.iter().map(|ours| {
            let own = files.iter().find(|(name, _)| ours.id.as_str() == name);
            own.map_or_else(|| ours.clone(), |(name, text)| Self::read(name, text))
        }));
        all
    }

    /// Reads a template. Comments at its top may tell about it: `# template: TITLE`, `# about: SENTENCE`,
    /// `# fill: POINTER WORDS`.
    pub fn read(id: &str, text: &str) -> Self {
        let (mut title, mut about, mut fill) = (Clean::new(id), Clean::default(), Vec::new());
        let mut rest = text;
        while let Some((line, after)) = rest.split_once('\n') {
            let said = |word: &str| line.strip_prefix("# ")?.strip_prefix(word).map(str::trim);
            if let Some(text) = said("template:") {
                title = Clean::new(text);
            } else if let Some(text) = said("about:") {
                about = Clean::new(text);
            } else if let Some(text) = said("fill:") {
                let (at, what) = text.split_once(' ').unwrap_or((text, ""));
                fill.push(Fill { at: at.to_owned(), what: Clean::new(what) });
            } else {
                break;
            }
            rest = after;
        }
        let kind = Document::parse(rest).ok().and_then(|document| {
            let word = |at: &str| document.get(at).and_then(|value| value.as_str().map(str::to_owned));
            Kind::of(&word("/apiVersion")?, &word("/kind")?)
        });
        Self { id: Clean::new(id), title, about, kind, fill, text: rest.to_owned() }
    }
}
