//! From start to end: whatever happens, the terminal is as it was, and no process remains.

use std::time::Duration;

use rustix::process::Signal;

use super::{Pty, kill, now};

/// What the screen shows once it is up.
const UP: &str = "no training jobs";

/// A shell line that runs `program` between two looks at the terminal's settings and says whether they are equal.
fn around(program: &str) -> String {
    format!(
        "before=$(stty -a); {program}; code=$?; after=$(stty -a); \
         [ \"$before\" = \"$after\" ] && echo tty-same || echo tty-differs; echo code=$code; read -r _"
    )
}

fn started() -> Pty {
    let pty = Pty::sh(&around("$MPIDECK demo --fleet empty"));
    pty.wait_for(UP);
    assert!(pty.is_full_screen());
    pty
}

fn given_back(pty: &mut Pty, code: &str) {
    pty.wait_for(code);
    pty.wait_for("tty-same");
    assert!(!pty.is_full_screen(), "the alternate screen was left on");
    let bytes = String::from_utf8_lossy(&pty.bytes()).into_owned();
    for (on, off) in [("\x1b[?2004h", "\x1b[?2004l"), ("\x1b[?25l", "\x1b[?25h"), ("\x1b[?2026h", "\x1b[?2026l")] {
        assert!(bytes.rfind(on) < bytes.rfind(off), "{on:?} was left on");
    }
    pty.keys("\r");
    pty.ended();
    assert_eq!(pty.litter(), Vec::<String>::new(), "files remain");
}

/// The process that owns the screen: the child of the shell.
pub(super) fn inner(pty: &Pty) -> u32 {
    let children = format!("/proc/{0}/task/{0}/children", pty.pid());
    let text = std::fs::read_to_string(children).expect("the shell's children");
    text.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("one child")
}

/// Asserts that a process goes, and soon. The time allowed is for a machine with much else to do.
fn goes_soon(pty: &Pty, pid: u32) {
    let begun = now();
    pty.wait("the program's end", || !is_running(pid));
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
}

/// Not gone, and not waiting for its parent to notice that it is.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

#[test]
fn leaves_by_a_key() {
    let mut pty = started();
    pty.keys("?");
    pty.wait_for("Job list");
    pty.keys("q");
    pty.wait("the help to close", || !pty.screen().contains("Job list"));
    pty.keys("\u{3}");
    given_back(&mut pty, "code=0");
}

#[test]
fn ends_on_term_and_int_with_their_codes() {
    for (signal, code) in [(Signal::TERM, "code=143"), (Signal::INT, "code=130")] {
        let mut pty = started();
        let program = inner(&pty);
        kill(program, signal);
        goes_soon(&pty, program);
        given_back(&mut pty, code);
    }
}

#[test]
fn on_hup_nothing_more_is_written() {
    let mut pty = started();
    let (before, program) = (pty.bytes().len(), inner(&pty));
    kill(program, Signal::HUP);
    goes_soon(&pty, program);
    pty.wait_for("code=129");
    let text = String::from_utf8_lossy(&pty.bytes()[before..]).into_owned();
    assert!(text.starts_with("tty-same"), "something was written after SIGHUP: {text:?}");
    pty.keys("\r");
    pty.ended();
}

#[test]
fn a_closed_terminal_ends_it_even_without_a_signal() {
    // In a session of its own it gets no SIGHUP: only the end of the terminal, which `script` holds, can be noticed.
    let line =
        "exec script -qfc 'exec setsid -w sh -c \"echo pid=\\$\\$; exec $MPIDECK demo --fleet empty\"' /dev/null";
    let mut pty = Pty::sh(line);
    pty.wait_for(UP);
    let text = String::from_utf8_lossy(&pty.bytes()).into_owned();
    let digits = text.split("pid=").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    let program: u32 = digits.and_then(|digits| digits.parse().ok()).expect("a pid");
    assert!(is_running(program));
    kill(pty.pid(), Signal::KILL);
    pty.ended();
    goes_soon(&pty, program);
}

#[test]
fn a_panic_is_reported_on_a_terminal_that_works() {
    let mut pty = started();
    kill(inner(&pty), Signal::USR1);
    pty.wait_for("a drill in the loop");
    given_back(&mut pty, "code=101");
}

#[test]
fn a_panic_in_a_task_leaves_the_screen_alone() {
    let mut pty = started();
    kill(inner(&pty), Signal::USR2);
    let log = pty.home().join(".local/state/mpideck/mpideck.log");
    let logged = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("a drill in a task"));
    pty.wait("the log to tell of it", logged);
    pty.keys("?");
    pty.wait_for("Job list");
    assert!(pty.is_full_screen() && !pty.screen().contains("drill"), "{}", pty.screen());
    pty.keys("q\u{3}");
    given_back(&mut pty, "code=0");
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back() {
    let line = around("$MPIDECK demo --fleet empty");
    let stopped = "code=$?; meanwhile=$(stty -a); [ \"$before\" = \"$meanwhile\" ] && echo stopped=$code; fg; code=$?;";
    let mut pty = Pty::sh(&format!("set -m; {}", line.replace("code=$?;", stopped)));
    pty.wait_for(UP);
    pty.keys("\x1a");
    // 128 + SIGSTOP: the shell noticed, found its terminal as it was, and `fg` continued it.
    pty.wait("the stop", || String::from_utf8_lossy(&pty.bytes()).contains("stopped=147"));
    pty.wait_for(UP);
    assert!(pty.is_full_screen());
    pty.keys("?");
    pty.wait_for("Job list");
    pty.keys("q\u{3}");
    given_back(&mut pty, "code=0");
}

#[test]
fn after_kill_9_the_terminal_can_be_reset() {
    let line =
        "$MPIDECK demo --fleet empty; stty sane; tput reset; stty -a | grep -q ' icanon' && echo works; read -r _";
    let mut pty = Pty::sh(line);
    pty.wait_for(UP);
    let program = inner(&pty);
    kill(program, Signal::KILL);
    goes_soon(&pty, program);
    pty.wait_for("works");
    pty.keys("\r");
    pty.ended();
    assert_eq!(pty.litter(), Vec::<String>::new(), "files remain");
}
