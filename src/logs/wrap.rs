//! What tools put before a line when they save a log: `kubectl logs --prefix`, stern, the container runtime's own files.
//!
//! For logs that come from files. What a stream of the API server brings has nothing of the kind. Tags of ranks are for
//! [`super::tag`]; this stands outside of them.

use std::borrow::Cow;

use serde::Deserialize;

use super::{clean, line::Nanos};

/// A saved line without what its tool put before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unwrapped<'a> {
    /// The pod that wrote it, if the tool names one.
    pub(super) pod: Option<&'a str>,
    /// The line as its container wrote it.
    pub(super) text: Cow<'a, str>,
}

/// Docker's `json-file`: one object a line.
#[derive(Deserialize)]
struct Json {
    log: String,
}

/// Takes off whatever a tool put there; a line that has nothing stays as it is.
pub(super) fn unwrapped(text: &str) -> Unwrapped<'_> {
    if text.starts_with("{\"log\":")
        && let Ok(json) = serde_json::from_str::<Json>(text)
    {
        let line = clean::whole(json.log.trim_end_matches(['\r', '\n']).as_bytes(), false);
        return Unwrapped { pod: None, text: Cow::Owned(line.text.to_string()) };
    }
    let (pod, rest) = kubectl(text).or_else(|| stern(text)).map_or((None, text), |(pod, rest)| (Some(pod), rest));
    Unwrapped { pod, text: Cow::Borrowed(cri(without_time(rest, pod.is_some()))) }
}

/// `[pod/train-worker-1/main] text`.
fn kubectl(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix("[pod/")?.split_once("] ")?;
    let (pod, container) = inside.split_once('/')?;
    (is_name(pod) && is_name(container)).then_some((pod, rest))
}

/// `train-worker-1 main text` (also `train-worker-1 › main`): only where the first word is such a pod's name.
fn stern(text: &str) -> Option<(&str, &str)> {
    let (pod, rest) = text.split_once(' ')?;
    let (container, rest) = rest.trim_start_matches(['\u{203a}', ' ']).split_once(' ')?;
    (is_replica(pod) && is_name(container)).then_some((pod, rest))
}

/// A time that `--timestamps` put behind the prefix.
fn without_time(text: &str, prefixed: bool) -> &str {
    let timed = |(word, rest): (&str, _)| Nanos::parse(word).map(|_| rest);
    text.split_once(' ').filter(|_| prefixed).and_then(timed).unwrap_or(text)
}

/// `stderr F text` of the files under `/var/log/pods`, whose time has been read already.
fn cri(text: &str) -> &str {
    let rest = text.strip_prefix("stdout ").or_else(|| text.strip_prefix("stderr "));
    rest.and_then(|rest| rest.strip_prefix("F ").or_else(|| rest.strip_prefix("P "))).unwrap_or(text)
}

/// Whether this is a name as Kubernetes has them.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}

/// Whether a job's pod has such a name: `train-worker-3`, `train-launcher-x7k2p`, `train-node-0-1-abcde`.
fn is_replica(word: &str) -> bool {
    is_name(word) && ["-worker-", "-launcher-", "-master-", "-node-"].iter().any(|role| word.contains(role))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> (Option<&str>, String) {
        let Unwrapped { pod, text } = unwrapped(text);
        (pod, text.into_owned())
    }

    #[test]
    fn every_tool_has_its_form() {
        for (line, pod, text) in [
            ("[pod/t-worker-1/main] [rank3]: boom", Some("t-worker-1"), "[rank3]: boom"),
            ("[pod/t-worker-1/main] 2026-11-03T04:11:11.5Z boom", Some("t-worker-1"), "boom"),
            ("t-worker-1 main boom now", Some("t-worker-1"), "boom now"),
            ("t-worker-1 \u{203a} main boom", Some("t-worker-1"), "boom"),
            ("stderr F [1,3]<stderr>:boom", None, "[1,3]<stderr>:boom"),
            ("{\"log\":\"[1,0]<stdout>:hi \\\"x\\\"\\n\",\"stream\":\"stderr\"}", None, "[1,0]<stdout>:hi \"x\""),
        ] {
            assert_eq!(of(line), (pod, text.to_owned()), "{line}");
        }
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for line in [
            "",
            "[1,3]<stderr>:boom",
            "[pod/x] no container",
            "[pod/X/y] no name",
            "stdout is a file",
            "stderr Full",
            "{\"log\": 3}",
            "{\"loss\":1.5}",
            "worker main loop",
            "t-worker-1: text of pdsh",
            "2026-11-03T04:11:11.5Z boom",
        ] {
            assert_eq!(of(line), (None, line.to_owned()), "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_added_and_the_end_stays(text in "(\\[pod/|t-worker-1 |main |\\] |stderr F |\\{\"log\":|[a-zé \"]){0,12}") {
            let found = unwrapped(&text);
            let is_json = text.starts_with('{');
            prop_assert!(is_json || text.ends_with(&*found.text));
        }
    }
}
