//! Who wrote a line of a launcher's log: the tags that launchers put before what their ranks write.
//!
//! Owns their forms (Open MPI 3 to 5, Horovod, Hydra, torchrun, `PyTorch`, NCCL). A tag is read from the line's own text
//! alone, in one pass over its first bytes. Which worker a rank is, is not for here. Must not alter a line.

/// Bytes in which a tag must be complete.
const LONGEST: usize = 320;
/// Ranks that a form which could as well be text may name, when nobody says how many there are.
const PLAUSIBLE: u32 = 1024;
/// Tags that may stand before one another: mpirun's, torchrun's, `PyTorch`'s.
const NESTED: usize = 3;

/// What a rank wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Its output.
    Out,
    /// Its errors.
    Err,
    /// What its MPI library says of itself.
    Diag,
}

impl Stream {
    /// `stdout`, `stderr`, `stddiag`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Out => "stdout",
            Self::Err => "stderr",
            Self::Diag => "stddiag",
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"stdout" => Some(Self::Out),
            b"stderr" => Some(Self::Err),
            b"stddiag" => Some(Self::Diag),
            _ => None,
        }
    }
}

/// What a line says of its writer. All parts are of the line's own text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The rank in the whole job.
    pub rank: Option<u32>,
    /// The rank among those of its node (torchrun's number, NCCL's device).
    pub local: Option<u32>,
    /// Which stream it came from.
    pub stream: Option<Stream>,
    /// The host it ran on.
    pub host: Option<&'a str>,
    /// Bytes of the line that are its tag: the text proper begins after them.
    pub len: usize,
    /// The form is one that plain text has, too (`[3] …`): whoever saw another form in the same log disregards it.
    pub weak: bool,
}

impl<'a> Tag<'a> {
    /// Reads the tag of a line without its time; `ranks` is how many ranks there are, if that is known.
    ///
    /// Without one, everything is `None` and `len` is 0.
    pub fn of(text: &'a str, ranks: Option<u32>) -> Self {
        let mut tag = pdsh(text).unwrap_or_default();
        for nth in 0..NESTED {
            let Some(part) = part(&text[tag.len..], ranks, nth == 0) else { break };
            // The inner one is nearer to the program, and PyTorch's number is the global one.
            tag = Self {
                rank: part.rank.or(tag.rank),
                local: part.local.or(tag.local),
                stream: tag.stream.or(part.stream),
                host: part.host.or(tag.host),
                len: tag.len + part.len,
                weak: part.weak,
            };
            if part.weak {
                break;
            }
        }
        if let Some((host, device)) = nccl(&text[tag.len..]) {
            tag.host = Some(host);
            tag.local = tag.local.or(Some(device));
        }
        tag
    }

    /// The text proper of the line that it was read from.
    pub fn body(self, text: &str) -> &str {
        text.get(self.len..).unwrap_or_default()
    }
}

/// `train-worker-1: ` as pdsh puts it before what a host writes: the name of a pod, since other words stand before colons,
/// too.
fn pdsh(text: &str) -> Option<Tag<'_>> {
    const ROLES: [&str; 4] = ["worker", "launcher", "master", "node"];
    let end = text.bytes().take(LONGEST).position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')))?;
    let (host, rest) = text.split_at(end);
    let name = host.split('.').next().unwrap_or(host);
    let is_pod = name.rsplit_once('-').is_some_and(|(before, nth)| {
        number(nth).is_some()
            && ROLES.iter().any(|role| before.strip_suffix(role).is_some_and(|job| job.ends_with('-')))
    });
    let blank = rest.strip_prefix(':').filter(|said| said.is_empty() || said.starts_with(' '))?;
    let len = end + 1 + usize::from(blank.starts_with(' '));
    is_pod.then(|| Tag { host: Some(host), len, ..Tag::default() })
}

