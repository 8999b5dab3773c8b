//! The labels of a series: names and values in the order of names. An empty value is no label.

use std::sync::Arc;

use compact_str::CompactString;

/// The label that holds a metric's name.
pub(crate) const NAME: &str = "__name__";

/// Labels. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Labels(Arc<[(CompactString, CompactString)]>);

impl Labels {
    /// These labels, in any order. Of two with one name the later counts.
    pub(crate) fn new<'t>(pairs: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self::sorted(pairs.collect())
    }

    fn sorted(mut pairs: Vec<(CompactString, CompactString)>) -> Self {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.reverse();
        pairs.dedup_by(|later, first| later.0 == first.0);
        pairs.reverse();
        pairs.retain(|(_, value)| !value.is_empty());
        Self(pairs.into())
    }

    /// A label's value; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.binary_search_by(|(n, _)| n.as_str().cmp(name));
        found.ok().and_then(|at| self.0.get(at)).map_or("", |(_, value)| value.as_str())
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Those whose name is wanted.
    pub(crate) fn filtered(&self, wanted: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().all(|(name, _)| wanted(name)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|(name, _)| wanted(name)).cloned().collect())
    }

    /// Without the metric's name.
    pub(crate) fn nameless(&self) -> Self {
        self.filtered(|name| name != NAME)
    }

    /// With `name` set to `value`; an empty value takes it away.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let others = self.0.iter().filter(|(n, _)| n != name).cloned();
        Self::sorted(others.chain([(name.into(), value.into())]).collect())
    }

    /// As Prometheus writes a series: `up{job="a"}`.
    pub(crate) fn written(&self) -> String {
        let labels: Vec<String> =
            self.iter().filter(|(name, _)| *name != NAME).map(|(name, value)| format!("{name}={value:?}")).collect();
        format!("{}{{{}}}", self.get(NAME), labels.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_an_empty_value_is_none() {
        let labels = Labels::new([("pod", "a"), ("__name__", "up"), ("empty", ""), ("pod", "b")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("__name__", "up"), ("pod", "b")]);
        assert_eq!((labels.get("pod"), labels.get("none")), ("b", ""));
        assert_eq!(labels.nameless().with("a", "1").with("pod", ""), Labels::new([("a", "1")]));
        assert_eq!(labels.written(), r#"up{pod="b"}"#);
    }
}
