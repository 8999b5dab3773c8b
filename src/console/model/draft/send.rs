//! The last page before a draft is sent: the objects that would be made, and what came of sending them.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    changes::Subject,
    console::model::change::ChangeId,
    jobs::{Clean, Name, manifest::text::Document},
};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SendModel {
    /// What would be made, in the order of the text.
    pub objects: Vec<Object>,
    /// Where what names no namespace goes.
    pub namespace: Option<Name>,
    /// What was sent and is not answered yet.
    pub sent: Option<ChangeId>,
    /// What came of it, if it was not made: a line for each object.
    pub failed: Vec<Failure>,
    /// It is to be sent as soon as the cluster has answered, unless somebody would refuse it.
    pub pressed: bool,
    /// First line in view.
    pub top: usize,
}

/// One object to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its identity.
    pub subject: Subject,
    /// The object.
    pub value: Arc<Value>,
}

/// Why something was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened and why.
    pub what: Clean,
    /// What to do.
    pub hint: Clean,
}

impl SendModel {
    /// Reads what a text would make; why nothing can be made of it.
    pub fn of(text: &str, namespace: Option<Name>) -> Result<Self, String> {
        let documents = Document::all(text).map_err(|error| error.to_string())?;
        let fallback = namespace.clone().unwrap_or_else(|| Name::lossy("default"));
        let object = |document: &Document| {
            let value = document.value();
            let subject = Subject::of_manifest(&value, &fallback);
            let subject = subject.ok_or("apiVersion, kind and metadata.name are needed, each a plain text")?;
            Ok(Object { subject, value: Arc::new(value) })
        };
        let objects = documents.iter().map(object).collect::<Result<Vec<_>, String>>()?;
        if objects.is_empty() {
            return Err("there is nothing in it".to_owned());
        }
        Ok(Self { objects, namespace, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_an_object_with_a_name() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: x}\n---\napiVersion: kubeflow.org/v2beta1\nkind: MPIJob\nmetadata:\n  name: b\n";
        let send = SendModel::of(text, Name::new("team")).expect("two objects");
        let names: Vec<_> = send.objects.iter().map(|object| object.subject.to_string()).collect();
        assert_eq!(names, ["ConfigMap x/a", "MPIJob team/b"]);
        assert!(SendModel::of("kind: MPIJob\n", None).is_err_and(|why| why.contains("metadata.name")));
        assert!(SendModel::of("# nothing\n", None).is_err_and(|why| why.contains("nothing")));
        assert!(SendModel::of("a: [\n", None).is_err_and(|why| why.starts_with("line ")));
    }
}