/// One tag at the beginning of `text`.
fn part(text: &str, ranks: Option<u32>, weak: bool) -> Option<Tag<'_>> {
    let date = date_len(text.as_bytes());
    let (inside, after) = bracket(&text[date..])?;
    let at = date + inside.len() + 2;
    let tag = if let Some(rank) = number(inside) {
        if let Some((stream, len)) = stream(after) {
            Tag { rank: Some(rank), stream: Some(stream), len: at + len, ..Tag::default() }
        } else {
            let is_one = weak && date == 0 && rank < ranks.unwrap_or(PLAUSIBLE) && is_prefixed(after);
            return is_one.then_some(Tag { rank: Some(rank), len: at + 1, weak: true, ..Tag::default() });
        }
    } else if let Some((job, rank)) = inside.rsplit_once(',') {
        let rank = number(rank).filter(|_| !job.is_empty() && !job.contains([' ', ',', '"', '\'']))?;
        let detail = bracket(after).and_then(|(place, rest)| Some((place.rsplit_once(':')?.0, place.len() + 2, rest)));
        let (host, skip, after) = detail.map_or((None, 0, after), |(host, len, rest)| (Some(host), len, rest));
        let (stream, len) = stream(after)?;
        Tag { rank: Some(rank), stream: Some(stream), host, len: at + skip + len, ..Tag::default() }
    } else {
        named(inside, after, at)?
    };
    let rest = &text[tag.len..];
    // A blank after the tag belongs to it; more of them are the text's own indentation.
    let blank = usize::from(rest.starts_with(' ') && !rest.starts_with("  "));
    Some(Tag { len: tag.len + blank, ..tag })
}

/// `[default3]:` of torchrun, `[rank3]:` and `[Rank 3]` of `PyTorch`.
fn named(inside: &str, after: &str, at: usize) -> Option<Tag<'static>> {
    let digits = inside.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (word, digits) = inside.split_at(inside.len() - digits);
    let n = number(digits)?;
    let colon = usize::from(after.starts_with(':'));
    match word {
        "rank" if colon == 1 => Some(Tag { rank: Some(n), len: at + 1, ..Tag::default() }),
        "Rank " | "rank " | "RANK " if colon == 1 || after.starts_with(' ') => {
            Some(Tag { rank: Some(n), len: at + colon, ..Tag::default() })
        }
        "default" | "trainer" | "worker" if colon == 1 => Some(Tag { local: Some(n), len: at + 1, ..Tag::default() }),
        _ => None,
    }
}

/// What is in the brackets at the beginning, and what follows them.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('[')?;
    let end = inner.bytes().take(LONGEST).position(|b| b == b']')?;
    Some((&inner[..end], &inner[end + 1..]))
}

/// `<stdout>:`, and how long it is.
fn stream(text: &str) -> Option<(Stream, usize)> {
    let inner = text.strip_prefix('<')?;
    let end = inner.bytes().take(8).position(|b| b == b'>')?;
    let stream = Stream::named(&inner.as_bytes()[..end])?;
    inner[end + 1..].starts_with(':').then_some((stream, end + 3))
}

/// Whether this follows a bare `[3]` that is a tag: a blank and text, but not the shell's word on a job (`[1] 4242`).
fn is_prefixed(after: &str) -> bool {
    let Some(text) = after.strip_prefix(' ') else { return false };
    text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit())
}

/// A number as ranks are written: up to seven digits, no sign, no leading zero.
fn number(text: &str) -> Option<u32> {
    let plain = matches!(text.len(), 1..=7) && text.bytes().all(|b| b.is_ascii_digit());
    (plain && (text.len() == 1 || !text.starts_with('0'))).then(|| text.parse().ok())?
}

/// The length of `Wed Dec  8 02:01:36 2021` at the beginning, with a blank that may follow; else 0.
fn date_len(text: &[u8]) -> usize {
    const SHAPE: &[u8; 24] = b"Aaa Aaa _9 99:99:99 9999";
    let fits = |(b, shape): (&u8, &u8)| match shape {
        b'A' => b.is_ascii_uppercase(),
        b'a' => b.is_ascii_lowercase(),
        b'9' => b.is_ascii_digit(),
        b'_' => *b == b' ' || b.is_ascii_digit(),
        other => b == other,
    };
    if text.len() <= SHAPE.len() || !text.iter().zip(SHAPE).all(fits) {
        return 0;
    }
    SHAPE.len() + usize::from(text[SHAPE.len()] == b' ')
}

