//! The host that MPI libraries put before what they say.
//!
//! Owns their forms; launchers' tags of ranks are taken off before. Must not alter the text proper.

/// The host, and the text proper: `[host:pid] ` of Open MPI is taken off it,
/// `[proxy:0:1@host] ` of Hydra and `[time] [host:pid:tid] ` of UCX stay.
pub(super) fn by(text: &str) -> (Option<&str>, &str) {
    let is_host = |host: &&str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        host.bytes().all(known) && host.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let Some((inside, rest)) = bracketed(text) else { return (None, text) };
    if let Some(host) = inside.strip_prefix("proxy:").and_then(|of| of.split_once('@')).map(|(_, host)| host) {
        return (Some(host).filter(is_host), text);
    }
    let is_time = !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let (inside, rest) = if is_time { bracketed(rest).unwrap_or(("", text)) } else { (inside, rest) };
    let Some((host, numbers)) = inside.split_once(':').filter(|(host, _)| is_host(host)) else { return (None, text) };
    match numbers.split(':').map(str::trim).all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
        true if numbers.matches(':').count() > 1 || is_time => (Some(host), text),
        true if !numbers.contains(':') => (Some(host), rest),
        // `[2026-10-19T14:03:01]` is a time.
        _ => (None, text),
    }
}

/// What is in the brackets at the beginning, and what stands after them and a blank.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('[')?.split_once("] ")
}

#[cfg(test)]
mod tests {
    use super::by;

    #[test]
    fn every_library_has_its_form() {
        for (line, host, text) in [
            ("[w-0:00031] Signal: x", Some("w-0"), "Signal: x"),
            ("[proxy:0:1@t-worker-1] y", Some("t-worker-1"), "[proxy:0:1@t-worker-1] y"),
            ("[1760882400.1] [w-2:44  :0] ib.c:3 UCX", Some("w-2"), "[1760882400.1] [w-2:44  :0] ib.c:3 UCX"),
            ("[w-3:44:0:44] log.c:1 x", Some("w-3"), "[w-3:44:0:44] log.c:1 x"),
        ] {
            assert_eq!(by(line), (host, text), "{line}");
        }
    }

    #[test]
    fn other_brackets_are_text() {
        for line in [
            "[mpiexec@l] x",
            "[12:30:01] x",
            "[2026-10-19T14:03:01] x",
            "[INFO] a",
            "[a:b] c",
            "[1.5] x",
            "[",
            "[1.5] [2] x",
            "[x:] y",
            "",
        ] {
            assert_eq!(by(line), (None, line), "{line}");
        }
    }
}
