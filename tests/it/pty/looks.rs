//! Terminals that can do little: no colour, ASCII only, none at all. The selected row must show on each.

use super::Pty;

/// Starts the console with these variables and flags, and asserts that the selected row is seen, also after it moved.
fn selection_is_seen(vars: &[(&str, &str)], flags: &str, marker: char) -> String {
    let mut pty = Pty::sh_with(&format!("exec $MPIDECK demo {flags}"), vars);
    let selected = |pty: &Pty| pty.screen().lines().find(|line| line.starts_with(marker)).map(str::to_owned);
    pty.wait("a selected row", || selected(&pty).is_some());
    let first = selected(&pty);
    pty.keys("jj");
    pty.wait("the selection to move", || selected(&pty).is_some_and(|row| Some(row) != first));
    let row = selected(&pty).expect("a selected row");
    assert!(pty.stands_out(&row), "«{row}» does not stand out:\n{}", pty.screen());
    pty.keys("\u{3}");
    assert_eq!(pty.ended(), 0);
    String::from_utf8_lossy(&pty.bytes()).into_owned()
}

/// Parameters of control sequences that choose a colour.
fn colours(bytes: &str) -> Vec<&str> {
    let sgr = bytes.split("\x1b[").filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
        rest[end..].starts_with('m').then_some(&rest[..end])
    });
    sgr.flat_map(|sgr| sgr.split(';')).filter(|code| matches!(code.parse(), Ok(30..=49 | 90..=107))).collect()
}

#[test]
fn the_reader_of_colours_reads_them() {
    assert_eq!(colours("a\x1b[1;32mb\x1b[m\x1b[3;4Hc\x1b[38;5;7m"), ["32", "38"]);
}

#[test]
fn without_colour_the_selection_shows() {
    assert_eq!(colours(&selection_is_seen(&[("NO_COLOR", "1")], "", '▌')), Vec::<&str>::new());
    assert_eq!(colours(&selection_is_seen(&[], "--color never", '▌')), Vec::<&str>::new());
    assert_ne!(colours(&selection_is_seen(&[], "", '▌')), Vec::<&str>::new(), "colours are there where they may");
}

#[test]
fn where_only_ascii_is_sure_nothing_else_is_written() {
    let linux = ("TERM", "linux");
    for (vars, flags) in [(&[linux][..], ""), (&[("LC_ALL", ""), ("LANG", "C")], ""), (&[], "--ascii")] {
        let bytes = selection_is_seen(vars, flags, '>');
        let odd: String = bytes.chars().filter(|c| !c.is_ascii()).collect();
        assert_eq!(odd, "", "with {vars:?} {flags}");
        let palette = !vars.contains(&linux) || !bytes.contains("38;5;") && !bytes.contains("38;2;");
        assert!(palette, "more than sixteen colours for TERM=linux");
    }
}

#[test]
fn a_terminal_without_a_cursor_is_refused_with_what_to_do() {
    let mut pty = Pty::sh_with("exec $MPIDECK demo", &[("TERM", "dumb")]);
    pty.wait_for("--once");
    assert_eq!(pty.ended(), 2);
    assert!(!String::from_utf8_lossy(&pty.bytes()).contains('\x1b'));
}