/// Host and device of `host:pid:tid [device] NCCL INFO …`; newer ones put a time before and a place before `NCCL`.
fn nccl(text: &str) -> Option<(&str, u32)> {
    let text = match bracket(text) {
        Some((time, rest)) if time.starts_with("20") => rest.trim_start_matches(' '),
        _ => text,
    };
    let word = text.bytes().take(LONGEST).position(|b| b == b' ')?;
    let (place, rest) = (&text[..word], &text[word + 1..]);
    let mut parts = place.rsplitn(3, ':');
    let (thread, process, host) = (parts.next()?, parts.next()?, parts.next()?);
    let (device, after) = bracket(rest)?;
    let is_one = !host.is_empty() && number(thread).is_some() && number(process).is_some();
    let says = after.strip_prefix(' ').is_some_and(|said| said.starts_with("NCCL ") || after_place(said));
    (is_one && says).then(|| Some((host, number(device)?)))?
}

/// Whether this is `init.cc:1234 NCCL …`.
fn after_place(text: &str) -> bool {
    let end = text.bytes().take(120).position(|b| b == b' ');
    end.is_some_and(|end| text[..end].contains(':') && text[end..].starts_with(" NCCL "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> (Option<u32>, Option<u32>, Option<&'static str>, Option<&str>, &str) {
        let tag = Tag::of(text, None);
        (tag.rank, tag.local, tag.stream.map(Stream::name), tag.host, tag.body(text))
    }

    #[test]
    fn every_launcher_has_its_form() {
        let out = Some("stdout");
        for (line, found) in [
            // Open MPI 3 and 4, with and without time
            ("[1,3]<stdout>:step 5", (Some(3), None, out, None, "step 5")),
            ("[1,0]<stderr>:  File \"x.py\"", (Some(0), None, Some("stderr"), None, "  File \"x.py\"")),
            ("[1,12]<stddiag>:[n1:7] x", (Some(12), None, Some("stddiag"), None, "[n1:7] x")),
            ("Wed Dec  8 02:01:36 2021[1,2]<stdout>:hi", (Some(2), None, out, None, "hi")),
            // Open MPI 5: tag, tag-detailed, tag-fullname, rank
            ("[prterun-train-launcher-1@1,3]<stdout>: hi", (Some(3), None, out, None, "hi")),
            ("[1,3][train-worker-1:77]<stdout>: hi", (Some(3), None, out, Some("train-worker-1"), "hi")),
            ("[7]<stdout>: hi", (Some(7), None, out, None, "hi")),
            // Horovod over gloo
            ("Wed Dec 18 02:01:36 2021[1]<stdout>:hi", (Some(1), None, out, None, "hi")),
            // pdsh, as DeepSpeed launches
            ("t-worker-1: [rank11]: boom", (Some(11), None, None, Some("t-worker-1"), "boom")),
            ("t-worker-1.t.ml.svc: step 5", (None, None, None, Some("t-worker-1.t.ml.svc"), "step 5")),
            ("worker-1: step 5", (None, None, None, None, "worker-1: step 5")),
            ("t-worker-x: step 5", (None, None, None, None, "t-worker-x: step 5")),
            ("gpt-2: 1.5B weights", (None, None, None, None, "gpt-2: 1.5B weights")),
            ("t-worker-1:step 5", (None, None, None, None, "t-worker-1:step 5")),
            // Hydra -l, Intel's -prepend-rank
            ("[3] hello from 3", (Some(3), None, None, None, "hello from 3")),
            (
                "[0] MPI startup(): Intel(R) MPI Library",
                (Some(0), None, None, None, "MPI startup(): Intel(R) MPI Library"),
            ),
            // torchrun and PyTorch
            ("[default3]:loss 1", (None, Some(3), None, None, "loss 1")),
            ("[rank2]: Traceback (most", (Some(2), None, None, None, "Traceback (most")),
            ("[rank2]:   File \"x\"", (Some(2), None, None, None, "   File \"x\"")),
            ("[default1]:[rank9]: x", (Some(9), Some(1), None, None, "x")),
            ("[Rank 4] Watchdog caught", (Some(4), None, None, None, "Watchdog caught")),
            (
                "[rank0]:[E ProcessGroupNCCL.cpp:616] [Rank 0] Watchdog",
                (Some(0), None, None, None, "[E ProcessGroupNCCL.cpp:616] [Rank 0] Watchdog"),
            ),
            // NCCL names host and device, and stays in the text
            (
                "gpu-7:120:131 [5] NCCL INFO Init",
                (None, Some(5), None, Some("gpu-7"), "gpu-7:120:131 [5] NCCL INFO Init"),
            ),
            (
                "[1,3]<stderr>:w-1:1:2 [0] NCCL WARN x",
                (Some(3), Some(0), Some("stderr"), Some("w-1"), "w-1:1:2 [0] NCCL WARN x"),
            ),
            (
                "[2026-11-22 02:01:36] w-1:1:2 [4] init.cc:99 NCCL WARN x",
                (None, Some(4), None, Some("w-1"), "[2026-11-22 02:01:36] w-1:1:2 [4] init.cc:99 NCCL WARN x"),
            ),
        ] {
            assert_eq!(of(line), found, "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_a_tag_is_text() {
        for line in [
            "[2024-05-01 10:00:00,123] [INFO] start",
            "[INFO] rank 3 ready",
            "[1/100] epoch",
            "[1,3] is a list",
            "[1, 3]<stdout>:x",
            "[1,3]<stdin>:x",
            "[1,3]<stdout> x",
            "[,3]<stdout>:x",
            "[50%] done",
            "[3]",
            "[3]text",
            "[1] 4242",
            "[1]+  Done   sleep 5",
            "[2048] tokens",
            "[03] x",
            "[99999999999999999999] x",
            "[epoch3]: x",
            "[rank3] no colon",
            "[rank]: x",
            "[proxy:0:1@host] x",
            "[n1:7] *** Process received signal ***",
            "Wed Dec  8 02:01:36 2021 all is well",
            "Wed Dec  8 02:01:36 2021[1] no stream",
            "a:b:c [0] NCCL INFO no numbers",
            "gpu-7:120:131 [5] no library",
            "[",
            "[1,",
            "",
            "日本[1,3]<stdout>:x",
        ] {
            assert_eq!(of(line), (None, None, None, None, line), "{line}");
        }
    }

    #[test]
    fn a_number_in_brackets_is_a_rank_only_if_there_is_such_a_rank() {
        assert_eq!(Tag::of("[7] x", Some(8)).rank, Some(7));
        assert_eq!(Tag::of("[8] x", Some(8)), Tag::default());
        assert!(Tag::of("[7] x", None).weak && !Tag::of("[7]<stdout>:x", None).weak);
        assert_eq!(Tag::of("[1,2]<stdout>:[7] x", None).len, "[1,2]<stdout>:".len(), "not behind a sure one");
    }

    proptest! {
        #[test]
        fn any_text_has_a_tag_of_its_own_or_none(text in "(\\[|\\]|<stdout>:|<stderr>|,|:| |rank|default|NCCL|[0-9]|[a-zé]|Wed Dec  8 02:01:36 2021){0,24}") {
            let tag = Tag::of(&text, None);
            prop_assert!(text.is_char_boundary(tag.len));
            prop_assert!(tag.len > 0 || (tag.rank.is_none() && tag.stream.is_none()));
            prop_assert!(tag.rank.is_none_or(|rank| rank < 10_000_000));
        }

        #[test]
        fn every_tag_that_a_launcher_writes_is_read_back(
            job in "[1-9][0-9]{0,4}|prterun-[a-z-]{1,20}@[0-9]{1,3}", rank in 0u32..5000, timed: bool,
            stream in proptest::sample::select(vec![Stream::Out, Stream::Err, Stream::Diag]), text in "[^ \\[].{0,40}",
        ) {
            let date = if timed { "Thu Jan 12 23:59:01 2023" } else { "" };
            let line = format!("{date}[{job},{rank}]<{}>:{text}", stream.name());
            let tag = Tag::of(&line, None);
            prop_assert_eq!((tag.rank, tag.stream, tag.body(&line)), (Some(rank), Some(stream), text.as_str()));
        }
    }

    #[test]
    fn long_lines_of_half_tags_have_none() {
        for line in ["[".repeat(1 << 20), "[1,".repeat(1 << 18), "a:".repeat(1 << 19), "[rank".repeat(1 << 18)] {
            assert_eq!(Tag::of(&line, None), Tag::default());
        }
    }
}
