//! From start to end: whatever happens, the terminal is as it was, and no process remains.

use rustix::process::Signal;

use super::{Pty, kill};

/// Runs the screen between two looks at the terminal's settings and says whether they are equal.
const AROUND: &str = "before=$(stty -g); $MPIDECK terminal-check; code=$?; after=$(stty -g); \
                      [ \"$before\" = \"$after\" ] && echo tty-same || echo tty-differs; echo code=$code; read -r _";

fn started() -> Pty {
    let pty = Pty::sh(AROUND);
    pty.wait_for("last: ready");
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
}

/// The process that owns the screen: the child of the shell.
fn inner(pty: &Pty) -> u32 {
    let children = format!("/proc/{0}/task/{0}/children", pty.pid());
    let text = std::fs::read_to_string(children).expect("the shell's children");
    text.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("one child")
}

#[test]
fn leaves_by_a_key() {
    let mut pty = started();
    pty.keys("j");
    pty.wait_for("last: Char('j')");
    pty.keys("q");
    given_back(&mut pty, "code=0");
}

#[test]
fn a_resize_is_seen() {
    let mut pty = started();
    pty.resize(100, 30);
    pty.wait_for("size: 100x30");
    pty.keys("q");
    given_back(&mut pty, "code=0");
}

#[test]
fn a_paste_is_no_keys() {
    let mut pty = started();
    pty.keys("\x1b[200~qqq\x1b[201~");
    pty.wait_for("last: pasted 3 bytes");
    pty.keys("q");
    given_back(&mut pty, "code=0");
}

#[test]
fn ends_on_term_and_int_with_their_codes() {
    for (signal, code) in [(Signal::TERM, "code=143"), (Signal::INT, "code=130")] {
        let mut pty = started();
        kill(inner(&pty), signal);
        given_back(&mut pty, code);
    }
}

#[test]
fn on_hup_nothing_more_is_written() {
    let pty = started();
    let before = pty.bytes().len();
    kill(inner(&pty), Signal::HUP);
    pty.wait_for("code=129");
    let text = String::from_utf8_lossy(&pty.bytes()[before..]).into_owned();
    assert!(text.starts_with("tty-same"), "something was written after SIGHUP: {text:?}");
}

#[test]
fn a_closed_terminal_ends_it_even_without_a_signal() {
    // In a session of its own it gets no SIGHUP: only the end of the terminal, which `script` holds, can be noticed.
    let line = "exec script -qfc 'exec setsid -w sh -c \"echo pid=\\$\\$; exec $MPIDECK terminal-check\"' /dev/null";
    let mut pty = Pty::sh(line);
    pty.wait_for("last: ready");
    let text = String::from_utf8_lossy(&pty.bytes()).into_owned();
    let digits = text.split("pid=").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    let program: u32 = digits.and_then(|digits| digits.parse().ok()).expect("a pid");
    assert!(is_running(program));
    kill(pty.pid(), Signal::KILL);
    pty.ended();
    pty.wait("the program's end", || !is_running(program));
}

/// Not gone, and not waiting for its parent to notice that it is.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

#[test]
fn a_panic_is_reported_on_a_terminal_that_works() {
    let mut pty = started();
    pty.keys("p");
    pty.wait_for("terminal check: asked to");
    given_back(&mut pty, "code=101");
}

#[test]
fn a_panic_in_a_task_leaves_the_screen_alone() {
    let mut pty = started();
    pty.keys("t");
    pty.wait_for("task panicked: true");
    assert!(pty.is_full_screen() && !pty.screen().contains("in a task"), "{}", pty.screen());
    pty.keys("q");
    given_back(&mut pty, "code=0");
}

#[test]
fn a_program_may_borrow_the_terminal() {
    let mut pty = started();
    pty.keys("e");
    pty.wait_for("last: Exited");
    pty.keys("j");
    pty.wait_for("last: Char('j')");
    pty.keys("q");
    given_back(&mut pty, "code=0");
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back() {
    let mut pty =
        Pty::sh(&format!("set -m; {}", AROUND.replace("code=$?;", "code=$?; echo stopped=$code; fg; code=$?;")));
    pty.wait_for("last: ready");
    pty.keys("j");
    pty.wait_for("last: Char('j')");
    pty.keys("\x1a");
    // 128 + SIGSTOP: the shell noticed, and `fg` continued it.
    pty.wait("the stop", || String::from_utf8_lossy(&pty.bytes()).contains("stopped=147"));
    pty.wait_for("last: Char('j')");
    pty.keys("k");
    pty.wait_for("last: Char('k')");
    pty.keys("q");
    given_back(&mut pty, "code=0");
}
