//! Other sizes while it runs: it follows, and a storm of them does no harm.

use std::{thread, time::Duration};

use super::Pty;

#[test]
fn a_screen_too_small_says_so_and_comes_back() {
    let mut pty = Pty::sh("exec $MPIDECK demo --fleet empty");
    pty.wait_for("no training jobs");
    for (cols, rows) in [(39, 24), (80, 9), (1, 1), (20, 5)] {
        pty.resize(cols, rows);
        if cols > 20 {
            pty.wait_for("needs 40x10");
        }
    }
    pty.resize(40, 10);
    pty.wait("the console to come back", || !pty.screen().contains("needs") && pty.screen().contains("training"));
    pty.resize(160, 45);
    pty.wait("the whole width", || pty.screen().lines().any(|line| line.chars().count() > 100));
    pty.keys("\u{3}");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn a_storm_of_sizes_ends_with_the_last() {
    let mut pty = Pty::sh("exec $MPIDECK demo --fleet empty");
    pty.wait_for("no training jobs");
    let before = pty.bytes().len();
    for n in 0..200_u16 {
        pty.resize(30 + n % 150, 8 + n % 50);
        thread::sleep(Duration::from_millis(1));
    }
    pty.resize(100, 30);
    pty.keys("?");
    pty.wait_for("Job list");
    // Half of them painted whole would be half a megabyte.
    let written = pty.bytes().len() - before;
    assert!(written < 150_000, "{written} bytes for a dragged window");
    pty.keys("q\u{3}");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn a_key_in_the_moment_of_a_resize_is_not_held_back_and_neither_is_the_size() {
    let mut pty = Pty::sh("exec $MPIDECK demo --fleet empty");
    pty.wait_for("no training jobs");
    for round in 0..40_u16 {
        let cols = 100 + round;
        if round % 2 == 0 {
            pty.resize(cols, 30);
            pty.keys("?");
        } else {
            pty.keys("?");
            pty.resize(cols, 30);
        }
        pty.wait_for("Job list");
        pty.wait("the whole width", || pty.screen().lines().any(|line| line.chars().count() == usize::from(cols)));
        pty.keys("q");
        pty.wait("the help to close", || !pty.screen().contains("Job list"));
    }
    pty.keys("\u{3}");
    assert_eq!(pty.ended(), 0);
}
